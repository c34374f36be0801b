"""Records of a delivery into typed rows of a raw table, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import compress, islice
from typing import TYPE_CHECKING, Final

import orjson
from smarketing.sources.api.tables import Column, Table
from smarketing.sources.csv_export.deliveries import Delivery
from smarketing.sources.csv_export.entities import ENTITIES, Entity, Field
from smarketing.sources.csv_export.records import Malformed, open_records, printable
from smarketing.sources.csv_export.values import (
    DECIMAL_DIGITS,
    DECIMAL_PLACES,
    Reading,
    UnreadableError,
    Value,
)

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS: Final = 20_000
"""Rows held in memory at a time."""

WHOLE_RECORD: Final = ""
"""Column name of a fault that is not one cell's."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record left out: its first bad cell, or the whole record, and why.

    ``record`` gives each header its text; None where the record could not be split.
    """

    line: int
    column: str
    value: str
    expected: str
    reason: str
    record: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to BATCH_ROWS records: the good ones as rows, the others as rejected."""

    rows: pa.RecordBatch
    rejected: list[Rejected]

    @property
    def records(self) -> int:
        """How many records were read."""
        return int(self.rows.num_rows) + len(self.rejected)


def raw_tables() -> list[Table]:
    """The raw tables, for a company that has no exports: the models read them all the same."""
    return [
        Table(
            entity.name, (), "",
            (
                *(column for field in entity.all_fields for column in _columns(field)),
                Column("_delivery", "date", "date of the delivery"),
                Column("_file", "text", "the file"),
                Column("_line", "integer", "the line of the file"),
            ),
        )
        for entity in ENTITIES
    ]  # fmt: skip


def _columns(field: Field) -> list[Column]:
    if field.kind == "moment":
        return [
            Column(f"{field.name}_at", "instant", field.meaning),
            Column(f"{field.name}_on", "date", field.meaning),
        ]
    return [Column(field.name, field.kind, field.meaning, field.required)]


def arrow_schema(entity: Entity) -> pa.Schema:
    """Give the columns of a raw table.

    ``_record_key`` names the record: system and key as a JSON array. ``_row_hash`` is the hash
    of system, mapped fields and their values, equal for equal versions. ``_delivery``,
    ``_file`` and ``_line`` say where a version was first seen. Of several rows of one record in
    one load the one with the highest ``_sequence`` counts.
    """
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.decimal128(DECIMAL_DIGITS, DECIMAL_PLACES),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    columns: list[pa.Field] = [pa.field("system", pa.string(), nullable=False)]
    for field in entity.all_fields:
        if field.kind == "moment":
            columns.append(pa.field(f"{field.name}_at", pa.timestamp("us", tz="UTC")))
            columns.append(pa.field(f"{field.name}_on", pa.date32()))
        else:
            columns.append(pa.field(field.name, types[field.kind], nullable=not field.required))
    columns += [
        pa.field("_record_key", pa.string(), nullable=False),
        pa.field("_row_hash", pa.string(), nullable=False),
        pa.field("_delivery", pa.date32()),
        pa.field("_file", pa.string(), nullable=False),
        pa.field("_line", pa.int64(), nullable=False),
        pa.field("_sequence", pa.int64(), nullable=False),
    ]
    return pa.schema(columns)


