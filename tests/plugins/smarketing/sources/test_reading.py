"""Raw tables are there before anything is read, and are those that reading makes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smarketing.sources.csv_export import extract, read_mapping
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import as_role, connect

from tests.conftest import new_warehouse

MAPPING = """
system: crm
folder: .
format: {zone: UTC}
entities:
  leads:
    - file: leads.csv
      columns: {lead_id: id, created: created}
"""
NIGHT = datetime(2026, 10, 20, 2, tzinfo=UTC)


def columns(uri: str) -> set[tuple[Any, ...]]:
    with connect(uri, "loader") as connection:
        return set(
            connection.execute(
                """
                select table_name, column_name, data_type, numeric_precision, numeric_scale
                from information_schema.columns
                where table_schema = 'raw_csv_export' and table_name not like '\\_dlt%'
                """
            )
        )


def read_exports(uri: str, folder: Path) -> int:
    (folder / "leads.csv").write_text("id,created\n1,2026-01-01T10:00:00Z\n")
    (folder / "csv_export.yml").write_text(MAPPING)
    return extract(
        read_mapping(folder / "csv_export.yml"),
        warehouse_uri=as_role(uri, "loader"),
        night_id="n",
        known_at=NIGHT,
        workdir=folder / "dlt",
    ).rows_loaded


def test_tables_made_before_the_first_export_are_those_that_an_export_makes(
    warehouse: str, postgres: str, tmp_path: Path
) -> None:
    with connect(warehouse, "loader") as connection:
        create_raw_tables(connection)
        create_raw_tables(connection)
    made_before = columns(warehouse)
    assert read_exports(warehouse, tmp_path) == 1
    assert columns(warehouse) == made_before
    with new_warehouse(postgres) as another:
        assert read_exports(another, tmp_path) == 1
        assert columns(another) == made_before
