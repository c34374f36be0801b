"""Raw tables of a source behind an API: what it tells, typed, one row for each version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "integer", "number", "boolean", "date", "instant", "json"]

Row = Mapping[str, Any]
"""One record by the names of a table's columns; what is not named is null."""

_STEP: Final = Decimal(1).scaleb(-9)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS: Final = Context(prec=38)
# as JSON writes it; behind a backslash that is text itself it means nothing
_NUL: Final = re.compile(r"(?<!\\)(\\\\)*\\u0000")
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

        types = _arrow_types()
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
    """Collects what a vendor told for one table, typed, until it is loaded.

    It comes as rows of values, or as columns of texts where a vendor gives files: a record is the
    same version whichever way it was read.
    """

    def __init__(self, table: Table, system: str) -> None:
        self.table = table
        self._system = system
        self._values: list[list[Any]] = [[] for _ in table.columns]
        self._batches: list[pa.RecordBatch] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count + len(self._values[0])

    def add(self, told: Sequence[Row] | pa.RecordBatch) -> list[Unreadable]:
        """Take rows, or columns of text by our names.

        Gives what could not be read: a value that is not required is left empty, else its row is
        left out.
        """
        import pyarrow as pa

        if not isinstance(told, pa.RecordBatch):
            return self._add_rows(told)
        try:
            columns = [_as_column(told, column) for column in self.table.columns]
        except (pa.ArrowInvalid, KeyError):
            # some value is bad, or a required one is missing: row by row, to find out which
            return self._add_rows(map(self._parsed, told.to_pylist()))
        self._end_rows()
        self._end_batch(columns)
        return []

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows so far, in the order in which they came."""
        self._end_rows()
        return iter(self._batches)

    def _add_rows(self, rows: Iterable[Row]) -> list[Unreadable]:
        unreadable: list[Unreadable] = []
        for row in rows:
            values, faults = self._read(row)
            unreadable += faults
            if not any(fault.is_row_lost for fault in faults):
                for column, value in zip(self._values, values, strict=True):
                    column.append(value)
        return unreadable

    def _parsed(self, row: dict[str, Any]) -> Row:
        """A row of texts with its JSON as content, as rows of values have it."""
        for column in self.table.columns:
            if column.kind == "json" and row.get(column.name):
                row[column.name] = _JsonText(row[column.name])
        return row

    def _read(self, row: Row) -> tuple[list[Any], list[Unreadable]]:
        values: list[Any] = []
        faults: list[Unreadable] = []
        for column in self.table.columns:
            found = row.get(column.name)
            value = None
            is_empty = found is None or found == ""
            if not is_empty:
                try:
                    value = _PARSERS[column.kind](found)
                except (ValueError, TypeError, ArithmeticError, KeyError):
                    faults.append(self._fault(row, column, found))
            elif column.required:
                faults.append(self._fault(row, column, found))
            values.append(value)
        return values, faults

    def _fault(self, row: Row, column: Column, found: Any) -> Unreadable:
        text = "" if found is None else str(found)[:_LONGEST_VALUE]
        key = [printable(str(row.get(name))) for name in self.table.key]
        return Unreadable(
            self.table.name, record_key(self._system, key), column.name, printable(text),
            _EXPECTED[column.kind], is_row_lost=column.required,
        )  # fmt: skip

    def _end_rows(self) -> None:
        """Make columns of the rows that wait."""
        import pyarrow as pa

        if self._values[0]:
            types = _arrow_types()
            self._end_batch(
                [
                    pa.array(values, type=types[column.kind])
                    for values, column in zip(self._values, self.table.columns, strict=True)
                ]
            )
            self._values = [[] for _ in self.table.columns]

    def _end_batch(self, columns: list[pa.Array]) -> None:
        import pyarrow as pa

        count = len(columns[0])
        system = pa.array([self._system] * count, pa.string())
        names = [column.name for column in self.table.columns]
        keys = zip(*(_as_text(columns[names.index(name)]) for name in self.table.key), strict=True)
        self._batches.append(
            pa.RecordBatch.from_arrays(
                [
                    system,
                    *columns,
                    pa.array([record_key(self._system, key) for key in keys], pa.string()),
                    # equal rows of two systems are two versions
                    pa.array(_hashes([system, *columns]), pa.string()),
                    pa.array(range(self._count, self._count + count), pa.int64()),
                ],
                schema=self.table.arrow_schema,
            )
        )
        self._count += count


def record_key(system: str, key: Iterable[Any]) -> str:
    """Which record a row is a version of: ``_record_key``, by the texts of the table's key."""
    return orjson.dumps([system, *key]).decode()


