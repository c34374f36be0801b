"""How Salesforce keeps rows: their values at every instant, deleted ones, and the stamps.

All instants are whole seconds since 1970 in UTC; Salesforce has no fractions. What is asked ``at``
an instant is answered with what had been committed by then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from smarketing.sandbox.clock import DAY
from smarketing.sandbox.vendors.salesforce.ids import full_id

Value = str | float | bool | None
"""A field's value: a date is text, an instant a whole number of seconds."""

# how long the recycle bin and the log of deletions remember (Salesforce, getDeleted)
BIN_DAYS = 15


class Version(NamedTuple):
    """A row is saved: what changes, when, by whom.

    ``at`` is the stamp that it leaves, ``committed`` when others first see it: later where the
    transaction took long. A process that nobody started (``is_system``) leaves no
    ``LastModifiedDate``.
    """

    committed: int
    at: int
    values: dict[str, Value]
    by: str
    is_system: bool


@dataclass(slots=True, eq=False)
class Row:
    """One row of an object with all its versions, those still to come included."""

    object: str
    id: str
    versions: list[Version]
    deleted: int | None = None
    is_hard_deleted: bool = False

    @property
    def born(self) -> int:
        """When it was created."""
        return self.versions[0].at

    def save(
        self, at: int, values: Mapping[str, Value], by: str, *, is_system: bool = False
    ) -> None:
        """Change some fields."""
        version = Version(at, at, dict(values), by, is_system)
        insort(self.versions, version, key=attrgetter("committed"))

    def value(self, name: str, at: int) -> Value:
        """The value of a field that somebody filled in."""
        if len(self.versions) == 1:
            return self.versions[0].values.get(name)
        for version in self._latest_first(at):
            if name in version.values:
                return version.values[name]
        return None

    def modified(self, at: int) -> int:
        """When a user or a process changed it last (``SystemModstamp``)."""
        return max((version.at for version in self._latest_first(at)), default=self.born)

    def modified_by_user(self, at: int) -> Version:
        """The last version that a user saved."""
        saved = (version for version in self._latest_first(at) if not version.is_system)
        return max(saved, key=attrgetter("at"), default=self.versions[0])

    def is_deleted(self, at: int) -> bool:
        """Whether it was deleted by then."""
        return self.deleted is not None and self.deleted <= at

    def is_seen(self, at: int, *, with_deleted: bool = False) -> bool:
        """Whether a query finds it: born, and not deleted, or at most in the recycle bin."""
        if self.versions[0].committed > at:
            return False
        if not self.is_deleted(at):
            return True
        assert self.deleted is not None
        return with_deleted and not self.is_hard_deleted and at - self.deleted < BIN_DAYS * DAY

    def _latest_first(self, at: int) -> Iterator[Version]:
        for index in range(bisect_right(self.versions, at, key=_committed) - 1, -1, -1):
            yield self.versions[index]


class Org:
    """All rows of an org, and for each object the stamps of all its rows in order."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        self._stamps: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._unsorted: set[str] = set()

    def add(
        self,
        object_: str,
        row_id: str,
        born: int,
        values: Mapping[str, Value],
        by: str,
        *,
        committed: int | None = None,
    ) -> Row:
        """Create a row."""
        filled = {name: value for name, value in values.items() if value not in (None, "")}
        first = Version(born if committed is None else committed, born, filled, by, False)
        row = Row(object_, row_id, [first])
        self._rows[object_][row_id] = row
        self._unsorted.add(object_)
        return row

    def save(
        self,
        row: Row,
        at: int,
        values: Mapping[str, Value],
        by: str,
        *,
        is_system: bool = False,
    ) -> None:
        """Change some fields of a row."""
        row.save(at, values, by, is_system=is_system)
        self._unsorted.add(row.object)

    def delete(self, row: Row, at: int, by: str, *, is_hard: bool = False) -> None:
        """Put a row into the recycle bin, or past it."""
        row.deleted, row.is_hard_deleted = max(at, row.born), is_hard
        self.save(row, row.deleted, {}, by)

    def find(self, row_id: Value) -> Row | None:
        """The row with an id of any object."""
        full = full_id(row_id) if isinstance(row_id, str) else None
        if full is None:
            return None
        return next((rows[full] for rows in self._rows.values() if full in rows), None)

    def rows(self, object_: str) -> Iterator[Row]:
        """All rows of an object in the order of their ids."""
        self._sort(object_)
        rows = self._rows[object_]
        return (rows[row_id] for row_id in self._ids[object_])

    def rows_of(self, object_: str, ids: Iterable[str]) -> Iterator[Row]:
        """Those of some ids that there are."""
        rows = self._rows[object_]
        return (rows[row_id] for row_id in sorted(set(ids)) if row_id in rows)

    def stamped(self, object_: str, since: int | None, until: int | None) -> Iterator[Row]:
        """The rows with any stamp of their life in ``[since, until]``, in the order of ids."""
        self._sort(object_)
        stamps = self._stamps[object_]
        begin = 0 if since is None else bisect_left(stamps, (since,))
        end = len(stamps) if until is None else bisect_left(stamps, (until + 1,))
        return self.rows_of(object_, (row_id for _, row_id in stamps[begin:end]))

    def _sort(self, object_: str) -> None:
        if object_ in self._unsorted:
            rows = self._rows[object_]
            self._ids[object_] = sorted(rows)
            self._stamps[object_] = sorted(
                {(version.at, row.id) for row in rows.values() for version in row.versions}
            )
            self._unsorted.discard(object_)


def _committed(version: Version) -> int:
    return version.committed
