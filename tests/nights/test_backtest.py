"""A draft is held against a published night, and leaves no trace."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from smarketing import steps
from smarketing.agreement import Version, read_version
from smarketing.agreement.backtest import Backtest, BacktestError, backtest
from smarketing.cli import app
from smarketing.config import read_config
from smarketing.home import PROJECT
from smarketing.review.scoreboard import Period
from smarketing.warehouse.connection import WarehouseError, connect
from typer.testing import CliRunner

from tests.nights.conftest import LAST_NIGHT, LAYERS, Company
from tests.nights.installation import wait_until

# in force from the second quarter of 2026 to the end of the third
IN_FORCE = PROJECT / "agreements" / "2026-04-01.yml"
STARTS, ENDS = date(2026, 4, 1), date(2026, 10, 1)


@pytest.fixture(scope="module")
def company(new_company: Callable[..., Company]) -> Company:
    """A company whose last night is published; unchecked, which is cheaper."""
    company = new_company(leads=600)
    night = company.begin_night(LAST_NIGHT)
    steps.extract(night, "csv_export")
    for layer in LAYERS:
        steps.transform(night, layer)
    steps.publish_marts(night)
    return company


@pytest.fixture
def write_draft(tmp_path: Path) -> Callable[..., Path]:
    """Writes the version in force with some of its text replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = IN_FORCE.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        file = tmp_path / "draft.yml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def state(company: Company) -> dict[str, object]:
    """Every schema; and of every table in those that are official, which it is and what it says."""
    with psycopg.connect(company.warehouse) as connection:
        tables = connection.execute(
            "select schemaname, tablename, (schemaname || '.' || tablename)::regclass::oid "
            "from pg_tables where schemaname in ('agreement', 'marts', 'marts_previous', 'ops')"
        ).fetchall()
        assert len(tables) > 20
        return {
            "schemas": connection.execute(
                "select nspname, nspacl::text from pg_namespace "
                "where nspname not like 'pg_temp%' and nspname not like 'pg_toast%' order by 1"
            ).fetchall(),
            **{
                f"{schema}.{table}": (
                    oid,
                    connection.execute(
                        sql.SQL(
                            "select count(*), md5(string_agg(row::text, '' order by row::text)) "
                            "from {} as row"
                        ).format(sql.Identifier(schema, table))
                    ).fetchone(),
                )
                for schema, table, oid in tables
            },
        }


@pytest.fixture(autouse=True)
def nothing_changes(company: Company) -> Iterator[None]:
    """Whatever a test does, what is official stays as it was, and there is nothing beside it."""
    before = state(company)
    yield
    assert state(company) == before


def against_history(
    company: Company, draft: Version, since: date = STARTS, until: date | None = ENDS
) -> Backtest:
    return backtest(company.warehouse, draft, read_config().workdir, since=since, until=until)


def figures(period: Period | None) -> tuple[object, ...]:
    assert period is not None
    return period.target, period.actual, period.sample_size, period.status, period.statement


def test_a_draft_that_says_what_is_in_force_says_what_was_published(company: Company) -> None:
    compared = against_history(company, read_version(IN_FORCE))
    assert {each.either.period_kind for each in compared.comparisons} == {
        "week",
        "month",
        "quarter",
    }
    for each in compared.comparisons:
        assert figures(each.draft) == figures(each.official)
    assert {each.draft and each.draft.agreement_version for each in compared.comparisons} == {
        "draft 2026-Q2"
    }
    [(published,)] = company.query(
        "select count(*) from marts.sla_compliance where agreement_version = '2026-Q2'"
    )
    assert len(compared.comparisons) == published > 100
    assert str(compared).startswith("Under the draft, none of")


def test_another_target_turns_the_verdicts_that_it_must(
    company: Company, write_draft: Callable[..., Path]
) -> None:
    draft = read_version(
        write_draft(
            ("target: at least 240 leads", "target: at least 15 leads"),
            ("version: 2026-Q2", "version: modest"),
        )
    )
    compared = against_history(company, draft)
    expected = {
        each.either.period_start_date: "met" if each.official.actual >= 15 else "missed"
        for each in compared.comparisons
        if each.official
        and each.official.actual is not None
        and (each.official.commitment_id, each.official.segment) == ("mql_volume", "all")
    }
    assert len(expected) == 6
    assert set(expected.values()) == {"met", "missed"}
    turned = {each.either.period_start_date for each in compared.comparisons if each.differs}
    assert turned == {day for day, status in expected.items() if status == "met"}
    for each in compared.comparisons:
        if (each.either.commitment_id, each.either.segment) == ("mql_volume", "all"):
            assert each.draft is not None
            assert each.draft.status == expected[each.either.period_start_date]
        else:
            assert figures(each.draft) == figures(each.official)
    assert all(each.is_told for each in compared.comparisons)
    assert str(compared) == (
        f"Under the draft, {len(turned)} of {len(compared.comparisons)} verdicts would differ: "
        f"{len(turned)} months missed would have been met."
    )


