"""What becomes of a check: passed, failed, skipped or not run; and what is kept of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy
from smarketing.night import Acceptance, Night, open_night
from smarketing.quality.checks import RowCheck, Suite, quoted
from smarketing.review.page import render_quality
from smarketing.review.quality import read_quality
from smarketing.warehouse.connection import connect

from tests.expectations.recorded import check

PERSONAL = "ana.plain@private.example"
HOSTILE = "it's {odd} 100% :done; drop <b>"

EVEN = RowCheck(
    "numbers_are_even",
    "warning",
    "numbers are odd",
    "the data team",
    population="select 'crm:' || number as key, number, note from {batch}",
    fails="number % 2 = 1",
    key="key",
    value_class=quoted("out of range"),
    reason=quoted(HOSTILE),
    share_allowed=Decimal("0.5"),
)
SMALL = replace(EVEN, name="numbers_are_small", fails="number > 3", share_allowed=Decimal(0))
BROKEN = replace(EVEN, name="numbers_have_a_colour", fails="colour is null")

Connection = psycopg.Connection[Any]


def suite(*checks: RowCheck) -> list[Suite]:
    return [Suite("numbers", "intermediate", "numbers", checks)]


@pytest.fixture
def numbers(warehouse: str) -> Iterator[Connection]:
    """A session of the transformer, and a table of the numbers from 1 to 4."""
    with connect(warehouse, "transformer", autocommit=True) as connection:
        connection.execute(
            "create schema intermediate;"
            "create table intermediate.numbers (number integer, note text);"
            "insert into intermediate.numbers select generate_series(1, 4)"
        )
        yield connection


def test_a_broken_query_is_told_from_a_failure_and_hides_no_figure(
    warehouse: str, night: Night, numbers: Connection
) -> None:
    recorded = check(warehouse, night, suite(EVEN, BROKEN, SMALL))
    assert recorded.states == {
        "numbers_are_even": "passed",
        "numbers_have_a_colour": "not_run",
        "numbers_are_small": "failed",
    }
    assert recorded.figures == {
        "numbers_are_even": (4, 2),
        "numbers_have_a_colour": (None, None),
        "numbers_are_small": (4, 1),
    }
    # also where it is a warning: what nobody looked at is worse
    assert "1 of 3 checks stop the night" in (recorded.stopped or "")
    assert 'column "colour" does not exist' in (recorded.stopped or "")


def test_nobody_can_accept_what_nobody_looked_at(
    warehouse: str, night: Night, numbers: Connection
) -> None:
    numbers.execute("update ops.nights set accepted_by = 'Ana', accepted_reason = 'why not'")
    critical = replace(SMALL, severity="critical")
    assert check(warehouse, night, suite(critical)).stopped is None
    assert "colour" in (check(warehouse, night, suite(critical, BROKEN)).stopped or "")


def test_a_failure_is_accepted_for_one_attempt(
    warehouse: str, night: Night, numbers: Connection
) -> None:
    critical = suite(replace(SMALL, severity="critical"))
    accepted = open_night(warehouse, night.as_of, night.known_at, Acceptance("Ana", "a fair"))
    assert check(warehouse, accepted, critical).stopped is None
    again = open_night(warehouse, night.as_of, night.known_at)
    assert "numbers_are_small" in (check(warehouse, again, critical).stopped or "")


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_where_there_is_nothing_a_check_does_not_pass(
    warehouse: str, night: Night, numbers: Connection, severity: Any
) -> None:
    numbers.execute("delete from intermediate.numbers")
    strict = replace(EVEN, severity=severity)
    lenient = replace(SMALL, severity=severity, may_be_empty="nobody has counted yet")
    recorded = check(warehouse, night, suite(strict, lenient))
    assert recorded.states == {"numbers_are_even": "failed", "numbers_are_small": "skipped"}
    assert recorded.observed == {
        "numbers_are_even": "there was nothing to check",
        "numbers_are_small": "nobody has counted yet",
    }
    assert (recorded.stopped is not None) == (severity == "critical")


def test_all_failing_keys_are_kept_with_what_is_wrong(
    warehouse: str, night: Night, numbers: Connection
) -> None:
    numbers.execute("insert into intermediate.numbers select generate_series(5, 1000)")
    recorded = check(warehouse, night, suite(replace(EVEN, rule="even")))
    assert recorded.figures["numbers_are_even"] == (1000, 500)
    assert set(recorded.keys["numbers_are_even"]) == {f"crm:{n}" for n in range(1, 1000, 2)}
    assert set(recorded.reasons["numbers_are_even"]) == {("out of range", HOSTILE)}
    with psycopg.connect(warehouse) as connection:
        assert connection.execute("select distinct rule from ops.check_failures").fetchall() == [
            ("even",)
        ]


def test_checks_of_one_population_are_one_scan(
    warehouse: str, night: Night, numbers: Connection
) -> None:
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        check(warehouse, night, suite(EVEN, SMALL, replace(SMALL, name="again")))
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert sum("'crm:'" in statement for statement in statements) == 1


def test_no_personal_value_is_kept_logged_or_shown(
    warehouse: str, night: Night, numbers: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Not of a failing row, not in a key, and not out of the mouth of the database."""
    caplog.set_level(logging.DEBUG)
    numbers.execute("update intermediate.numbers set note = %s", [PERSONAL])
    by_address = replace(SMALL, name="keyed_by_address", key="note", fails="true")
    unreadable = replace(SMALL, name="notes_are_numbers", fails="note::integer > 0")
    undated = replace(SMALL, name="notes_are_dates", fails="note::date > '2000-01-01'")
    recorded = check(warehouse, night, suite(SMALL, by_address, unreadable, undated))
    assert recorded.states["notes_are_numbers"] == "not_run"
    assert recorded.states["notes_are_dates"] == "not_run"
    assert "invalid input syntax" in (recorded.observed["notes_are_numbers"] or "")
    assert recorded.keys["keyed_by_address"][0].startswith("somebody:")

    page = render_quality(read_quality(warehouse, "Company", night.night_id, night.attempt))
    with psycopg.connect(warehouse) as connection:
        kept = connection.execute(
            "select string_agg(results::text, '') || string_agg(failures::text, '')"
            " from ops.check_results as results"
            " left join ops.check_failures as failures using (night_id, attempt, check_name)"
        ).fetchone()
    told = f"{recorded.stopped} {kept} {page} {caplog.text}"
    assert "numbers_are_small" in told
    assert PERSONAL not in told
    assert "private.example" not in told


