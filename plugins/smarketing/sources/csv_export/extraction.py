"""The extraction of one night."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from smarketing.sources.csv_export.deliveries import Delivery, find_deliveries
from smarketing.sources.csv_export.entities import ENTITIES, Entity
from smarketing.sources.csv_export.loading import SCHEMA, RawExports
from smarketing.sources.csv_export.mapping import REQUIRED, Mapping
from smarketing.sources.csv_export.rejected import RejectedRows
from smarketing.sources.csv_export.tables import DeliveryReader, Rejected
from smarketing.sources.errors import SourceError
from smarketing.sources.loading import raw_tables

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class EntityCount:
    """What a night did with one entity.

    ``rows_loaded`` counts new versions: a record repeated as it was is read, not loaded.
    ``rows_overwritten`` counts rows replaced by a later one of the same file, which has the same
    key and other values. ``files`` were read, ``unchanged`` had been read by an earlier night.
    """

    entity: str
    files: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_overwritten: int = 0


@dataclass(frozen=True)
class Extracted:
    """What a night's extraction did.

    ``note`` says why nothing was read, where that is so by design, or which rows overwrote
    others; else it is empty.
    """

    system: str
    entities: tuple[EntityCount, ...]
    note: str = ""

    @property
    def rows_read(self) -> int:
        """Records in the files read, rejected ones included."""
        return sum(count.rows_read for count in self.entities)

    @property
    def rows_loaded(self) -> int:
        """New versions in the raw tables."""
        return sum(count.rows_loaded for count in self.entities)

    @property
    def rows_rejected(self) -> int:
        """Records kept out, with their reason in ``ops.rejected_rows``."""
        return sum(count.rows_rejected for count in self.entities)

    @property
    def rows_overwritten(self) -> int:
        """Records of which nothing is kept: a later row of their file had the same key."""
        return sum(count.rows_overwritten for count in self.entities)


def extract(
    mapping: Mapping, *, warehouse_uri: str, night_id: str, known_at: datetime, workdir: Path
) -> Extracted:
    """Read the folder as it stands at a night and load it into ``raw_csv_export``.

    Files that an earlier night read and that did not change are not read again. A night that
    is run again changes nothing; one that is older than the data loads nothing.

    ``warehouse_uri`` is any libpq connection string; its role writes to ``raw_csv_export``,
    ``raw_csv_export_staging`` and ``ops.rejected_rows``. ``known_at`` needs a zone. ``workdir``
    is scratch space for the rows on their way.

    Raises:
        SourceError: a file is missing or its header is wrong, or no row of the leads can be read.
        LoadError: the warehouse does not take the rows.
    """
    if known_at.tzinfo is None:
        raise ValueError("known_at has no zone")
    deliveries = find_deliveries(mapping, known_at)
    with (
        psycopg.connect(warehouse_uri, autocommit=True) as connection,
        raw_tables(connection, SCHEMA, mapping.system, known_at, workdir) as raw,
    ):
        exports = RawExports(connection, raw, mapping.system, known_at)
        seen = exports.seen()
        if seen.latest and seen.latest > known_at:
            latest = seen.latest.astimezone(UTC).isoformat()
            note = f"already read as of a later night, {latest}"
            return Extracted(mapping.system, (), note)
        rejected_rows = RejectedRows(connection, night_id, mapping.system, raw.suppression)
        readings = [
            _Reading(
                mapping.system,
                entity,
                [delivery for delivery in deliveries if delivery.entity is entity],
                seen.files.get(entity.name, {}),
                rejected_rows,
            )
            for entity in ENTITIES
        ]
        if seen.latest != known_at or any(reading.unread for reading in readings):
            raw.collect([exports.load(each.entity, each.batches, each.files) for each in readings])
            for reading in readings:
                reading.check()
            raw.load()
            for reading in readings:
                if reading.count.rows_read > reading.count.rows_rejected:
                    reading.count.rows_overwritten = exports.overwritten(reading.entity)
        for reading in readings:
            # Also where nothing was read: the night may be one that was killed before this.
            exports.retire(reading.entity, by_key=reading.by_key, by_id=reading.by_id)
        versions = exports.seen().versions
        for reading in readings:
            name = reading.entity.name
            reading.count.rows_loaded = versions[name] - seen.versions[name]
    note = "; ".join(filter(None, (reading.note for reading in readings)))
    return Extracted(mapping.system, tuple(reading.count for reading in readings), note)


class _Reading:
    """Reads one entity: its files from the first that is new or changed.

    Those after it are read again although they may be known: where two files speak of one
    record, the later one has the last word.
    """

    def __init__(
        self,
        system: str,
        entity: Entity,
        deliveries: list[Delivery],
        seen: AnyMapping[str, str],
        rejected_rows: RejectedRows,
    ) -> None:
        known = list(takewhile(lambda each: seen.get(each.key) == each.sha256, deliveries))
        self.entity = entity
        self.files = {delivery.key: delivery.sha256 for delivery in deliveries}
        self.unread = deliveries[len(known) :]
        self.count = EntityCount(entity.name, _names(self.unread), _names(known))
        by_id = [each for each in deliveries if entity.id_field in each.mapping.columns]
        by_key = [each for each in deliveries if entity.id_field not in each.mapping.columns]
        # A file that is mapped in both ways keeps rows of both.
        self.by_id = sorted({*_names(by_id)} - {*_names(by_key)})
        self.by_key = sorted({*_names(by_key)} - {*_names(by_id)})
        self._key = entity.key if by_key or not entity.id_field else (entity.id_field,)
        self._system = system
        self._rejected_rows = rejected_rows
        self._first_rejected = ""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the good rows, and keep the bad ones."""
        for delivery in self.unread:
            reader = DeliveryReader(self._system, delivery, first_sequence=self.count.rows_read)
            for batch in reader.batches():
                self.count.rows_read += batch.records
                self.count.rows_rejected += len(batch.rejected)
                if batch.rejected and not self._first_rejected:
                    self._first_rejected = _describe(delivery, batch.rejected[0])
                self._rejected_rows.keep(delivery, batch.rejected)
                if batch.rows.num_rows:
                    yield batch.rows

    @property
    def note(self) -> str:
        """Say which rows are lost to others, and what helps."""
        lost, entity = self.count.rows_overwritten, self.entity
        if not lost:
            return ""
        some = f"{lost} rows of {entity.name} were overwritten by later rows"
        if lost == 1:
            some = f"1 row of {entity.name} was overwritten by a later row"
        advice = f": name a {entity.id_field}" if entity.id_field not in (None, *self._key) else ""
        return f"{some} with the same key ({', '.join(self._key)}){advice}"

    def check(self) -> None:
        """Make sure that something of a required entity could be read.

        Raises:
            SourceError: all its rows are rejected.
        """
        count = self.count
        if count.entity == REQUIRED and 0 < count.rows_read == count.rows_rejected:
            raise SourceError(
                [
                    f"{REQUIRED}: all {count.rows_read} rows are rejected, as is"
                    f" {self._first_rejected}. Correct the mapping or the export; the rows are in"
                    " ops.rejected_rows."
                ]
            )


def _names(deliveries: list[Delivery]) -> tuple[str, ...]:
    return tuple(delivery.path.name for delivery in deliveries)


def _describe(delivery: Delivery, rejected: Rejected) -> str:
    column = f", column {rejected.column!r}" if rejected.column else ""
    return (
        f"{delivery.path.name}, line {rejected.line}{column}: found {rejected.value[:80]!r}"
        f" ({rejected.reason}), expected {rejected.expected}"
    )
