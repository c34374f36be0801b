"""Rows into a source's raw schema, by dlt: every version of a record, once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import Connection, Error, sql
from psycopg.errors import LockNotAvailable
from smarketing.privacy.ledger import key_in_task
from smarketing.privacy.suppression import Suppression
from smarketing.sources.errors import LoadError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt import Pipeline
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials
    from dlt.extract import DltResource, DltSource

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
# since when a version is known, and until when it was
_VALIDITY: Final = ("_known_from", "_known_until")


@dataclass(frozen=True)
class Load:
    """The rows of one raw table, to be drawn once.

    Beside the table's own columns, ``table_schema`` has ``_record_key`` (which record this is),
    ``_row_hash`` (equal for equal versions) and ``_sequence``: of several rows of one record in
    one load the one with the highest counts. ``note_down`` writes into the state what the rows
    cover; it is called when the last row has been drawn.
    """

    table: str
    table_schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    note_down: Callable[[dict[str, Any]], None]


class RawTables:
    """The raw tables of one system for one night; use ``raw_tables`` to open them.

    A row becomes a *version* of its record: valid from the night that first saw it until the
    night that saw another (dlt's ``scd2``). Loading what is known changes nothing, so a load
    that was killed is simply done again. The state travels with the rows: it says what is loaded.
    """

    def __init__(
        self, pipeline: Pipeline, schema: str, known_at: datetime, suppression: Suppression
    ) -> None:
        self._pipeline = pipeline
        self._schema = schema
        self._known_at = known_at
        self.suppression = suppression
        """What keeps those out who were erased: of rows it is asked here."""

    @property
    def state(self) -> dict[str, Any]:
        """What was noted down with the rows that the warehouse holds."""
        sources: Mapping[str, Any] = self._pipeline.state.get("sources") or {}
        return dict(sources.get(self._schema, {}))

    def collect(self, loads: list[Load]) -> None:
        """Draw all rows to disk; nothing reaches the warehouse.

        Raises:
            SourceError: as the batches raise it.
            LoadError: the rows cannot be written.
        """
        import dlt

        @dlt.source(name=self._schema, max_table_nesting=0)
        def source() -> Iterator[DltResource]:
            for load in loads:
                yield self._resource(load)

        raw: DltSource = source()
        for resource in raw.resources.values():
            # dlt makes a table when its first row comes; the models need all of them at once.
            table = resource.compute_table_schema()
            table["columns"]["_row_hash"]["data_type"] = "text"
            raw.schema.update_table(table)
        with _dlt_errors(self._schema):
            self._pipeline.extract(raw, loader_file_format="parquet")

    def _resource(self, load: Load) -> DltResource:
        import dlt
        from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

        def rows() -> Iterator[pa.RecordBatch]:
            for batch in load.batches():
                kept = self.suppression.without_erased(f"{self._schema}.{load.table}", batch)
                # the driver does not take a file without rows
                if kept.num_rows:
                    yield kept
            load.note_down(dlt.current.source_state())

        return dlt.resource(
            rows,
            name=load.table,
            columns=py_arrow_to_table_schema_columns(load.table_schema),
            merge_key="_record_key",
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "validity_column_names": [*_VALIDITY],
                "boundary_timestamp": self._known_at,
                "row_version_column_name": "_row_hash",
                "source_filter": (
                    f"_sequence in (select max(_sequence) from {self._schema}_staging.{load.table}"
                    " group by _record_key)"
                ),
            },
        )

    def load(self) -> None:
        """Load what was collected, table by table, each in one transaction.

        Raises:
            LoadError: the warehouse does not take it.
        """
        self.suppression.ask_for_erasure()
        with _dlt_errors(self._schema):
            self._pipeline.sync_schema()
            self._pipeline.normalize()
            self._pipeline.load()


def create_missing(
    connection: Connection[Any], schema: str, tables: Mapping[str, pa.Schema]
) -> None:
    """Create the tables, and the columns, that a raw schema does not have yet.

    So the models find them before the first row comes, and where a source has nothing to tell.
    """
    old = set(
        connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = %s",
            [schema],
        )
    )
    for table, columns in tables.items():
        name = sql.Identifier(schema, table)
        with connection.transaction():
            if not any(table == known for known, _ in old):
                defined = [
                    *(
                        sql.SQL("{} {}{}").format(
                            sql.Identifier(column.name),
                            sql.SQL(_sql_type(column.type)),
                            sql.SQL("" if column.nullable else " not null"),
                        )
                        for column in columns
                    ),
                    *(sql.SQL("{} timestamptz").format(sql.Identifier(one)) for one in _VALIDITY),
                ]
                connection.execute(
                    sql.SQL("create table if not exists {} ({})").format(
                        name, sql.SQL(", ").join(defined)
                    )
                )
                continue
            for column in columns:
                if (table, column.name) not in old:
                    # null in the rows from before it
                    connection.execute(
                        sql.SQL("alter table {} add column if not exists {} {}").format(
                            name, sql.Identifier(column.name), sql.SQL(_sql_type(column.type))
                        )
                    )


def _sql_type(type_: pa.DataType) -> LiteralString:
    """The type that dlt gives a column, too."""
    import pyarrow as pa

    types: dict[pa.DataType, LiteralString] = {
        pa.string(): "varchar",
        pa.int64(): "bigint",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.timestamp("us", tz="UTC"): "timestamptz",
        pa.decimal128(38, 9): "numeric(38, 9)",
    }
    return types[type_]


@contextmanager
def raw_tables(
    connection: Connection[Any], schema: str, system: str, known_at: datetime, workdir: Path
) -> Iterator[RawTables]:
    """Open the tables of a raw schema, which nobody else may load meanwhile.

    ``workdir`` takes the rows on their way; nothing in it is needed afterwards.

    Raises:
        LoadError: another load still holds the tables after a minute.
    """
    os.environ.update(_ENVIRONMENT)
    import dlt

    try:
        connection.execute(f"set lock_timeout = '{_LOCK_WAIT}'")
        connection.execute("select pg_advisory_lock(hashtext(%s))", [schema])
    except LockNotAvailable:
        raise LoadError(
            f"another extraction is loading {schema}; wait for its end and run the night again"
        ) from None
    # What a killed run left here claims files as read that never reached the warehouse.
    packages = workdir / schema
    shutil.rmtree(packages, ignore_errors=True)
    try:
        with _dlt_errors(schema):
            pipeline = dlt.pipeline(
                f"{schema}_{system}",
                pipelines_dir=str(packages),
                destination=dlt.destinations.postgres(_credentials(connection)),
                dataset_name=schema,
            )
            pipeline.sync_destination()
        suppression = Suppression.read(connection, schema, key_in_task)
        yield RawTables(pipeline, schema, known_at, suppression)
    finally:
        shutil.rmtree(packages, ignore_errors=True)
        # what went wrong is told by whoever met it
        with suppress(Error):
            _analyse(connection, schema)


def _analyse(connection: Connection[Any], schema: str) -> None:
    """Let the planner know what was loaded: the models read it before the server would look."""
    tables = connection.execute("select tablename from pg_tables where schemaname = %s", [schema])
    for (table,) in tables.fetchall():
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier(schema, table)))


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
def _dlt_errors(schema: str) -> Iterator[None]:
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
            f"{schema} was not loaded: {str(reason).strip()}\n"
            "Nothing of this night counts as read; remove the cause and run it again."
        ) from error
