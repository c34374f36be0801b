"""How a person travels through the funnel, and the stage history that this makes true.

The planner decides each step and its meaning (up, back, off the path, a new cycle) as it
takes it. Nothing is worked out afterwards from what the exports show.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smarketing.sandbox.chance import pick, skewed
from smarketing.sandbox.clock import DAY, MINUTE, next_office_time, start_of_day
from smarketing.sandbox.stages import HANDOFF, RANK, REASONS, below, is_on_path
from smarketing.sandbox.story import Direction, Echo, Move


class Way(NamedTuple):
    """A way on from a stage: the share of people who take it, and their median days before."""

    stage: str
    share: float
    days: float


_FIRST_STAGES = {"subscriber": 220, "lead": 630, "mql": 95, "sal": 10, "sql": 20, "customer": 3}
_FIRST_STAGES_OF_UPLOADS = {"lead": 75, "mql": 25}

# whoever takes none of them stays where he is
_WAYS = {
    "subscriber": (
        Way("lead", 0.70, 14), Way("mql", 0.05, 10), Way("sql", 0.006, 9),
        Way("disqualified", 0.03, 5),
    ),
    "lead": (
        Way("mql", 0.36, 6), Way("sal", 0.012, 4), Way("sql", 0.010, 5),
        Way("disqualified", 0.09, 4), Way("recycled", 0.02, 20), Way("subscriber", 0.012, 10),
    ),
    "mql": (
        Way("sal", 0.51, 1.2), Way("sql", 0.035, 2), Way("opportunity", 0.006, 6),
        Way("disqualified", 0.13, 2), Way("recycled", 0.12, 12),
        Way("lead", 0.015, 6), Way("subscriber", 0.004, 8),
    ),
    "sal": (
        Way("sql", 0.46, 6), Way("opportunity", 0.025, 8), Way("recycled", 0.16, 12),
        Way("disqualified", 0.10, 6), Way("mql", 0.02, 4), Way("lead", 0.006, 5),
    ),
    "sql": (
        Way("opportunity", 0.45, 8), Way("customer", 0.012, 25), Way("recycled", 0.14, 20),
        Way("disqualified", 0.08, 12), Way("sal", 0.015, 5), Way("mql", 0.015, 5),
        Way("lead", 0.008, 8),
    ),
    "opportunity": (
        Way("customer", 0.34, 28), Way("lost", 0.38, 35), Way("recycled", 0.03, 25),
        Way("sql", 0.025, 10), Way("mql", 0.008, 12), Way("lead", 0.006, 20),
    ),
    "customer": (
        Way("lost", 0.02, 150), Way("recycled", 0.01, 120), Way("opportunity", 0.01, 100),
    ),
    "recycled": (
        Way("mql", 0.20, 60), Way("lead", 0.10, 50), Way("sql", 0.03, 60),
        Way("subscriber", 0.01, 60), Way("disqualified", 0.05, 30),
    ),
    "disqualified": (Way("recycled", 0.03, 40), Way("mql", 0.02, 70), Way("lead", 0.02, 60)),
    "lost": (
        Way("recycled", 0.12, 40), Way("opportunity", 0.04, 100), Way("sql", 0.03, 90),
        Way("disqualified", 0.03, 20),
    ),
}  # fmt: skip

_SPREAD = 0.75
# a form or a score makes these at any hour; a person makes the others at work
_ROUND_THE_CLOCK = frozenset({"subscriber", "lead", "mql"})


class Journey:
    """Moves of one person, each taken with its meaning known."""

    def __init__(self) -> None:
        self.moves: list[Move] = []
        self._cycle = 1
        self._reached: set[str] = set()

    def start(self, stage: str, at: int, uploaded: int | None = None) -> None:
        """Enter the funnel; every stage under the first one counts as passed through."""
        self._climb("initial", stage, at, uploaded)

    def advance(self, stage: str, at: int, uploaded: int | None = None) -> None:
        """Climb to a higher stage, or come back to the path from a detour."""
        if not is_on_path(self.moves[-1].stage):
            self._open_cycle_if_handed_off()
        self._climb("forward", stage, at, uploaded)

    def fall_back(self, stage: str, at: int) -> None:
        """Go back to a lower stage; under the hand-over this closes the cycle."""
        if RANK[stage] < RANK[HANDOFF]:
            self._open_cycle_if_handed_off()
        # a climb from here passes over nothing that lies below
        self._reached.update(below(stage), (stage,))
        self.moves.append(Move(at, stage, "backward", self._cycle))

    def leave(self, detour: str, at: int, reason: str) -> None:
        """Leave the path for a detour, or change from one detour to another."""
        self.moves.append(Move(at, detour, "detour", self._cycle, reason=reason))

    def _climb(self, direction: Direction, stage: str, at: int, uploaded: int | None) -> None:
        inferred = tuple(lower for lower in below(stage) if lower not in self._reached)
        self._reached.update(inferred, (stage,))
        self.moves.append(
            Move(at, stage, direction, self._cycle, inferred=inferred, uploaded=uploaded)
        )

    def _open_cycle_if_handed_off(self) -> None:
        if HANDOFF in self._reached:
            self._cycle += 1
            self._reached = set()


def travel(
    rng: Random, arrived: int, until: int, *, is_upload: bool, pull: float, zone: ZoneInfo
) -> list[Move]:
    """Plan a journey from the arrival to ``until``.

    An upload carries days without a time, at the beginning only.
    """
    journey = Journey()
    if is_upload:
        journey.start(pick(rng, _FIRST_STAGES_OF_UPLOADS), start_of_day(arrived), arrived)
    else:
        journey.start(pick(rng, _FIRST_STAGES), arrived)

    while way := _choose(rng, journey.moves[-1].stage, pull):
        last = journey.moves[-1]
        is_climb = is_on_path(last.stage) and RANK.get(way.stage, 0) > RANK[last.stage]
        if is_climb and _is_twin(rng, last):
            journey.advance(way.stage, last.at, last.uploaded)
            continue

        at = last.known_at + MINUTE + skewed(rng, way.days * DAY, _SPREAD)
        if way.stage not in _ROUND_THE_CLOCK:
            at = next_office_time(rng, at, zone)
        if at >= until:
            break
        if not is_on_path(way.stage):
            journey.leave(way.stage, at, pick(rng, REASONS[way.stage]))
        elif is_climb or not is_on_path(last.stage):
            journey.advance(way.stage, at)
        else:
            journey.fall_back(way.stage, at)
    return journey.moves


def repeats(rng: Random, moves: list[Move], until: int) -> list[Echo]:
    """Entries that a record shows twice: the stage it stands in, once more."""
    echoes = []
    for index, move in enumerate(moves):
        leaves = moves[index + 1].at if index + 1 < len(moves) else until
        if rng.random() < 0.03 and leaves - move.known_at > MINUTE:
            at = rng.randrange(move.known_at + 1, leaves)
            echoes.append(Echo(at, move.stage, record=0, reason=move.reason))
    return echoes


def _choose(rng: Random, stage: str, pull: float) -> Way | None:
    """The way on from a stage, or nothing for those who stay."""
    chance = rng.random()
    for way in _WAYS[stage]:
        is_climb = RANK.get(way.stage, 0) > RANK.get(stage, len(RANK))
        chance -= way.share * pull if is_climb else way.share
        if chance < 0:
            return way
    return None


def _is_twin(rng: Random, last: Move) -> bool:
    """Whether the next stage is entered in the same second, or on the same unsplit day."""
    if last.direction not in ("initial", "forward"):
        return False
    return rng.random() < (0.3 if last.uploaded is not None else 0.03)
