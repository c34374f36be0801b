"""Queries in Salesforce's language, put together from names and instants of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True)
class Place:
    """Where a reading goes on: behind a record, by its stamp and its id.

    Thousands of records may have one stamp, so the stamp alone is no place. ``stamp`` is empty
    where only the id counts.
    """

    stamp: str
    id: str


@dataclass(frozen=True)
class Query:
    """What is asked of an object. ``with_archived``: activities older than a year as well."""

    object: str
    fields: tuple[str, ...]
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    with_archived: bool = False

    def __str__(self) -> str:
        where = [*self.where, "IsDeleted = false"] if self.with_archived else [*self.where]
        text = f"SELECT {', '.join(self.fields)} FROM {self.object}"
        if where:
            text += f" WHERE {' AND '.join(where)}"
        if self.order:
            text += f" ORDER BY {', '.join(self.order)}"
        return text if self.limit is None else f"{text} LIMIT {self.limit}"

    def count(self) -> Query:
        """The same query for the number of records."""
        return replace(self, fields=("COUNT()",), order=(), limit=None)

    def behind(self, stamp: str, place: Place | None, limit: int) -> Query:
        """The same query for a page: what stands behind a place, in the order of stamp and id."""
        order = (stamp, "Id") if stamp else ("Id",)
        where = self.where
        if place and place.stamp:
            # what comes first finds the place by an index, the rest leaves out what was read
            where = (
                *where,
                f"{stamp} >= {place.stamp}",
                f"({stamp} > {place.stamp} OR Id > '{place.id}')",
            )
        elif place:
            where = (*where, f"Id > '{place.id}'")
        return replace(self, where=where, order=order, limit=limit)


def instant(at: datetime | str) -> str:
    """An instant as queries write it; Salesforce's own text of one is taken, too."""
    known = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return known.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def among(ids: Sequence[str]) -> str:
    """A condition: one of these ids."""
    return f"Id IN ({', '.join(repr(one) for one in ids)})"
