"""One night's extraction from any source: from its mapping to its rows in the warehouse."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from psycopg import Connection
from smarketing.config import SourceName, read_settings

_BEHIND_APIS: Final[tuple[SourceName, ...]] = ("hubspot", "marketo", "salesforce")


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
    """Create the raw tables of all sources that are not there yet.

    The models read every source, and find nothing in those that a company does not have.
    """
    from smarketing.sources.api.tables import create_missing
    from smarketing.sources.csv_export.tables import raw_tables

    create_missing(connection, "raw_csv_export", raw_tables())
    for source in _BEHIND_APIS:
        tables = import_module(f"smarketing.sources.{source}.tables").TABLES
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

        return csv_export.extract(
            csv_export.read_mapping(mapping),
            warehouse_uri=warehouse_uri,
            night_id=night_id,
            known_at=known_at,
            workdir=workdir,
        )
    from smarketing.sources.api import streams
    from smarketing.sources.api.connection import connection_in_task

    system = import_module(f"smarketing.sources.{source}")
    declared = read_settings(mapping, system.Settings)
    connection = connection_in_task(declared.connection)
    with system.open_source(declared, connection, known_at) as opened:
        return streams.extract(
            opened,
            warehouse_uri=warehouse_uri,
            night_id=night_id,
            known_at=known_at,
            workdir=workdir,
        )
