"""One night's extraction from any source: from its mapping to its rows in the warehouse."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, get_args

from psycopg import Connection
from smarketing.config import Config, ConfigError, SourceKind, read_settings
from smarketing.sources.errors import SourceError
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


class Declared(Protocol):
    """What the mapping of any source says."""

    @property
    def system(self) -> str:
        """What the source calls its system: a part of every key of its records."""

    @property
    def record_link(self) -> str | None:
        """The address at which a record can be opened, with ``{id}`` where its id goes."""


def create_raw_tables(connection: Connection[Any]) -> None:
    """Create what is missing of the raw tables of all sources: the models read every one."""
    from smarketing.sources.csv_export.entities import ENTITIES
    from smarketing.sources.csv_export.tables import arrow_schema

    for kind in get_args(SourceKind):
        if kind == "csv_export":
            tables = {entity.name: arrow_schema(entity) for entity in ENTITIES}
        else:
            declared = import_module(f"smarketing.sources.{kind}.tables").TABLES
            tables = {table.name: table.arrow_schema for table in declared}
        create_missing(connection, f"raw_{kind}", tables)


def declared_in(kind: SourceKind, mapping: Path) -> Declared:
    """What a source's mapping says of it, whatever its kind.

    Raises:
        SourceError, ConfigError: the mapping is wrong.
    """
    if kind == "csv_export":
        from smarketing.sources.csv_export import read_mapping

        return read_mapping(mapping)
    declared: Declared = read_settings(
        mapping, import_module(f"smarketing.sources.{kind}").Settings
    )
    return declared


def refuse_shared_systems(config: Config) -> None:
    """Two sources of one system would overwrite each other's records.

    Raises:
        ConfigError: there are two.
    """
    sources: dict[str, str] = {}
    for name, source in config.sources.items():
        try:
            system = declared_in(source.kind, config.mapping(name)).system
        except (SourceError, ConfigError):
            # a mapping that is wrong is told where it is read from
            continue
        if (other := sources.setdefault(system, name)) != name:
            raise ConfigError(
                f"{config.folder / 'smarketing.yml'}: sources {other} and {name} both call their "
                f"system {system!r}, so that a lead of one would be taken for a lead of the other. "
                "Give each mapping a system of its own, and name both under systems in the "
                "agreement."
            )


def extract(
    kind: SourceKind,
    declared: Any,
    *,
    warehouse_uri: str,
    night_id: str,
    known_at: datetime,
    workdir: Path,
) -> Extracted:
    """Read what a source knows by a night into its raw schema; called inside a running task.

    ``declared`` is the source's mapping, as :func:`declared_in` gives it.

    Raises:
        SourceError: the source cannot be read as declared.
        UnreachableError: the source is not well.
        LoadError: the warehouse does not take the rows.
    """
    if kind == "csv_export":
        from smarketing.sources import csv_export

        return csv_export.extract(
            declared,
            warehouse_uri=warehouse_uri,
            night_id=night_id,
            known_at=known_at,
            workdir=workdir,
        )
    from smarketing.sources.api import streams
    from smarketing.sources.api.connection import connection_in_task

    system = import_module(f"smarketing.sources.{kind}")
    connection = connection_in_task(declared.connection)
    with system.open_source(declared, connection, known_at) as opened:
        return streams.extract(
            opened,
            warehouse_uri=warehouse_uri,
            night_id=night_id,
            known_at=known_at,
            workdir=workdir,
        )