def printable(text: str) -> str:
    r"""Write what no stored text may hold, NUL and halves of characters, as ``\xNN``."""
    text = text.replace("\0", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def _arrow_types() -> dict[Kind, pa.DataType]:
    import pyarrow as pa

    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.decimal128(38, 9),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
        "json": pa.string(),
    }


def _as_column(told: pa.RecordBatch, column: Column) -> pa.Array:
    """A column of texts as values.

    Raises:
        pyarrow.ArrowInvalid: some text is no such value, or a required one is missing.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    type_ = _arrow_types()[column.kind]
    if column.name not in told.schema.names:
        texts = pa.nulls(told.num_rows, pa.string())
    else:
        texts = told.column(column.name)
    if column.required and texts.null_count:
        raise pa.ArrowInvalid(column.name)
    if column.kind == "json":
        return _as_column_of_json(texts)
    if column.kind == "text":
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            raise pa.ArrowInvalid(column.name)
        return texts
    if column.kind == "number":
        # decimals are cut to nine places only by way of a wider type
        return pc.round(texts.cast(pa.decimal256(60, 20)), 9, "half_to_even").cast(type_)
    return texts.cast(type_)


def _as_column_of_json(texts: pa.Array) -> pa.Array:
    import pyarrow as pa

    try:
        told = [text and _as_json(_JsonText(text)) for text in texts.to_pylist()]
    except ValueError as error:
        raise pa.ArrowInvalid("json") from error
    return pa.array(told, pa.string())


def _as_text(column: pa.Array) -> list[str | None]:
    import pyarrow as pa

    # not by way of a zone: not every machine has a list of them
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    return list(column.cast(pa.string()).to_pylist())


def _hashes(columns: Sequence[pa.Array]) -> list[str]:
    """A hash of the values of each row. No text holds a NUL, so none looks like two, or like
    none."""
    texts = zip(*map(_as_text, columns), strict=True)
    return [
        blake2b(
            "\0".join(["\0-" if text is None else text for text in row]).encode(), digest_size=16
        ).hexdigest()
        for row in texts
    ]


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
    text = str(value).strip()
    number = Decimal(text)
    # NaN and infinities are no amounts, and 1_000 is one in Python only
    if not number.is_finite() or "_" in text:
        raise ValueError(value)
    return number.quantize(_STEP, ROUND_HALF_EVEN, _DIGITS)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[str(value).strip().lower()]


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise ValueError(value)
    return value if isinstance(value, date) else date.fromisoformat(str(value).strip())


def _instant(value: Any) -> datetime:
    """ISO 8601 with an offset, milliseconds since 1970, or a time with a zone."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _EPOCH + timedelta(milliseconds=value)
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    if at.tzinfo is None:
        raise ValueError(value)
    return at.astimezone(UTC)


class _JsonText(str):
    """JSON as a vendor wrote it, which is written anew in our way."""


def _as_json(value: Any) -> str:
    content = orjson.loads(str(value)) if isinstance(value, _JsonText) else value
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    # the database's own JSON can hold no NUL, not even an escaped one
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError(text)
    return text


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
    "json": "content that JSON can hold, without NUL",
}
