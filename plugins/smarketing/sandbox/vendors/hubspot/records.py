"""How HubSpot keeps records: every value with its history, merged, archived and erased.

All instants are milliseconds since 1970 in UTC. What is asked ``at`` an instant is answered
with what HubSpot knew then: later changes, merges and deletions are not there yet.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter
from typing import NamedTuple

from smarketing.sandbox.vendors.clock import as_text
from smarketing.sandbox.vendors.hubspot.schema import (
    CREATED,
    KINDS,
    MERGED_IDS,
    MODIFIED,
    PROPERTIES,
)


class Change(NamedTuple):
    """A property gets a value; an empty one clears it. ``source`` is HubSpot's ``sourceType``."""

    at: int
    name: str
    value: str
    source: str


@dataclass(slots=True, eq=False)
class Record:
    """One record with its whole history, what is still to come included.

    ``born`` is when its id came to be, ``created`` its create date; a merged record has that of
    the primary. ``successor`` is the record that it became part of, at ``ended``.
    """

    kind: str
    id: int
    born: int
    created: int
    changes: list[Change]
    links: list[Record] = field(default_factory=list)
    sources: tuple[Record, ...] = ()
    ended: int | None = None
    successor: Record | None = None
    archived: int | None = None
    erased: int | None = None

    def change(self, at: int, name: str, value: str, source: str) -> None:
        """Give a property a value, now or at any other time."""
        insort(self.changes, Change(at, name, value, source), key=attrgetter("at"))

    def modified(self, at: int) -> int:
        """When the record was changed last. An association changes nothing."""
        told = self._told(at)
        return self.changes[told - 1].at if told else self.born

    def given(self, at: int) -> dict[str, str]:
        """The values of an instant that somebody gave it; cleared ones are empty."""
        return {change.name: change.value for change in self.changes[: self._told(at)]}

    def values(self, at: int) -> dict[str, str]:
        """All values of an instant."""
        values = self.given(at)
        values["hs_object_id"] = str(self.id)
        values[CREATED[self.kind]] = as_text(self.created)
        values[MODIFIED[self.kind]] = as_text(self.modified(at))
        return values

    def value(self, name: str, at: int) -> str:
        """One value of an instant; empty for none. Knows nothing of the three of every record."""
        return next((change.value for change in self._latest_first(at) if change.name == name), "")

    def history(self, name: str, at: int) -> list[Change]:
        """The changes of one property up to an instant, latest first."""
        return [change for change in self._latest_first(at) if change.name == name]

    def is_live(self, at: int) -> bool:
        """Whether the record is there: born, and neither merged away, archived nor erased."""
        return self.born <= at and not (
            _is_past(self.ended, at) or _is_past(self.archived, at) or _is_past(self.erased, at)
        )

    def is_archived(self, at: int) -> bool:
        """Whether the record lies in the recycle bin."""
        return _is_past(self.archived, at) and not _is_past(self.erased, at)

    def present(self, at: int) -> Record:
        """The record that stands for this one at an instant: itself, or what it became part of."""
        record = self
        while record.successor is not None and _is_past(record.ended, at):
            record = record.successor
        return record

    def linked(self, kind: str, at: int) -> list[Record]:
        """The live records of a kind that it, or a source of it, is associated with, by id."""
        found = {
            other.id: other
            for link in self._all_links()
            if link.kind == kind and (other := link.present(at)).is_live(at)
        }
        return [found[number] for number in sorted(found)]

    def _all_links(self) -> Iterator[Record]:
        yield from self.links
        for source in self.sources:
            yield from source._all_links()

    def _told(self, at: int) -> int:
        return bisect_right(self.changes, at, key=attrgetter("at"))

    def _latest_first(self, at: int) -> Iterator[Change]:
        for index in range(self._told(at) - 1, -1, -1):
            yield self.changes[index]