class DeliveryReader:
    """Reads one delivery, whose header has been checked, as rows of its entity's raw table.

    ``first_sequence`` is the ``_sequence`` of the first record.
    """

    def __init__(self, system: str, delivery: Delivery, first_sequence: int) -> None:
        file = delivery.mapping
        self._system = system
        self._delivery = delivery
        self._sequence = first_sequence
        self._schema = arrow_schema(delivery.entity)
        self._empty = frozenset(file.format.empty)
        self._fields = delivery.entity.all_fields
        self._key = delivery.entity.key_in(file.columns)
        self._readings = {field.name: Reading.of(field.kind, file.format) for field in self._fields}
        self._constants = {
            name: self._readings[name].parse(text) for name, text in file.constants.items()
        }
        self._stated = sorted({**file.columns, **file.constants})

    def batches(self) -> Iterator[Batch]:
        """Read the file from start to end.

        Raises:
            SourceError: the file was written to meanwhile.
        """
        with open_records(self._delivery.path, self._delivery.mapping.format) as records:
            names = _distinct(records.header)
            while (batch := self._batch(names, islice(records, BATCH_ROWS))).records:
                yield batch
                self._sequence += batch.records
        self._delivery.check_unchanged()

    def _batch(self, names: list[str], chunk: Iterator[tuple[int, list[str] | Malformed]]) -> Batch:
        lines: list[int] = []
        records: list[tuple[str, ...]] = []
        rejected: list[Rejected] = []
        for line, cells in chunk:
            if isinstance(cells, Malformed):
                rejected.append(_malformed(line, cells, names))
            elif len(cells) != len(names):
                rejected.append(_wrong_width(line, cells, names))
            else:
                lines.append(line)
                # A tuple of texts, unlike a list, is of no concern to the garbage collector.
                records.append(tuple(cells))

        columns: list[Sequence[Value | None]] = []
        bad: dict[int, Rejected] = {}
        for field in self._fields:
            if header := self._delivery.mapping.columns.get(field.name):
                position = names.index(header)
                texts = [cells[position] for cells in records]
                values, reasons = self._read(field, texts)
                for index, reason in reasons.items():
                    if index not in bad:
                        bad[index] = Rejected(
                            line=lines[index],
                            column=header,
                            value=printable(texts[index]),
                            expected=self._readings[field.name].expected,
                            reason=reason,
                            record=_as_mapping(names, records[index]),
                        )
                columns.append(values)
            else:
                columns.append([self._constants.get(field.name)] * len(records))
        if bad:
            good = [index not in bad for index in range(len(records))]
            columns = [list(compress(column, good)) for column in columns]
            lines = list(compress(lines, good))
        return Batch(self._rows(lines, columns), rejected + list(bad.values()))

    def _read(self, field: Field, texts: list[str]) -> tuple[list[Value | None], dict[int, str]]:
        """Read the cells of a column; a cell that cannot be read is None and has a reason."""
        parse, empty = self._readings[field.name].parse, self._empty
        try:
            values = [None if text in empty else parse(text) for text in texts]
        except UnreadableError:
            pass
        else:
            is_whole = not self._is_required(field) or None not in values
            if is_whole and _is_storable("".join(texts)):
                return values, {}
        # Something in the column is bad: the same again cell by cell, to find out what.
        values, reasons = [], {}
        for index, text in enumerate(texts):
            try:
                values.append(self._read_cell(field, text))
            except UnreadableError as error:
                values.append(None)
                reasons[index] = str(error)
        return values, reasons

    def _read_cell(self, field: Field, text: str) -> Value | None:
        if "\0" in text:
            raise UnreadableError("holds a NUL character, which PostgreSQL cannot store")
        if not _is_storable(text):
            raise UnreadableError(
                f"holds bytes that are not {self._delivery.mapping.format.encoding}"
            )
        if text not in self._empty:
            return self._readings[field.name].parse(text)
        if self._is_required(field):
            raise UnreadableError("empty, but required")
        return None

    def _is_required(self, field: Field) -> bool:
        return field.required or field.name in self._key

    def _rows(self, lines: list[int], columns: list[Sequence[Value | None]]) -> pa.RecordBatch:
        import pyarrow as pa

        count = len(lines)
        by_name = dict(zip((field.name for field in self._fields), columns, strict=True))
        keys = zip(*(by_name[name] for name in self._key), strict=True)
        versions = zip(*(by_name[name] for name in self._stated), strict=True)
        raw: list[Sequence[Value | None]] = [[self._system] * count]
        for field in self._fields:
            values = by_name[field.name]
            if field.kind == "moment":
                at = [value if isinstance(value, datetime) else None for value in values]
                on = [None if isinstance(value, datetime) else value for value in values]
                raw += [at, on]
            else:
                raw.append(values)
        raw += [
            [self._json(key).decode() for key in keys],
            [self._hash(version) for version in versions],
            [self._delivery.date] * count,
            [self._delivery.path.name] * count,
            lines,
            range(self._sequence, self._sequence + count),
        ]
        arrays = [
            pa.array(values, type=column.type)
            for values, column in zip(raw, self._schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _hash(self, version: tuple[Value | None, ...]) -> str:
        names = ",".join(self._stated).encode()
        return blake2b(names + self._json(version), digest_size=16).hexdigest()

    def _json(self, values: tuple[Value | None, ...]) -> bytes:
        return orjson.dumps((self._system, *values), default=str)


def _is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can hold a text: no NUL, and every character decoded."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _distinct(header: list[str]) -> list[str]:
    """Name every column, also where the header is empty or says a name twice."""
    names: list[str] = []
    for number, text in enumerate(header, start=1):
        name = printable(text)
        names.append(name if name and name not in names else f"(column {number})")
    return names


def _as_mapping(names: list[str], cells: Sequence[str]) -> dict[str, str]:
    extra = [f"(column {number})" for number in range(len(names) + 1, len(cells) + 1)]
    return {name: printable(cell) for name, cell in zip(names + extra, cells, strict=False)}


def _malformed(line: int, broken: Malformed, names: list[str]) -> Rejected:
    cell = broken.cell
    return Rejected(
        line=line,
        column=names[cell] if cell is not None and cell < len(names) else WHOLE_RECORD,
        value=printable(broken.text),
        expected="a record of CSV with the declared delimiter and quote",
        reason=broken.reason,
        record=None,
    )


def _wrong_width(line: int, cells: list[str], names: list[str]) -> Rejected:
    return Rejected(
        line=line,
        column=WHOLE_RECORD,
        value=f"{len(cells)} cells",
        expected=f"{len(names)} cells, as many as the header has",
        reason="too many cells" if len(cells) > len(names) else "too few cells",
        record=_as_mapping(names, cells),
    )
