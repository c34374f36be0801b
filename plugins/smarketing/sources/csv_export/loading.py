"""Rows into the raw schema, by dlt: every version of a record, once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable
from smarketing.sources.csv_export.entities import ENTITIES, Entity
from smarketing.sources.csv_export.errors import LoadError, SourceError
from smarketing.sources.csv_export.tables import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt import Pipeline
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials
    from dlt.extract import DltResource, DltSource

SCHEMA: Final = "raw_csv_export"

_ENVIRONMENT: Final = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
    # ADBC takes a whole file into memory, so this is what a load needs at most, however
    # many rows there are.
    "DATA_WRITER__FILE_MAX_ITEMS": "100000",
    "LOAD__WORKERS": "2",
}
# The merge compares whole tables. A nested loop is never right there, yet it is what the planner
# takes for staging tables filled a moment ago, which have no statistics; and `not in` without
# the memory for a hash is quadratic.
_MERGE_SETTINGS: Final = "-cenable_nestloop=off -cwork_mem=256MB"
_LOCK_WAIT: Final = "60s"


@dataclass(frozen=True)
class Load:
    """The rows of one entity, to be drawn once, and the files they come from.

    ``files`` gives every file of the entity, read now or before: its key and sha256.
    """

    entity: Entity
    batches: Callable[[], Iterator[pa.RecordBatch]]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What a warehouse already holds of a system.

    ``latest`` is the ``known_at`` of the latest night read, ``files`` the files read for each
    entity (key and sha256), ``versions`` how many versions each entity has from this night.
    """

    latest: datetime | None
    files: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, int]


class RawTables:
    """The raw tables of one system for one night; use ``raw_tables`` to open them.

    A row becomes a *version* of its record: valid from the night that first saw it until the
    night that saw another (dlt's ``scd2``). Loading what is known changes nothing, so a load
    that was killed is simply done again.
    """

    def __init__(
        self, connection: Connection[Any], pipeline: Pipeline, system: str, known_at: datetime
    ) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._system = system
        self._known_at = known_at

    def seen(self) -> Seen:
        """Look up what the warehouse holds, a load that was killed halfway included."""
        sources: Mapping[str, Any] = self._pipeline.state.get("sources") or {}
        state = sources.get(SCHEMA, {})
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

    def collect(self, loads: list[Load]) -> None:
        """Draw all rows to disk; nothing reaches the warehouse.

        Raises:
            SourceError: as the batches raise it.
            LoadError: the rows cannot be written.
        """
        import dlt

        @dlt.source(name=SCHEMA, max_table_nesting=0)
        def source() -> Iterator[DltResource]:
            for load in loads:
                yield self._resource(load)

        raw: DltSource = source()
        for resource in raw.resources.values():
            # dlt makes a table when its first row comes; the models need all of them at once.
            table = resource.compute_table_schema()
            table["columns"]["_row_hash"]["data_type"] = "text"
            raw.schema.update_table(table)
        with _dlt_errors():
            self._pipeline.extract(raw, loader_file_format="parquet")

    def _resource(self, load: Load) -> DltResource:
        import dlt
        from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

        def rows() -> Iterator[pa.RecordBatch]:
            yield from load.batches()
            # The state travels with the rows: it holds once all of them are loaded.
            state = dlt.current.source_state()
            state["known_at"] = self._known_at.isoformat()
            state.setdefault("files", {})[load.entity.name] = dict(load.files)

        name = load.entity.name
        return dlt.resource(
            rows,
            name=name,
            columns=py_arrow_to_table_schema_columns(arrow_schema(load.entity)),
            merge_key="_record_key",
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "validity_column_names": ["_known_from", "_known_until"],
                "boundary_timestamp": self._known_at,
                "row_version_column_name": "_row_hash",
                "source_filter": (
                    f"_sequence in (select max(_sequence) from {SCHEMA}_staging.{name}"
                    " group by _record_key)"
                ),
            },
        )

    def load(self) -> None:
        """Load what was extracted, table by table, each in one transaction.

        Raises:
            LoadError: the warehouse does not take it.
        """
        with _dlt_errors():
            self._pipeline.sync_schema()
            self._pipeline.normalize()
            self._pipeline.load()

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


@contextmanager
def raw_tables(
    connection: Connection[Any], system: str, known_at: datetime, workdir: Path
) -> Iterator[RawTables]:
    """Open the raw tables, which nobody else may load meanwhile.

    ``workdir`` takes the rows on their way; nothing in it is needed afterwards.

    Raises:
        LoadError: another load still holds the tables after a minute.
    """
    os.environ.update(_ENVIRONMENT)
    import dlt

    try:
        connection.execute(f"set lock_timeout = '{_LOCK_WAIT}'")
        connection.execute("select pg_advisory_lock(hashtext(%s))", [SCHEMA])
    except LockNotAvailable:
        raise LoadError(
            f"another extraction is loading {SCHEMA}; wait for its end and run the night again"
        ) from None
    # What a killed run left here claims files as read that never reached the warehouse.
    packages = workdir / SCHEMA
    shutil.rmtree(packages, ignore_errors=True)
    try:
        with _dlt_errors():
            pipeline = dlt.pipeline(
                f"{SCHEMA}_{system}",
                pipelines_dir=str(packages),
                destination=dlt.destinations.postgres(_credentials(connection)),
                dataset_name=SCHEMA,
            )
            pipeline.sync_destination()
        yield RawTables(connection, pipeline, system, known_at)
    finally:
        shutil.rmtree(packages, ignore_errors=True)


def _credentials(connection: Connection[Any]) -> PostgresCredentials:
    """Give dlt the connection that libpq resolved, in the words that dlt and ADBC understand."""
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials

    info = connection.info
    parameters = info.get_parameters()
    query = {
        name: value for name, value in parameters.items() if name.startswith(("ssl", "gss", "krb"))
    }
    # They write a space in a URI as "+", which libpq takes literally; a tab separates as well.
    query["options"] = "\t".join(f"{info.options} {_MERGE_SETTINGS}".split())
    if info.host.startswith("/"):
        query["host"] = info.host
    return PostgresCredentials(
        {
            "drivername": "postgresql",
            "username": info.user,
            # dlt insists on a password, also where the server asks for none.
            "password": info.password or "-",
            "host": "localhost" if "host" in query else info.host,
            "port": info.port,
            "database": info.dbname,
            "query": query,
        }
    )


@contextmanager
def _dlt_errors() -> Iterator[None]:
    """Raise an error of dlt as the SourceError inside it, or else as a LoadError."""
    from dlt.common.exceptions import DltException
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        yield
    except DltException as error:
        cause: BaseException | None = error
        while cause and not isinstance(cause, SourceError):
            cause = cause.__cause__ or cause.__context__
        if cause:
            raise cause from None
        reason = error.exception if isinstance(error, PipelineStepFailed) else error
        raise LoadError(
            f"{SCHEMA} was not loaded: {str(reason).strip()}\n"
            "Nothing of this night counts as read; remove the cause and run it again."
        ) from error
