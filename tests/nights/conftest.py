"""Nights of small companies: their steps, run one after the other as the DAG does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from smarketing import steps
from smarketing.config import read_config
from smarketing.home import PROJECT
from smarketing.sandbox import generate
from smarketing.warehouse.build import Layer
from smarketing.warehouse.connection import CONNECTION_VARIABLE, connect

from tests.conftest import dbt_workdir, new_warehouse

LAST_NIGHT = date(2026, 10, 20)
LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")

Rows = list[tuple[Any, ...]]


def end_of(night: date) -> datetime:
    """The instant that a night speaks for."""
    return datetime.combine(night, time(2), UTC)


def nights_before(count: int) -> list[date]:
    """The last night and those before it, the oldest first."""
    return [LAST_NIGHT - timedelta(days=days) for days in reversed(range(count))]


@dataclass(frozen=True)
class Company:
    """A company of its own: where it works, its warehouse, its config if that lies elsewhere."""

    folder: Path
    warehouse: str
    config: Path | None = None

    @property
    def exports(self) -> Path:
        return self.folder / "company"

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which this company is the one."""
        return {
            "SMARKETING_CONFIG": str(self.config or self.folder),
            "SMARKETING_HOME": str(self.folder / "home"),
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            CONNECTION_VARIABLE: self.warehouse,
        }

    def share_project(self) -> None:
        """Let dbt find what it read of the project for an earlier company."""
        with self.at_work():
            target = read_config().workdir / "dbt"
        target.symlink_to(dbt_workdir(self.warehouse, self.folder))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work for this company and no other."""
        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.variables.items():
                environment.setenv(name, value)
            yield

    def begin_night(
        self, night: date, *, known: date | None = None, accept: str = "", by: str = ""
    ) -> dict[str, Any]:
        """Run the first step. Returns the keys for the others."""
        known_at = end_of(known).isoformat() if known else ""
        return steps.load_agreement(end_of(night).isoformat(), known_at, accept, by)

    def run_night(
        self,
        night: date,
        *,
        known: date | None = None,
        until: str = "report",
        accept: str = "",
        by: str = "",
    ) -> None:
        """Run the steps of a night, up to and including the group ``until``."""
        with self.at_work():
            self._run_steps(self.begin_night(night, known=known, accept=accept, by=by), until)

    def _run_steps(self, keys: dict[str, Any], until: str) -> None:
        groups: dict[str, Sequence[Callable[[], None]]] = {
            "extract": [partial(steps.extract, keys, source) for source in read_config().sources],
            "arrive": [partial(steps.check_arrival, keys)],
            "transform": [partial(steps.transform, keys, layer) for layer in LAYERS],
            "check": [partial(steps.check_qualification, keys)],
            "publish": [partial(steps.publish_marts, keys)],
            "report": [partial(steps.report, keys)],
        }
        for group, works in groups.items():
            for work in works:
                work()
            if group == until:
                break

    def query(self, query: str) -> Rows:
        """Ask the warehouse, as its administrator."""
        with psycopg.connect(self.warehouse) as connection:
            return connection.execute(query).fetchall()

    def last_attempt(self) -> tuple[Any, ...]:
        """What became of the newest attempt: night, attempt, state, failed step, message."""
        [attempt] = self.query(
            "select night_id, attempt, state, failed_step, message from ops.nights "
            "order by started_at desc limit 1"
        )
        return attempt


def read_marts(uri: str) -> dict[str, Rows]:
    """Every row of every published mart, as a reader sees them; but not what the nights were."""
    with connect(uri, "reader") as connection:
        marts = connection.execute(
            "select tablename from pg_tables "
            "where schemaname = 'marts' and tablename not in ('published_night', 'check_results') "
            "and has_table_privilege(format('%I.%I', schemaname, tablename), 'select') order by 1"
        ).fetchall()
        return {
            mart: connection.execute(
                sql.SQL("select * from {} as mart order by mart::text").format(
                    sql.Identifier("marts", mart)
                )
            ).fetchall()
            for (mart,) in marts
        }


def tables_as_text(uri: str) -> Iterator[tuple[str, str, list[str]]]:
    """Schema and name of every table of a database, and its rows as text."""
    with psycopg.connect(uri) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("select row::text from {} as row").format(sql.Identifier(schema, table))
            yield schema, table, [text for (text,) in connection.execute(query)]


@contextmanager
def found_company(
    folder: Path, warehouse: str, *, seed: int = 7, leads: int = 400, nights: int = 1
) -> Iterator[Company]:
    """A company in a folder and a warehouse, which is at work meanwhile."""
    company = Company(folder, warehouse)
    generate(company.exports, seed=seed, leads=leads, nights=nights, ends=LAST_NIGHT)
    config = {
        "company": "Test",
        "database": "test",
        "sources": {"csv_export": {"mapping": "csv_export.yml", "fresh_within_hours": 36}},
    }
    (folder / "smarketing.yml").write_text(yaml.safe_dump(config))
    mapping = yaml.safe_load((PROJECT / "examples" / "exports" / "csv_export.yml").read_text())
    mapping["folder"] = str(company.exports)
    mapping["record_link"] = "https://crm.example/leads/{id}"
    (folder / "csv_export.yml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    (folder / "agreements").symlink_to(PROJECT / "agreements")
    company.share_project()
    with company.at_work():
        yield company


@pytest.fixture
def company(tmp_path: Path, warehouse: str) -> Iterator[Callable[..., Company]]:
    """Found a company: ``company(seed=7, leads=400, nights=1)``."""
    with ExitStack() as stack:
        yield lambda **size: stack.enter_context(found_company(tmp_path, warehouse, **size))


@pytest.fixture(scope="module")
def new_company(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Company]]:
    """Found companies that last for a module; the newest is at work."""
    with ExitStack() as stack:

        def found(**size: int) -> Company:
            warehouse = stack.enter_context(new_warehouse(postgres))
            folder = tmp_path_factory.mktemp("company")
            return stack.enter_context(found_company(folder, warehouse, **size))

        yield found
