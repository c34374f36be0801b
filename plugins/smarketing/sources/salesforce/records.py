"""Salesforce's records as rows, and its files as columns: the same versions either way.

REST tells numbers, truths and texts; a file tells texts only, and another one of each instant.
Where our column has a type, the raw table makes them equal; where it is text, and within
``custom``, it is done here, by the type that Salesforce describes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from smarketing.sources.api.tables import Row, Table, printable
from smarketing.sources.salesforce.api import Told
from smarketing.sources.salesforce.objects import History, Kind
from smarketing.sources.salesforce.soql import Query
from smarketing.sources.salesforce.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

_TABLES: Final[dict[str, Table]] = {table.name: table for table in TABLES}
_ENTITY: Final = "EntityId"


@dataclass(frozen=True)
class Reading:
    """What is asked of an object, and what it fills.

    ``columns`` gives our columns their field, ``own`` the org's further fields, ``types`` the
    types of all. ``stamp`` is the field by which changes are found; empty where there is none,
    and all is read every night.
    """

    kind: Kind
    columns: Mapping[str, str]
    own: tuple[str, ...]
    types: Mapping[str, str]
    stamp: str

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields to ask for; those by which a page is found always are."""
        needed = ["Id", *filter(None, [self.stamp])]
        return tuple(dict.fromkeys([*needed, *self.columns.values(), *self.own]))

    def query(self, *where: str) -> Query:
        """A query for the records that conditions hold of."""
        return Query(self.kind.object, self.fields, where, with_archived=self.kind.is_archived)

    def rows(self, records: Sequence[Told]) -> list[Row]:
        """Records of REST as rows."""
        if isinstance(self.kind, History):
            return [_change(self.kind, self._ours(record)) for record in records]
        return [self._row(record) for record in records]

    def batch(self, told: pa.RecordBatch) -> pa.RecordBatch:
        """Columns of a file, by Salesforce's names, as columns of ours."""
        import pyarrow as pa

        if isinstance(self.kind, History):
            rows = self.rows(told.to_pylist())
            names = [column.name for column in _TABLES[self.kind.table].columns]
            arrays = [pa.array([row.get(name) for row in rows], pa.string()) for name in names]
            return pa.RecordBatch.from_arrays(arrays, names=names)
        columns = {name: self._column(told, name) for name in self.columns}
        if self.kind.has_own:
            columns["custom"] = self._custom(told)
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _row(self, record: Told) -> Row:
        row = self._ours(record)
        for name in self._odd_texts:
            row[name] = _text(self.types[self.columns[name]], row[name])
        if self.kind.has_own:
            row["custom"] = {
                name: _content(self.types[name], record[name])
                for name in self.own
                if record[name] not in (None, "")
            }
        return row

    def _ours(self, record: Told) -> dict[str, Any]:
        return {column: record[name] for column, name in self.columns.items()}

    @property
    def _odd_texts(self) -> list[str]:
        """Our columns of text that are filled from something else."""
        table = _TABLES[self.kind.table]
        return [
            column
            for column, name in self.columns.items()
            if table.column(column).kind == "text" and self.types[name] in _CONTENT
        ]

    def _column(self, told: pa.RecordBatch, name: str) -> pa.Array:
        import pyarrow as pa

        values = told.column(self.columns[name])
        if name not in self._odd_texts:
            return values
        type_ = self.types[self.columns[name]]
        return pa.array([_text(type_, value) for value in values.to_pylist()], pa.string())

    def _custom(self, told: pa.RecordBatch) -> pa.Array:
        """The org's own fields as JSON, row by row."""
        import pyarrow as pa

        columns = [
            [
                None if text is None else _content(self.types[name], text)
                for text in told.column(name).to_pylist()
            ]
            for name in self.own
        ]
        contents = zip(*columns, strict=True) if columns else ((),) * told.num_rows
        return pa.array(
            [
                orjson.dumps(
                    {
                        name: value
                        for name, value in zip(self.own, values, strict=True)
                        if value is not None
                    },
                    option=orjson.OPT_SORT_KEYS,
                ).decode()
                for values in contents
            ],
            pa.string(),
        )


def _change(kind: History, row: dict[str, Any]) -> Row:
    """A change in the history of a field, by our name of it."""
    type_, name = row.get("type"), row["field"]
    # a change of a reference is told twice: by ids, and by names
    is_ours = type_ == _ENTITY or name not in _REFERENCES
    row["object"] = kind.of
    row["field"] = kind.names.get(name, name) if is_ours else name
    for end in ("old", "new"):
        row[end] = _text(_HISTORY_TYPES.get(type_ or "", ""), row[end])
    return row


_REFERENCES: Final = frozenset({"Owner", "Account"})
_HISTORY_TYPES: Final = {
    "Boolean": "boolean",
    "Currency": "double",
    "DateTime": "datetime",
    "Double": "double",
    "Integer": "double",
    "Percent": "double",
}
"""Types in histories that REST and files tell differently, by the names that describe uses."""


def _content(type_: str, value: Any) -> Any:
    """A value of a field of the org's own, as JSON holds it. No text in it has a NUL."""
    read = _CONTENT.get(type_)
    if read is None:
        return printable(value if isinstance(value, str) else str(value))
    try:
        return read(value)
    except ValueError:
        return printable(str(value))


def _text(type_: str, value: Any) -> Any:
    """A value for a column of text."""
    if value is None or type_ not in _CONTENT:
        return value
    known = _content(type_, value)
    if isinstance(known, bool):
        return str(known).lower()
    if isinstance(known, float):
        return str(int(known)) if known.is_integer() else repr(known)
    return known


def _truth(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError(value)


def _instant(value: Any) -> str:
    at = datetime.fromisoformat(value).astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_CONTENT: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("double", "currency", "percent", "int", "long"), float),
    "boolean": _truth,
    "datetime": _instant,
}
"""How to read what REST and files tell differently, by type."""
