"""dbt's unit tests: every rule of the arithmetic at its boundaries, one test for each of them.

They are written beside the models they judge (``_<subject>__unit_tests.yml``). dbt needs the
relations that a model reads in order to know their columns, so it builds all models once, on raw
tables that hold one lead; one invocation of dbt does that and runs all unit tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from smarketing.home import PROJECT
from smarketing.sources.csv_export import extract, read_mapping
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.build import run_models
from smarketing.warehouse.connection import as_role, connect

from tests.conftest import dbt_workdir, new_warehouse

NIGHT = datetime(2026, 10, 20, 2, tzinfo=UTC)

MAPPING = """
system: crm
folder: exports
format: {zone: UTC}
entities:
  leads:
    - file: leads.csv
      columns: {lead_id: id, created: created}
"""


def declared() -> dict[str, str]:
    """The model that each unit test judges, as the YAML files give them."""
    files = sorted((PROJECT / "dbt_project" / "models").rglob("_*__unit_tests.yml"))
    return {
        test["name"]: test["model"]
        for file in files
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["unit_tests"]
    }


@pytest.fixture(scope="module")
def warehouse_with_raw_tables(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A warehouse whose raw tables are there, as the loader makes them."""
    folder = tmp_path_factory.mktemp("company")
    (folder / "exports").mkdir()
    (folder / "exports" / "leads.csv").write_text("id,created\n1,2026-01-01T10:00:00Z\n")
    (folder / "csv_export.yml").write_text(MAPPING)
    with new_warehouse(postgres) as uri:
        extract(
            read_mapping(folder / "csv_export.yml"),
            warehouse_uri=as_role(uri, "loader"),
            night_id="the night of the unit tests",
            known_at=NIGHT,
            workdir=folder / "dlt",
        )
        with connect(uri, "loader") as connection:
            create_raw_tables(connection)
        # dbt reads the columns of a model from a temporary table; a night needs none
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(
                sql.SQL("grant temporary on database {} to smarketing_transformer").format(
                    sql.Identifier(connection.info.dbname)
                )
            )
        yield uri


@pytest.fixture(scope="module")
def results(
    warehouse_with_raw_tables: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What dbt says of each model and unit test, by name."""
    built = run_models(
        warehouse_with_raw_tables,
        dbt_workdir(warehouse_with_raw_tables, tmp_path_factory.mktemp("dbt")),
        "build",
        "--quiet",
        "--exclude-resource-type", "test",
        as_of=NIGHT,
        known_at=NIGHT,
    )  # fmt: skip
    return {result.node.name: result for result in built}


@pytest.mark.parametrize("name", declared())
def test_rule(name: str, results: dict[str, Any]) -> None:
    assert results[name].status == "pass", results[name].message


def test_every_unit_test_is_run_here(results: dict[str, Any]) -> None:
    ran = {name for name, result in results.items() if result.node.resource_type == "unit_test"}
    assert ran == declared().keys()
    assert len(ran) >= 40


def test_every_model_that_decides_something_has_a_unit_test(results: dict[str, Any]) -> None:
    models = {name for name, result in results.items() if result.node.resource_type == "model"}
    # staging renames and casts, unions decide nothing; how many days are laid out is no rule
    plain = {name for name in models if name.startswith(("stg_", "int_source_"))}
    plain |= {"int_commitment_members", "dim_dates"}
    assert models - plain == set(declared().values()) - plain


def test_all_systems_tell_the_same_columns_in_the_same_order(
    warehouse_with_raw_tables: str, results: dict[str, Any]
) -> None:
    """A union goes by position: columns that changed places are mistaken for each other."""
    with connect(warehouse_with_raw_tables, "transformer") as connection:
        columns: dict[str, list[str]] = dict(
            connection.execute(
                """
                select
                    relname,
                    array_agg(attname || ' ' || replace(
                        format_type(atttypid, null), 'character varying', 'text'
                    ) order by attnum)
                from pg_attribute
                inner join pg_class on attrelid = pg_class.oid
                where attnum > 0 and relnamespace::regnamespace::text in ('staging', 'intermediate')
                group by 1
                """
            ).fetchall()
        )
    unions = [name for name in results if name.startswith("int_source_")]
    assert len(unions) == 14
    for union in unions:
        for parent in results[union].node.depends_on.nodes:
            told = parent.split(".")[-1]
            assert (told, columns[told]) == (told, columns[union])