def test_the_record_is_read_for_the_page(warehouse: str, night: Night, numbers: Connection) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into ops.systems values ('crm', 'exports', 'https://crm.example/{id}')"
        )
        connection.execute(
            "insert into ops.nights (night_id, attempt, as_of, known_at, state, accepted_by,"
            " accepted_reason) values ('before', 1, %(at)s, %(at)s, 'published', 'Ana', 'a fair')",
            {"at": night.as_of.replace(day=1, month=5)},
        )
        for system, name in (("crm", "Created on"), ("crm", "Created on"), ("erp", "Amount")):
            connection.execute(
                "insert into ops.rejected_rows (night_id, source, system, entity, file, file_sha,"
                " line, column_name, value, reason) select %s, 'csv_export', %s, 'leads', 'f', 's',"
                " count(*), %s, %s, 'not a day' from ops.rejected_rows",
                (night.night_id if system == "crm" else "before", system, name, PERSONAL),
            )
    before = replace(night, night_id="before", as_of=night.as_of.replace(month=5, day=1))
    check(warehouse, before, suite(SMALL))
    numbers.execute("insert into intermediate.numbers values (5)")
    check(warehouse, night, suite(SMALL, EVEN))

    report = read_quality(warehouse, "Company", night.night_id, night.attempt)
    assert not report.is_published
    [even, small] = report.checks
    assert [(each.evaluated, each.failing) for each in small.history] == [(4, 1), (5, 2)]
    assert [(each.evaluated, each.failing) for each in even.history] == [(5, 3)]
    assert small.kinds == [("out of range", 2)]
    assert [(each.key, each.address) for each in small.examples] == [
        ("crm:4", "https://crm.example/4"),
        ("crm:5", "https://crm.example/5"),
    ]
    assert [(row.system, row.column_name, row.tonight, row.ever) for row in report.rejected] == [
        ("crm", "Created on", 2, 2),
        ("erp", "Amount", 0, 1),
    ]
    assert [(each.night_id, each.accepted_by, each.failed) for each in report.attempts] == [
        ("before", "Ana", 1),
        (night.night_id, None, 2),
    ]
    # of an earlier night, what came after it is not told
    early = read_quality(warehouse, "Company", "before", 1)
    assert [each.as_of for each in early.attempts] == [before.as_of]
    assert len(early.checks[0].history) == 1
    page = render_quality(report)
    assert 'href="https://crm.example/4"' in page
    assert PERSONAL not in page
