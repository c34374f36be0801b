"""How Marketo keeps leads and their log: merged, deleted, and purged.

All instants are whole seconds since 1970 in UTC: Marketo tells no fractions. What is asked ``at``
an instant is answered with what Marketo knew then: what happens later is not there yet.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter
from typing import Any, NamedTuple

from smarketing.sandbox.clock import DAY, as_text
from smarketing.sandbox.vendors.marketo.schema import (
    CHANGE,
    DELETE,
    FIELDS,
    NEW_LEAD,
    TYPES,
    Field,
)


class Change(NamedTuple):
    """A field gets a value."""

    at: int
    name: str
    value: str


class Membership(NamedTuple):
    """A lead joins a program; ``number`` is the id of the membership."""

    at: int
    number: int
    program: int
    lead: Lead


@dataclass(slots=True, eq=False)
class Lead:
    """One lead with its whole history, what is still to come included.

    ``winner`` is the lead that it became part of, at ``merged``. ``losers`` are those that became
    part of it.
    """

    id: int
    created: int
    changes: list[Change]
    memberships: list[Membership] = field(default_factory=list)
    losers: list[Lead] = field(default_factory=list)
    winner: Lead | None = None
    merged: int | None = None
    deleted: int | None = None

    def is_live(self, at: int) -> bool:
        """Whether the lead is there: created, and neither merged away nor deleted."""
        return self.created <= at and not (_is_past(self.merged, at) or _is_past(self.deleted, at))

    def present(self, at: int) -> Lead:
        """The lead that stands for this one at an instant: itself, or a winner."""
        lead = self
        while lead.winner is not None and _is_past(lead.merged, at):
            lead = lead.winner
        return lead

    def change(self, at: int, name: str, value: str) -> None:
        """Give a field a value, now or at any other time."""
        insort(self.changes, Change(at, name, value), key=attrgetter("at"))

    def values(self, at: int) -> dict[str, str]:
        """The values of an instant, as text; empty ones may be left out."""
        told = self.changes[: bisect_right(self.changes, at, key=attrgetter("at"))]
        values = {change.name: change.value for change in told}
        visible = [change.at for change in told if _is_standard(change.name)]
        values["id"] = str(self.id)
        values["createdAt"] = as_text(self.created)
        values["updatedAt"] = as_text(max(visible, default=self.created))
        names = (values.get("firstName", ""), values.get("lastName", ""))
        values["fullName"] = " ".join(name for name in names if name)
        return values

    def touched(self, at: int) -> int:
        """When any field was changed last; the visible ``updatedAt`` knows of standard ones."""
        told = bisect_right(self.changes, at, key=attrgetter("at"))
        return self.changes[told - 1].at if told else self.created

    def joined(self, at: int) -> dict[int, Membership]:
        """The memberships of an instant by program, with those that came with merges."""
        found = {one.program: one for one in self.memberships if one.at <= at}
        for loser in self.losers:
            if _is_past(loser.merged, at):
                found = loser.joined(at) | found
        return found


@dataclass(slots=True, eq=False)
class Activity:
    """One line of the log. ``lead`` is whom it happened to, before any merge."""

    at: int
    id: int
    type: int
    lead: Lead
    primary_id: int
    primary: str
    attributes: dict[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """Its place in the log."""
        return self.at, self.id


class Instance:
    """All leads of an instance, their fields and their log. Ids say nothing of the order."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = dict(FIELDS)
        self.leads: dict[int, Lead] = {}
        self.log: list[Activity] = []
        self.deletions: list[Activity] = []
        self.members: defaultdict[int, list[Membership]] = defaultdict(list)
        self.purges = False
        self._by_creation: list[Lead] = []
        self._holders: dict[str, dict[str, list[Lead]]] = {}
        self._fresh_leads, self._fresh_activities = count(1), count(2_000_000_000)

    def arrange(self) -> None:
        """Put the log in the order of time, and number it, once all of it is written."""
        ordered = sorted(self.log, key=attrgetter("at"))
        for number, activity in enumerate(ordered, start=100_001):
            activity.id = number
        self.log = [one for one in ordered if one.type != DELETE]
        self.deletions = [one for one in ordered if one.type == DELETE]
        self._by_creation = sorted(self.leads.values(), key=_creation)

    def find(self, number: int, at: int) -> Lead | None:
        """The live lead with an id; those merged away have none any more."""
        lead = self.leads.get(number)
        return lead if lead is not None and lead.is_live(at) else None

    def live(self, at: int) -> Iterator[Lead]:
        """All live leads, in the order of their creation."""
        return self.created_within(0, at, at)

    def created_within(self, since: int, until: int, at: int) -> Iterator[Lead]:
        """The live leads created between two instants, both included, in that order."""
        begin = bisect_left(self._by_creation, (since, 0), key=_creation)
        for index in range(begin, len(self._by_creation)):
            lead = self._by_creation[index]
            if lead.created > min(until, at):
                return
            if lead.is_live(at):
                yield lead

    def holding(self, name: str, value: str, at: int) -> list[Lead]:
        """The live leads with that value in a field; case makes no difference."""
        if name not in self._holders:
            holders: defaultdict[str, list[Lead]] = defaultdict(list)
            for lead in self.leads.values():
                for change in lead.changes:
                    if change.name == name:
                        holders[change.value.strip().lower()].append(lead)
            self._holders[name] = holders
        wanted = value.strip().lower()
        once_held = dict.fromkeys(self._holders[name].get(wanted, ()))
        return [
            lead
            for lead in once_held
            if lead.is_live(at) and lead.values(at).get(name, "").strip().lower() == wanted
        ]

    def after(self, place: tuple[int, int], at: int, most: int) -> tuple[list[Activity], bool]:
        """The next lines of the log after a place, and whether there are more."""
        begin = bisect_right(self.log, place, key=attrgetter("place"))
        ends = bisect_right(self.log, at, key=attrgetter("at"))
        return self.log[begin : min(begin + most, ends)], begin + most < ends

    def within(self, since: int, until: int, at: int) -> Iterator[Activity]:
        """The lines of the log between two instants, both included."""
        begin = bisect_left(self.log, since, key=attrgetter("at"))
        ends = bisect_right(self.log, min(until, at), key=attrgetter("at"))
        return (one for one in self.log[begin:ends] if self.is_kept(one, at))

    def is_kept(self, activity: Activity, at: int) -> bool:
        """Whether a line of the log has not been purged."""
        is_purged = self.purges or activity.type == DELETE
        return not is_purged or activity.at > at - TYPES[activity.type].days * DAY

    def edit(self, lead: Lead, at: int, name: str, value: str) -> None:
        """Change a value now, as somebody at work would; the log tells of it."""
        field_ = self.fields[name]
        attributes = {
            "New Value": value,
            "Old Value": lead.values(at).get(name, ""),
            "Reason": "Changed by a user",
            "Source": "Marketo UI",
        }
        lead.change(at, name, value)
        self._write(at, CHANGE, lead, field_.id, field_.label, attributes)

    def create(self, at: int, values: dict[str, str]) -> None:
        """Create a lead now."""
        changes = [Change(at, name, value) for name, value in values.items()]
        number = next(number for number in self._fresh_leads if number not in self.leads)
        lead = Lead(number, at, changes)
        self.leads[lead.id] = lead
        insort(self._by_creation, lead, key=_creation)
        self._write(at, NEW_LEAD, lead, lead.id, "", {"Source Type": "List Import"})

    def _write(
        self, at: int, type_: int, lead: Lead, primary_id: int, primary: str, more: dict[str, Any]
    ) -> None:
        number = next(self._fresh_activities)
        activity = Activity(at, number, type_, lead, primary_id, primary, more)
        insort(self.log, activity, key=attrgetter("place"))
        self._holders.clear()


def _creation(lead: Lead) -> tuple[int, int]:
    return lead.created, lead.id


def _is_standard(name: str) -> bool:
    return name in FIELDS and not FIELDS[name].is_custom


def _is_past(moment: int | None, at: int) -> bool:
    return moment is not None and moment <= at
