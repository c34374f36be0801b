"""The life-cycle stages of the fictional company, and what its CRM calls them."""

from __future__ import annotations

PATH = ("subscriber", "lead", "mql", "sal", "sql", "opportunity", "customer")
DETOURS = ("recycled", "disqualified", "lost")
HANDOFF = "mql"

RANK = {stage: rank for rank, stage in enumerate(PATH, start=1)}

WORDS = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "mql": "Marketing Qualified",
    "sal": "Sales Accepted",
    "sql": "Sales Qualified",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "recycled": "Nurture",
    "disqualified": "Unqualified",
    "lost": "Closed Lost",
}

# values that somebody added to the CRM without telling the agreement
UNMAPPED_WORDS = ("Event Follow-Up", "Waiting for Legal")

REASONS = {
    "recycled": {"no reply": 6, "no budget": 4},
    "disqualified": {"not a fit": 10, "no budget": 5, "duplicate": 2, "employee": 1, "test": 1},
    "lost": {"competitor": 5, "no budget": 3, "no reply": 2},
}


def is_on_path(stage: str) -> bool:
    """Whether the stage belongs to the path, not to the detours."""
    return stage in RANK


def is_past_handoff(stage: str) -> bool:
    """Whether the stage is a path stage above the hand-over."""
    return RANK.get(stage, 0) > RANK[HANDOFF]


def below(stage: str) -> tuple[str, ...]:
    """The path stages ranked strictly under a path stage, lowest first."""
    return PATH[: RANK[stage] - 1]
