"""One night's extraction from any source: from its mapping to its rows in the warehouse."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, get_args

from psycopg import Connection
from smarketing.config import SourceName, read_settings
from smarketing.sources.links import remember_system
from smarketing.sources.loading import create_missing


class Extracted(Protocol):
    """What an extraction did, as every source tells it."""

    @property
    def rows_read(self) -> int:
        """Rows that the source told, rejected ones included."""

    @property
    def rows_loaded(self) -> int:
        """New versions in the raw tables."""

    @property
    def rows_rejected(self) -> int:
        """Rows or values kept aside, with their reason in ``ops.rejected_rows``."""

    @property
    def note(self) -> str:
        """What was out of the ordinary."""


def create_raw_tables(connection: Connection[Any]) -> None:
    """Create what is missing of the raw tables of all sources: the models read every one."""
    from smarketing.sources.csv_export.entities import ENTITIES
    from smarketing.sources.csv_export.tables import arrow_schema

    for source in get_args(SourceName):
        if source == "csv_export":
            tables = {entity.name: arrow_schema(entity) for entity in ENTITIES}
        else:
            declared = import_module(f"smarketing.sources.{source}.tables").TABLES
            tables = {table.name: table.arrow_schema for table in declared}
        create_missing(connection, f"raw_{source}", tables)


def extract(
    source: SourceName,
    mapping: Path,
    *,
    warehouse_uri: str,
    night_id: str,
    known_at: datetime,
    workdir: Path,
) -> Extracted:
    """Read what a source knows by a night into its raw schema; called inside a running task.

    Raises:
        SourceError: the source cannot be read as declared.
        UnreachableError: the source is not well.
        LoadError: the warehouse does not take the rows.
        ConfigError: the mapping is wrong.
    """
    if source == "csv_export":
        from smarketing.sources import csv_export

        exports = csv_export.read_mapping(mapping)
        remember_system(warehouse_uri, source, exports.system, exports.record_link)
        return csv_export.extract(
            exports,
            warehouse_uri=warehouse_uri,
            night_id=night_id,
            known_at=known_at,
            workdir=workdir,
        )
    from smarketing.sources.api import streams
    from smarketing.sources.api.connection import connection_in_task

    system = import_module(f"smarketing.sources.{source}")
    declared = read_settings(mapping, system.Settings)
    remember_system(warehouse_uri, source, declared.system, declared.record_link)
    connection = connection_in_task(declared.connection)
    with system.open_source(declared, connection, known_at) as opened:
        return streams.extract(
            opened,
            warehouse_uri=warehouse_uri,
            night_id=night_id,
            known_at=known_at,
            workdir=workdir,
        )