def command(company: Company, draft: Path, *options: str) -> tuple[int, str]:
    """The exit code of the command, and what it says."""
    result = CliRunner().invoke(
        app,
        ["agreement", "backtest", str(draft), *options],
        env={"SMARKETING_WAREHOUSE": company.warehouse, "COLUMNS": "200"},
    )
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_the_command_shows_both_side_by_side(
    company: Company, write_draft: Callable[..., Path]
) -> None:
    [dropped] = re.findall(
        "  - id: sal_volume.*?(?=  - id:)", IN_FORCE.read_text(encoding="utf-8"), re.DOTALL
    )
    draft = write_draft(
        (dropped, ""),
        ("target: at least 240 leads", "target: at least 15 leads"),
    )
    code, said = command(company, draft, "--from", "2026-07-01", "--to", "2026-08-01")
    assert code == 0
    [(actual,)] = company.query(
        "select round(actual) from marts.sla_compliance where commitment_id = 'mql_volume' "
        "and segment = 'all' and period_start_date = '2026-07-01'"
    )
    volume = f"Jul 2026 {actual} ≥ 240 ✗ missed {actual} ≥ 15"
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert any(line.startswith(volume) for line in lines), said
    # what the draft does not promise has nothing on its side
    weeks = [line for line in lines if line.startswith("week of") and "≥ 28" in line]
    assert len(weeks) == 4
    assert all(line.count("≥") == 1 for line in weeks)
    assert lines[-1].endswith("4 stand under the agreement alone.")


def test_a_draft_with_faults_is_refused_with_all_of_them(
    company: Company, write_draft: Callable[..., Path]
) -> None:
    draft = write_draft(
        ("target: at least 240 leads", "target: 240"),
        ("zone: Europe/Madrid", "zone: Europe/Madird"),
    )
    code, said = command(company, draft)
    assert code == 1
    assert "2 faults" in said
    assert "Europe/Madrid" in said
    assert "commitments[0].target" in said


@pytest.mark.parametrize(
    ("since", "until"), [(ENDS, STARTS), (date(2026, 10, 20), None), (date(1999, 1, 1), None)]
)
def test_dates_that_hold_no_history_are_told(
    company: Company, since: date, until: date | None
) -> None:
    with pytest.raises(BacktestError, match="there is no history"):
        against_history(company, read_version(IN_FORCE), since, until)


def test_there_is_one_back_test_at_a_time(company: Company) -> None:
    with connect(company.warehouse, "transformer") as other:
        other.execute("select pg_advisory_lock(hashtext('smarketing backtest'))")
        code, said = command(company, IN_FORCE)
    assert code == 1
    assert "Another back-test is running" in said


def test_before_the_first_night_there_is_nothing_to_compare(warehouse: str, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="Nothing has been published yet"):
        backtest(warehouse, read_version(IN_FORCE), tmp_path, since=None, until=None)


def backtest_schemas(company: Company) -> list[str]:
    found = company.query(r"select nspname from pg_namespace where nspname like 'backtest\_%'")
    return [schema for (schema,) in found]


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL])
def test_a_back_test_that_is_ended_leaves_nothing_official_and_the_next_one_cleans_up(
    company: Company, ended_by: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "smarketing", "agreement", "backtest", str(IN_FORCE)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "plugins"), str(PROJECT)]),
            "SMARKETING_WAREHOUSE": company.warehouse,
        },
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: "backtest_staging" in backtest_schemas(company))
    process.send_signal(ended_by)
    assert process.wait() != 0
    assert bool(backtest_schemas(company)) == (ended_by == signal.SIGKILL)
    # its lock goes as soon as the server sees that nobody is there
    wait_until(lambda: not company.query("select from pg_locks where locktype = 'advisory'"))
    compared = against_history(company, read_version(IN_FORCE))
    assert str(compared).startswith("Under the draft, none of")
