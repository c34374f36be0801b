"""The planned truth against a second opinion: the specification, replayed over the exports.

The replay reads the exports as a model would, observation by observation, and knows nothing
of how the sandbox plans a journey.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, zip_longest

import pytest

from tests.plugins.smarketing.sandbox.exports import Exports, Row, instant, is_day

RANKS = {
    "subscriber": 1,
    "lead": 2,
    "mql": 3,
    "sal": 4,
    "sql": 5,
    "opportunity": 6,
    "customer": 7,
}
MAPPING = {
    "subscriber": "subscriber",
    "lead": "lead",
    "marketing qualified": "mql",
    "sales accepted": "sal",
    "sales qualified": "sql",
    "opportunity": "opportunity",
    "customer": "customer",
    "nurture": "recycled",
    "unqualified": "disqualified",
    "closed lost": "lost",
}
SHARED_MAILBOXES = {"info", "sales", "contact", "office", "hello", "support", "admin"}

SEEDS = range(1, 6)


@dataclass
class Entry:
    """A row of the stage history."""

    cycle: int
    stage: str
    entered: datetime
    is_day: bool
    direction: str
    is_inferred: bool
    reason: str = ""
    exited: datetime | None = None

    def as_row(self, person_id: str) -> Row:
        """The entry as the truth writes it."""
        return {
            "person_id": person_id,
            "cycle_number": str(self.cycle),
            "stage": self.stage,
            "entered": written(self.entered),
            "is_date_only": str(self.is_day).lower(),
            "exited": written(self.exited),
            "direction": self.direction,
            "is_inferred": str(self.is_inferred).lower(),
        }


@dataclass
class Funnel:
    """A person in the funnel, moved by one observation at a time (spec §4)."""

    gone: dict[str, datetime]
    cycle: int = 1
    present: str | None = None
    reached: set[str] = field(default_factory=set)
    own_last: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def observe(self, at: datetime, stage: str, record: str, is_day: bool, reason: str) -> None:
        own_before = self.own_last.get(record)
        self.own_last[record] = stage
        if stage in RANKS:
            self._observe_path(at, stage, own_before, is_day)
        elif stage != self.present and not self._is_held_back(at, record, own_before):
            self._enter(at, stage, "detour", is_day)
            self.entries[-1].reason = reason

    def _observe_path(self, at: datetime, stage: str, own_before: str | None, is_day: bool) -> None:
        rank = RANKS[stage]
        if self.present is None:
            self._climb(at, stage, "initial", is_day)
        elif self.present not in RANKS:
            self._renew()
            self._climb(at, stage, "forward", is_day)
        elif rank > RANKS[self.present]:
            self._climb(at, stage, "forward", is_day)
        elif rank < RANKS[self.present] and RANKS.get(own_before or "", 0) > rank:
            if rank < RANKS["mql"]:
                self._renew()
            self._enter(at, stage, "backward", is_day)
            # a later jump from here goes over nothing that lies below
            self.reached.update(lower for lower in RANKS if RANKS[lower] < rank)

    def _is_held_back(self, at: datetime, record: str, own_before: str | None) -> bool:
        own_rank = RANKS.get(own_before or "", 0)
        return any(
            other != record
            and RANKS.get(stage, -1) >= own_rank
            and not (other in self.gone and self.gone[other] <= at)
            for other, stage in self.own_last.items()
        )

    def _renew(self) -> None:
        if "mql" in self.reached:
            self.cycle += 1
            self.reached = set()

    def _climb(self, at: datetime, stage: str, direction: str, is_day: bool) -> None:
        for lower in RANKS:
            if RANKS[lower] < RANKS[stage] and lower not in self.reached:
                self._enter(at, lower, direction, is_day, is_inferred=True)
        self._enter(at, stage, direction, is_day)

    def _enter(
        self, at: datetime, stage: str, direction: str, is_day: bool, is_inferred: bool = False
    ) -> None:
        if stage in RANKS:
            self.reached.add(stage)
        self.entries.append(Entry(self.cycle, stage, at, is_day, direction, is_inferred))
        self.present = stage


class Replay:
    """The exports of a company, worked through from first to last."""

    def __init__(self, exports: Exports) -> None:
        self.exports = exports
        self.leads = exports.latest("leads", "lead_id")
        self.merges = exports.latest("merges", "merged_lead_id")
        self.deleted = {
            row["lead_id"]: instant(row["deleted"]) for row in exports.rows("deletions")
        }
        self.gone = self.deleted | {
            lead_id: instant(row["merged"]) for lead_id, row in self.merges.items()
        }
        self.changes = grouped(exports.rows("stage_changes"))
        self.ownerships = grouped(exports.rows("ownership_changes"))
        self.touches = grouped(exports.rows("touches"))
        self.deals = grouped(exports.latest("opportunities", "opportunity_id").values())
        self.teams = {row["owner_id"]: row["team"] for row in exports.rows("owners")}
        self.people = self._people()
        self.histories = {
            person_id: self._history(records) for person_id, records in self.people.items()
        }

    def _people(self) -> dict[str, list[str]]:
        """Records by person: linked by merges and by e-mail, named by the canonical record."""
        group = {lead_id: {lead_id} for lead_id in self.leads}

        def link(one: str, other: str) -> None:
            together = group[one] | group[other]
            for lead_id in together:
                group[lead_id] = together

        for row in self.merges.values():
            link(row["merged_lead_id"], row["surviving_lead_id"])
        by_email: dict[str, str] = {}
        for lead_id, row in self.leads.items():
            email = row["email"].strip().lower()
            if email and email.split("@")[0] not in SHARED_MAILBOXES:
                link(by_email.setdefault(email, lead_id), lead_id)

        people = {}
        for records in {id(records): records for records in group.values()}.values():
            surviving = [lead_id for lead_id in records if lead_id not in self.merges]
            canonical = min(surviving, key=lambda one: (instant(self.leads[one]["created"]), one))
            people[canonical] = sorted(records)
        return people

    def _history(self, records: list[str]) -> list[Entry]:
        observations = set()
        for record in records:
            for row in self.changes[record]:
                stage = MAPPING.get(row["stage"].strip().lower())
                if stage is not None:
                    place = (stage not in RANKS, RANKS.get(stage, 0))
                    occurred = row["occurred"]
                    observations.add(
                        (instant(occurred), place, record, stage, is_day(occurred), row["reason"])
                    )
        funnel = Funnel(self.gone)
        for at, _, record, stage, day, reason in sorted(observations):
            funnel.observe(at, stage, record, day, reason)

        observed = [entry for entry in funnel.entries if not entry.is_inferred]
        for before, after in pairwise(observed):
            before.exited = after.entered
        for entry in funnel.entries:
            if entry.is_inferred:
                entry.exited = entry.entered
        return funnel.entries

    def persons(self) -> list[Row]:
        """A person is deleted when all records are that no merge took away."""
        rows = []
        for person_id, records in self.people.items():
            surviving = [record for record in records if record not in self.merges]
            is_deleted = all(record in self.deleted for record in surviving)
            deleted = max(self.deleted[record] for record in surviving) if is_deleted else None
            rows.append(
                {
                    "person_id": person_id,
                    "record_ids": ";".join(records),
                    "created": written(min(instant(self.leads[one]["created"]) for one in records)),
                    "is_deleted": str(is_deleted).lower(),
                    "deleted": written(deleted),
                }
            )
        return rows

    def stages(self) -> list[Row]:
        """All entries of all persons."""
        return [
            entry.as_row(person_id)
            for person_id, history in self.histories.items()
            for entry in history
        ]

    def handoffs(self, *, by_record: bool) -> list[Row]:
        """Hand-overs, with the owner read per record or from all records in one stream."""
        rows = []
        for person_id, history in self.histories.items():
            starts: dict[int, datetime] = {}
            for entry in history:
                starts.setdefault(entry.cycle, entry.entered)
            observed = [entry for entry in history if not entry.is_inferred]
            handed_off: dict[int, int] = {}
            for number, entry in enumerate(observed):
                if entry.stage == "mql":
                    handed_off.setdefault(entry.cycle, number)
            for cycle, number in handed_off.items():
                at = observed[number].entered
                later = [entry for entry in observed[number + 1 :] if entry.cycle == cycle]
                accepted = [entry for entry in later if RANKS.get(entry.stage, 0) > RANKS["mql"]]
                left = [entry for entry in later if entry.stage not in RANKS]
                touch = self._first_touch(person_id, at, starts.get(cycle + 1))
                assigned, owner_id = self._assigned(person_id, at, by_record=by_record)
                rows.append(
                    {
                        "person_id": person_id,
                        "cycle_number": str(cycle),
                        "handed_off": written(at),
                        "assigned": written(assigned),
                        "owner_id": owner_id,
                        "first_touch": touch["occurred"] if touch else "",
                        "first_touch_id": touch["touch_id"] if touch else "",
                        "accepted": written(accepted[0].entered if accepted else None),
                        "left": written(left[0].entered if left else None),
                        "reason": left[0].reason if left else "",
                    }
                )
        return rows

    def outcomes(self) -> list[Row]:
        """First observed entries, and the deals won."""
        rows = []
        for person_id, history in self.histories.items():
            first: dict[str, datetime] = {}
            for entry in history:
                if not entry.is_inferred:
                    first.setdefault(entry.stage, entry.entered)
            won = [
                float(deal["amount"])
                for record in self.people[person_id]
                for deal in self.deals[record]
                if deal["status"] == "won"
            ]
            rows.append(
                {
                    "person_id": person_id,
                    "first_mql": written(first.get("mql")),
                    "first_sql": written(first.get("sql")),
                    "first_customer": written(first.get("customer")),
                    "is_won": str(bool(won)).lower(),
                    "amount_won": f"{sum(won):.2f}",
                }
            )
        return rows

    def _is_sales(self, owner_id: str) -> bool:
        return self.teams.get(owner_id, "").startswith("Sales")

    def _assigned(
        self, person_id: str, at: datetime, *, by_record: bool
    ) -> tuple[datetime | None, str]:
        records = self.people[person_id]
        streams = [self.ownerships[record] for record in records]
        if not by_record:
            streams = [[row for stream in streams for row in stream]]
        moments = []
        for stream in streams:
            spells = sorted(stream, key=lambda row: instant(row["occurred"]))
            for row, following in zip_longest(spells, spells[1:]):
                is_over = following is not None and instant(following["occurred"]) <= at
                if self._is_sales(row["owner_id"]) and not is_over:
                    moments.append((max(at, instant(row["occurred"])), row["owner_id"]))
        return min(moments, default=(None, ""))

    def _first_touch(self, person_id: str, at: datetime, until: datetime | None) -> Row | None:
        counted = [
            row
            for record in self.people[person_id]
            for row in self.touches[record]
            if row["direction"] == "outbound"
            and row["is_automated"] == "false"
            and (row["kind"] in {"call", "email", "message"} or row["outcome"] == "held")
            and self._is_sales(row["owner_id"])
            and instant(row["occurred"]) >= at
            and (until is None or instant(row["occurred"]) < until)
        ]
        return min(counted, key=lambda row: instant(row["occurred"]), default=None)


def grouped(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    """Rows by the lead they are about."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["lead_id"]].append(row)
    return found


def written(at: datetime | None) -> str:
    """An instant as the truth writes it."""
    return "" if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_order(rows: list[Row]) -> list[tuple[str, ...]]:
    """Rows as tuples, in an order that two calculations can share."""
    return sorted(tuple(row.values()) for row in rows)


@pytest.fixture(params=SEEDS)
def replay(request: pytest.FixtureRequest, company: Callable[..., Exports]) -> Replay:
    return Replay(company(seed=request.param))


def test_persons_are_those_the_exports_link(replay: Replay) -> None:
    assert in_order(replay.persons()) == in_order(replay.exports.truth("persons"))


def test_stages_are_those_the_specification_gives(replay: Replay) -> None:
    assert in_order(replay.stages()) == in_order(replay.exports.truth("stages"))


@pytest.mark.parametrize("by_record", [True, False])
def test_handoffs_are_those_the_specification_gives(replay: Replay, by_record: bool) -> None:
    expected = in_order(replay.exports.truth("handoffs"))
    assert in_order(replay.handoffs(by_record=by_record)) == expected


def test_outcomes_are_those_of_stages_and_deals(replay: Replay) -> None:
    assert in_order(replay.outcomes()) == in_order(replay.exports.truth("outcomes"))
