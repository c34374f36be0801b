"""Everything that happened to one person: the plan that the exports and the truth are cut from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from smarketing.sandbox.prospects import Prospect

Direction = Literal["initial", "forward", "backward", "detour"]


@dataclass(slots=True)
class Record:
    """One record of the person in the CRM. ``uploaded`` is filled where only the day is known."""

    lead_id: str
    created: int
    email: str
    channel: str
    campaign_id: str
    score: int
    uploaded: int | None = None

    @property
    def known_at(self) -> int:
        """The instant at which the CRM learnt of it."""
        return self.created if self.uploaded is None else self.uploaded


@dataclass(slots=True)
class Move:
    """One true step of the person through the funnel, made by one of the records.

    ``inferred`` are the path stages jumped over. ``uploaded`` is filled where the CRM knows
    only the day: then ``at`` is the local start of that day.
    """

    at: int
    stage: str
    direction: Direction
    cycle: int
    inferred: tuple[str, ...] = ()
    reason: str = ""
    record: int = 0
    uploaded: int | None = None

    @property
    def known_at(self) -> int:
        """The instant at which the CRM learnt of it."""
        return self.at if self.uploaded is None else self.uploaded


@dataclass(slots=True)
class Echo:
    """A stage change that the CRM shows and that moves nobody."""

    at: int
    stage: str
    record: int
    reason: str = ""


@dataclass(slots=True)
class Ownership:
    """A record passes to an owner; ``owner_id`` is empty for nobody."""

    at: int
    record: int
    owner_id: str


@dataclass(slots=True)
class Touch:
    """One activity on a record."""

    at: int
    record: int
    kind: str
    direction: str
    is_automated: bool
    owner_id: str
    outcome: str
    touch_id: str = ""


@dataclass(slots=True)
class Handoff:
    """A hand-over to sales, its routing and its first counted touch.

    ``known_at`` is later than ``at`` where only the day is known; ``ends`` is the start of the
    next cycle, or the end of the story.
    """

    cycle: int
    at: int
    known_at: int
    ends: int
    assigned: int | None = None
    first_touch: Touch | None = None


@dataclass(slots=True)
class Opportunity:
    """A deal. Amounts are in cents: ``quoted`` while it is open, ``agreed`` once it is closed."""

    opportunity_id: str
    record: int
    owner_id: str
    opened: int
    quoted: int
    agreed: int
    closed: int | None = None
    status: str = "open"

    def close(self, at: int, status: str) -> None:
        """End the deal, won or lost."""
        self.closed, self.status = at, status


@dataclass(slots=True)
class Merge:
    """One record of the person becomes part of another."""

    at: int
    merged: int
    survivor: int


@dataclass(slots=True)
class Deletion:
    """A record deleted in the source; ``times_told`` is how often the exports say so."""

    at: int
    record: int
    times_told: int = 1


@dataclass(slots=True)
class Story:
    """The whole history of one person up to ``until``, the end of all we know of it.

    ``acting`` says from when on which record carries the journey.
    """

    number: int
    prospect: Prospect
    until: int
    records: list[Record]
    moves: list[Move]
    acting: list[tuple[int, int]]
    echoes: list[Echo] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    ownerships: list[Ownership] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    opportunities: list[Opportunity] = field(default_factory=list)

    def standing(self, at: int) -> int:
        """The index of the move in force at that instant; -1 before the first."""
        return bisect_right(self.moves, at, key=lambda move: move.at) - 1

    def leaves(self, index: int) -> int:
        """When the person leaves the stage that a move entered, or the end of the story."""
        return self.moves[index + 1].at if index + 1 < len(self.moves) else self.until

    def acting_record(self, at: int) -> int:
        """The record that carries the journey at that instant."""
        return next(record for since, record in reversed(self.acting) if since <= at)

    def owner(self, at: int) -> str:
        """The id of whoever owns the person at that instant; empty for nobody."""
        owners = (change.owner_id for change in reversed(self.ownerships) if change.at <= at)
        return next(owners, "")

    def hand_over(self, at: int, record: int) -> None:
        """From that instant on another record carries the journey."""
        self.acting.append((at, record))
        for move in self.moves:
            if move.at >= at:
                move.record = record

    def merged_away(self) -> set[int]:
        """The records that have become part of another."""
        return {merge.merged for merge in self.merges}

    def canonical(self) -> int:
        """The record that stands for the person: the first created of those that survive."""
        away = self.merged_away()
        surviving = [index for index in range(len(self.records)) if index not in away]
        return min(
            surviving, key=lambda index: (self.records[index].created, self.records[index].lead_id)
        )


def opaque_id(prefix: str, number: int, part: int) -> str:
    """An id that says nothing: neither the order of creation, nor who belongs together."""
    # an odd factor makes this a permutation of the 32-bit numbers: never the same id twice
    return f"{prefix}{(number * 8 + part) * 2_654_435_761 % 2**32:010d}"
