"""Raw tables of a source behind an API: what it tells, typed, one row for each version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from psycopg import Connection, sql

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "integer", "number", "boolean", "date", "instant", "json"]

Row = Mapping[str, Any]
"""One record by the names of a table's columns; what is not named is null."""

_SQL_TYPES: Final[dict[Kind, str]] = {
    "text": "varchar",
    "integer": "bigint",
    "number": "numeric(38, 9)",
    "boolean": "boolean",
    "date": "date",
    "instant": "timestamptz",
    # ADBC writes no jsonb; staging casts
    "json": "varchar",
}
_STEP: Final = Decimal(1).scaleb(-9)
_LONGEST_VALUE: Final = 200


@dataclass(frozen=True)
class Column:
    """A column: what the vendor's value means. A row without a ``required`` one is no row."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A raw table. Rows that agree in ``key`` are versions of one record."""

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        for name in self.key:
            if not self.column(name).required:
                raise ValueError(f"{self.name}.{name}: part of the key, so required")

    def column(self, name: str) -> Column:
        """The column of a name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns as they are loaded: ours, and those of every raw table."""
        import pyarrow as pa

        types: dict[Kind, pa.DataType] = {
            "text": pa.string(),
            "integer": pa.int64(),
            "number": pa.decimal128(38, 9),
            "boolean": pa.bool_(),
            "date": pa.date32(),
            "instant": pa.timestamp("us", tz="UTC"),
            "json": pa.string(),
        }
        return pa.schema(
            [
                pa.field("system", pa.string(), nullable=False),
                *(
                    pa.field(column.name, types[column.kind], nullable=not column.required)
                    for column in self.columns
                ),
                pa.field("_record_key", pa.string(), nullable=False),
                pa.field("_row_hash", pa.string(), nullable=False),
                pa.field("_sequence", pa.int64(), nullable=False),
            ]
        )


@dataclass(frozen=True)
class Unreadable:
    """A value that is not what its column holds. Without it, is there still a row?"""

    table: str
    key: str
    column: str
    value: str
    expected: str
    is_row_lost: bool


class TableRows:
    """Collects what a vendor told for one table, typed, until it is loaded."""

    def __init__(self, table: Table, system: str) -> None:
        self.table = table
        self._system = system
        self._columns: list[list[Any]] = [[] for _ in table.columns]
        self._keys: list[str] = []
        self._hashes: list[str] = []

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, rows: Iterable[Row]) -> list[Unreadable]:
        """Take rows; gives what could not be read. A value that is no key is left empty."""
        unreadable: list[Unreadable] = []
        for row in rows:
            values, faults = self._read(row)
            unreadable += faults
            if any(fault.is_row_lost for fault in faults):
                continue
            for column, value in zip(self._columns, values, strict=True):
                column.append(value)
            self._keys.append(self._key(row))
            self._hashes.append(_hash(values))
        return unreadable

    def batch(self) -> pa.RecordBatch:
        """All rows so far, in the order in which they came."""
        import pyarrow as pa

        schema = self.table.arrow_schema
        count = len(self)
        columns: list[Sequence[Any]] = [
            [self._system] * count, *self._columns, self._keys, self._hashes, range(count),
        ]  # fmt: skip
        arrays = [
            pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _read(self, row: Row) -> tuple[list[Any], list[Unreadable]]:
        values: list[Any] = []
        faults: list[Unreadable] = []
        for column in self.table.columns:
            found = row.get(column.name)
            value = None
            if found is not None and found != "":
                try:
                    value = _PARSERS[column.kind](found)
                except (ValueError, TypeError, ArithmeticError):
                    faults.append(self._fault(row, column, found))
                    continue
            if value is None and column.required:
                faults.append(self._fault(row, column, found))
            values.append(value)
        return values, faults

    def _fault(self, row: Row, column: Column, found: Any) -> Unreadable:
        text = "" if found is None else str(found)[:_LONGEST_VALUE]
        return Unreadable(
            self.table.name, self._key(row), column.name, printable(text),
            _EXPECTED[column.kind], is_row_lost=column.required,
        )  # fmt: skip

    def _key(self, row: Row) -> str:
        return _json([self._system, *(str(row.get(name)) for name in self.table.key)])


def create_missing(connection: Connection[Any], schema: str, tables: Iterable[Table]) -> None:
    """Create the tables, and the columns, that a raw schema does not have yet.

    So the models find them before the first row comes, and where a vendor has nothing to tell.
    """
    for table in tables:
        columns = [
            ("system", "varchar not null"),
            *(
                (column.name, _SQL_TYPES[column.kind] + " not null" * column.required)
                for column in table.columns
            ),
            ("_record_key", "varchar not null"),
            ("_row_hash", "varchar not null"),
            ("_sequence", "bigint not null"),
            ("_known_from", "timestamptz"),
            ("_known_until", "timestamptz"),
        ]
        name = sql.Identifier(schema, table.name)
        with connection.transaction():
            connection.execute(
                sql.SQL("create table if not exists {} ({})").format(
                    name,
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(type_))
                        for column, type_ in columns
                    ),
                )
            )
            connection.execute(
                sql.SQL("create index if not exists {} on {} (_record_key)").format(
                    sql.Identifier(f"{table.name}_record_key"), name
                )
            )


def printable(text: str) -> str:
    r"""Write what no stored text may hold, NUL and halves of characters, as ``\xNN``."""
    text = text.replace("\0", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode()


def _hash(values: Sequence[Any]) -> str:
    return blake2b(_json(values).encode(), digest_size=16).hexdigest()


def _json(values: Sequence[Any]) -> str:
    return orjson.dumps(values, default=str).decode()


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    if "\0" in text:
        raise ValueError(text)
    # half a character cannot be stored: UnicodeEncodeError is a ValueError
    text.encode()
    return text


def _integer(value: Any) -> int:
    number = _number(value)
    if number != (whole := int(number)) or not -(2**63) <= whole < 2**63:
        raise ValueError(value)
    return whole


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(value) from None
    # NaN and infinities are no amounts
    if not number.is_finite():
        raise ValueError(value)
    return number.quantize(_STEP, ROUND_HALF_EVEN)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).strip().lower()]


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise ValueError(value)
    return value if isinstance(value, date) else date.fromisoformat(str(value).strip())


def _instant(value: Any) -> datetime:
    """ISO 8601 with an offset, milliseconds since 1970, or a time with a zone."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC)
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    if at.tzinfo is None:
        raise ValueError(value)
    return at.astimezone(UTC)


def _as_json(value: Any) -> str:
    return _text(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


_PARSERS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
    "json": _as_json,
}
_EXPECTED: Final[dict[Kind, str]] = {
    "text": "text without NUL",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a day such as 2026-10-20",
    "instant": "a time with its offset, such as 2026-10-20T02:00:00Z",
    "json": "content that JSON can hold",
}