class Account:
    """All records of an account. Ids say nothing of the order of creation."""

    def __init__(self) -> None:
        self._records: dict[str, dict[int, Record]] = {kind: {} for kind in KINDS}
        self._ids: dict[str, list[int]] = {kind: [] for kind in KINDS}
        # what records have values of; the account's own may come, change and go
        self.properties = {kind: dict(properties) for kind, properties in PROPERTIES.items()}
        self._fresh_ids = count(10**15)
        # one more with everything that happens, so that what was looked up can be kept
        self.revision = 0

    def fresh_id(self) -> int:
        """An id above all others."""
        return next(self._fresh_ids)

    def add(self, kind: str, number: int, born: int, changes: Iterable[Change]) -> Record:
        """Add a record; the changes come in order."""
        return self._keep(Record(kind, number, born, born, list(changes)))

    def find(self, kind: str, number: int, at: int) -> Record | None:
        """The record that an id means at an instant, archived ones included.

        Merged ids mean the record that they became part of (HubSpot, changelog "Updated merge
        functionality"); erased records are gone.
        """
        record = self._records[kind].get(number)
        if record is None or record.born > at:
            return None
        record = record.present(at)
        return None if _is_past(record.erased, at) else record

    def since(self, kind: str, after: int, at: int, *, archived: bool = False) -> Iterator[Record]:
        """The records of a kind with ids above a given one, in the order of their ids."""
        records, ids = self._records[kind], self._ids[kind]
        for index in range(bisect_right(ids, after), len(ids)):
            record = records[ids[index]]
            if record.is_archived(at) if archived else record.is_live(at):
                yield record

    def link(self, one: Record, other: Record) -> None:
        """Associate two records."""
        one.links.append(other)
        other.links.append(one)

    def change(self, record: Record, at: int, name: str, value: str, source: str) -> None:
        """Give a property of a record a value."""
        record.change(at, name, value, source)
        self.revision += 1

    def merge(self, primary: Record, other: Record, at: int, number: int) -> Record:
        """Make two records a new third one (HubSpot, changelog "Updated merge functionality").

        The primary's current values win and the histories are joined; of two entries with equal
        property and instant only the primary's is kept.
        """
        taken = {(change.name, change.at) for change in primary.changes}
        joined = [
            *primary.changes,
            *(change for change in other.changes if (change.name, change.at) not in taken),
        ]
        joined.sort(key=attrgetter("at"))
        merged = Record(primary.kind, number, at, primary.created, joined)
        merged.sources = (primary, other)
        merged.archived = primary.archived

        wanted = {
            name: value
            for source in (other, primary)
            for name, value in source.given(at).items()
            if value
        }
        wanted[MERGED_IDS] = ";".join(str(source.id) for source in _ancestors(merged))
        for name, value in wanted.items():
            if merged.value(name, at) != value:
                merged.change(at, name, value, "MERGE_OBJECTS")
        for source in merged.sources:
            source.successor, source.ended = merged, at
        return self._keep(merged)

    def archive(self, record: Record, at: int) -> None:
        """Put a record into the recycle bin."""
        record.archived = at
        self.revision += 1

    def restore(self, record: Record) -> None:
        """Bring a record back from the recycle bin: nobody changed it."""
        record.archived = None
        self.revision += 1

    def erase(self, record: Record, at: int) -> None:
        """Erase a record for privacy: it is in no list any more."""
        record.erased = at
        self.revision += 1

    def _keep(self, record: Record) -> Record:
        self._records[record.kind][record.id] = record
        ids = self._ids[record.kind]
        if not ids or record.id > ids[-1]:
            ids.append(record.id)
        else:
            insort(ids, record.id)
        self.revision += 1
        return record


def _ancestors(record: Record) -> Iterator[Record]:
    for source in record.sources:
        yield from _ancestors(source)
        yield source


def _is_past(moment: int | None, at: int) -> bool:
    return moment is not None and moment <= at
