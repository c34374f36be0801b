"""What the warehouse holds of a system's exports, and what a night adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from psycopg import Connection, sql
from smarketing.sources.csv_export.entities import ENTITIES, Entity
from smarketing.sources.csv_export.tables import arrow_schema
from smarketing.sources.loading import Load, RawTables

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA: Final = "raw_csv_export"


@dataclass(frozen=True)
class Seen:
    """What a warehouse already holds of a system.

    ``latest`` is the ``known_at`` of the latest night read, ``files`` the files read for each
    entity (key and sha256), ``versions`` how many versions each entity has from this night.
    """

    latest: datetime | None
    files: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, int]


class RawExports:
    """The raw tables of one system's exports for one night."""

    def __init__(
        self, connection: Connection[Any], raw: RawTables, system: str, known_at: datetime
    ) -> None:
        self._connection = connection
        self._raw = raw
        self._system = system
        self._known_at = known_at

    def seen(self) -> Seen:
        """Look up what the warehouse holds, a load that was killed halfway included."""
        state = self._raw.state
        nights = [datetime.fromisoformat(state["known_at"])] if state else []
        versions: dict[str, int] = {}
        for entity in ENTITIES:
            latest, versions[entity.name] = self._versions(entity)
            nights += [latest] if latest else []
        return Seen(max(nights, default=None), state.get("files", {}), versions)

    def _versions(self, entity: Entity) -> tuple[datetime | None, int]:
        name = f"{SCHEMA}.{entity.name}"
        found = self._connection.execute("select to_regclass(%s)", [name]).fetchone()
        if found == (None,):
            return None, 0
        query = sql.SQL(
            "select max(_known_from), count(*) filter (where _known_from = %s)"
            " from {table} where system = %s"
        ).format(table=sql.Identifier(SCHEMA, entity.name))
        row = self._connection.execute(query, [self._known_at, self._system]).fetchone()
        return row or (None, 0)

    def load(
        self,
        entity: Entity,
        batches: Callable[[], Iterator[pa.RecordBatch]],
        files: Mapping[str, str],
    ) -> Load:
        """The rows of an entity; ``files`` gives every file of it, read now or before."""

        def note_down(state: dict[str, Any]) -> None:
            state["known_at"] = self._known_at.isoformat()
            state.setdefault("files", {})[entity.name] = dict(files)

        return Load(entity.name, arrow_schema(entity), batches, note_down)

    def overwritten(self, entity: Entity) -> int:
        """Count the rows just loaded that a later one of their file with other values replaced.

        Only for an entity of which there were rows: else dlt keeps those of an earlier load.
        """
        query = sql.SQL(
            "select count(*) from ("
            "select _file, _record_key, max(_sequence) as _sequence from {staged}"
            " group by 1, 2 having min(_row_hash) <> max(_row_hash)"
            ") as told_twice join {staged} as final using (_file, _record_key, _sequence)"
            " join {staged} as lost using (_file, _record_key)"
            " where lost._row_hash <> final._row_hash"
        ).format(staged=sql.Identifier(f"{SCHEMA}_staging", entity.name))
        with self._connection.transaction():
            self._connection.execute("set local enable_nestloop = off")
            [row] = self._connection.execute(query).fetchall()
        return int(row[0])

    def retire(self, entity: Entity, *, by_key: list[str], by_id: list[str]) -> None:
        """End what is known from files under the keys they had before their mapping changed.

        ``by_id`` names the files whose rows have the id field for a key by now, ``by_key`` the
        others. They have been read again since, so their rows are known under both keys.
        """
        if entity.id_field is None:
            return
        query = sql.SQL(
            "update {table} set _known_until = %s where system = %s and _known_until is null"
            " and (({id} is null and _file = any(%s)) or ({id} is not null and _file = any(%s)))"
        ).format(table=sql.Identifier(SCHEMA, entity.name), id=sql.Identifier(entity.id_field))
        self._connection.execute(query, [self._known_at, self._system, by_id, by_key])
