"""The agreement's rules and the funnel's own, on marts of a few rows in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite
from smarketing.warehouse.connection import connect

from expectations.qualification import Rule, rules_in_force, suites
from tests.expectations.conftest import AS_OF
from tests.expectations.recorded import Recorded, check

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
YESTERDAY = AS_OF - DAY
REACHABLE = Rule("mql_reachable", "mql", "critical", Decimal(0), "An MQL can be reached.")
PERSONA = Rule("mql_persona", "mql", "warning", Decimal(0), "An MQL has a persona.")

Connection = psycopg.Connection[Any]


@pytest.fixture
def marts(warehouse: str) -> Iterator[Connection]:
    """A session of the transformer, and candidate marts without a row."""
    with connect(warehouse, "transformer", autocommit=True) as connection:
        connection.execute(
            """
            create schema marts_candidate;
            create schema intermediate;
            create table marts_candidate.dim_leads (lead_id text primary key);
            create table intermediate.int_agreement_eras (version text, is_current boolean);
            insert into intermediate.int_agreement_eras values ('old', false), ('in force', true);
            create table marts_candidate.fct_funnel_stages (
                lead_id text, stage text, is_inferred boolean default false,
                entered_at timestamptz default '2025-05-01', exited_at timestamptz,
                cycle_number integer default 1, entry_number integer default 1,
                agreement_version text default 'in force'
            );
            create table marts_candidate.fct_lead_qualification (
                lead_id text, cycle_number integer default 1, stage text default 'mql', rule text,
                test text default 'any_of', fields text default 'phone',
                value text default 'missing',
                passed boolean, is_deleted boolean default false, entered_at timestamptz
            );
            create table marts_candidate.fct_findings (finding text, lead_id text);
            """
        )
        yield connection


def add(marts: Connection, lead_id: str, *stages: str) -> None:
    """Add a lead, and its entries to stages."""
    marts.execute("insert into marts_candidate.dim_leads values (%s)", (lead_id,))
    for number, stage in enumerate(stages, start=1):
        marts.execute(
            "insert into marts_candidate.fct_funnel_stages (lead_id, stage, entry_number)"
            " values (%s, %s, %s)",
            (lead_id, stage, number),
        )


def judge(
    marts: Connection,
    lead_id: str,
    *,
    passed: bool | None,
    rule: str = "mql_reachable",
    at: datetime = YESTERDAY,
    **values: object,
) -> None:
    """Add a verdict on a lead."""
    columns = {"lead_id": lead_id, "passed": passed, "rule": rule, "entered_at": at, **values}
    marts.execute(
        f"insert into marts_candidate.fct_lead_qualification ({', '.join(columns)})"
        f" values ({', '.join(['%s'] * len(columns))})",
        tuple(columns.values()),
    )


def judge_many(marts: Connection, count: int, *, failing: int, at: datetime = YESTERDAY) -> None:
    """Add so many leads that entered at one time, of whom the first fail."""
    add(marts, "somebody")
    marts.execute(
        "insert into marts_candidate.fct_lead_qualification (lead_id, rule, passed, entered_at)"
        " select number::text, 'mql_reachable', number > %s, %s"
        " from generate_series(1, %s) as number",
        (failing, at, count),
    )


def rule_checks(built: list[Suite]) -> list[RowCheck]:
    (suite,) = (suite for suite in built if suite.name == "qualification.rules")
    return [check for check in suite.checks if isinstance(check, RowCheck)]


def test_each_rule_becomes_one_check(night: Night) -> None:
    gate = replace(PERSONA, rule="gate", severity="critical", share_allowed=Decimal("0.05"))
    checks = rule_checks(suites([PERSONA, REACHABLE, gate], night))
    assert [(check.name, check.severity, check.share_allowed) for check in checks] == [
        ("mql_persona", "warning", 0),
        ("mql_reachable", "critical", 0),
        ("gate", "critical", Decimal("0.05")),
    ]
    assert all("An MQL" in check.meaning for check in checks)


def test_an_agreement_without_rules_leaves_the_funnel_s_own_checks(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "a")
    recorded = check(warehouse, night, suites([], night))
    assert set(recorded.states) == {
        "leads_exist",
        "every_entry_is_judged",
        "no_unmapped_stage",
        "no_stage_out_of_order",
    }
    assert recorded.stopped is None


def test_a_rule_names_exactly_the_entries_that_break_it(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "passes")
    judge(marts, "passes", passed=True)
    judge(marts, "fails", passed=False)
    judge(marts, "fails in both cycles", passed=False)
    judge(marts, "fails in both cycles", passed=False, cycle_number=2)
    judge(marts, "fails another rule", passed=False, rule="mql_persona")
    judge(marts, "failed it while it guarded another stage", passed=False, stage="lead")
    judge(marts, "deleted since", passed=False, is_deleted=True)
    judge(marts, "of whom nothing is known any more", passed=None)
    recorded = check(warehouse, night, suites([replace(REACHABLE, severity="warning")], night))
    assert recorded.stopped is None
    assert recorded.states["mql_reachable"] == "failed"
    assert recorded.figures["mql_reachable"] == (4, 3)
    assert sorted(recorded.keys["mql_reachable"]) == [
        "fails in both cycles/1",
        "fails in both cycles/2",
        "fails/1",
    ]


def test_what_breaks_this_month_is_not_drowned_by_good_years(
    warehouse: str, night: Night, marts: Connection
) -> None:
    """5 of 120 lately, and never before: under the whole of 1,120 it would be a slip."""
    judge_many(marts, 1000, failing=0, at=AS_OF - 200 * DAY)
    for number in range(120):
        judge(marts, f"new {number}", passed=number >= 5, at=AS_OF - 29 * DAY)
    gate = replace(REACHABLE, share_allowed=Decimal("0.04"))
    recorded = check(warehouse, night, suites([gate], night))
    assert recorded.figures["mql_reachable"] == (120, 5)
    assert recorded.states["mql_reachable"] == "failed"
    assert len(recorded.keys["mql_reachable"]) == 5


def test_the_window_is_thirty_days_to_the_second(
    warehouse: str, night: Night, marts: Connection
) -> None:
    judge_many(marts, 100, failing=0, at=AS_OF - DAY)
    judge(marts, "just in it", passed=False, at=AS_OF - 30 * DAY)
    judge(marts, "just out of it", passed=False, at=AS_OF - 30 * DAY - SECOND)
    recorded = check(warehouse, night, suites([REACHABLE], night))
    assert recorded.keys["mql_reachable"] == ["just in it/1"]
    assert recorded.figures["mql_reachable"] == (101, 1)


def test_where_few_entered_lately_the_newest_hundred_count(
    warehouse: str, night: Night, marts: Connection
) -> None:
    judge_many(marts, 98, failing=0, at=AS_OF - 300 * DAY)
    judge(marts, "lately", passed=False)
    judge(marts, "the hundredth", passed=False, at=AS_OF - 400 * DAY)
    judge(marts, "older still", passed=False, at=AS_OF - 400 * DAY - SECOND)
    gate = replace(REACHABLE, share_allowed=Decimal("0.02"))
    recorded = check(warehouse, night, suites([gate], night))
    assert recorded.figures["mql_reachable"] == (100, 2)
    assert recorded.keys["mql_reachable"] == ["lately/1", "the hundredth/1"]
    assert recorded.states["mql_reachable"] == "passed"


@pytest.mark.parametrize(
    ("allowed", "failing", "state"),
    [
        ("0", 0, "passed"),
        ("0", 1, "failed"),
        ("0.05", 5, "passed"),
        ("0.05", 6, "failed"),
        # 0.29 * 100 is less than 29 where fractions are binary
        ("0.29", 29, "passed"),
    ],
)
def test_the_share_allowed_may_be_reached_but_not_passed(
    warehouse: str, night: Night, marts: Connection, allowed: str, failing: int, state: str
) -> None:
    judge_many(marts, 100, failing=failing)
    rule = replace(REACHABLE, share_allowed=Decimal(allowed))
    recorded = check(warehouse, night, suites([rule], night))
    assert recorded.states["mql_reachable"] == state
    assert recorded.figures["mql_reachable"] == (100, failing)
    assert (recorded.stopped is not None) == (state == "failed")


def test_a_critical_failure_stops_the_night_in_words_and_everything_is_on_record(
    warehouse: str, night: Night, marts: Connection
) -> None:
    judge_many(marts, 300, failing=250)
    recorded = check(warehouse, night, suites([REACHABLE, PERSONA], night))
    told, what_to_do = (recorded.stopped or "").split("What was published before still is.")
    assert told == (
        "1 of 6 checks stop the night:\n"
        "  qualification.rules.mql_reachable failed (250 of 300): leads in mql break what was"
        " agreed: An MQL can be reached. (concerns marketing)\n"
        "    for example 1/1\n"
        "    for example 10/1\n"
        "    for example 100/1\n"
    )
    assert "smarketing nightly --accept REASON" in what_to_do
    assert recorded.states == {
        "leads_exist": "passed",
        "mql_reachable": "failed",
        "mql_persona": "skipped",
        "every_entry_is_judged": "skipped",
        "no_unmapped_stage": "passed",
        "no_stage_out_of_order": "passed",
    }
    # more than the 200 rows that Great Expectations keeps
    assert recorded.keys["mql_reachable"] == sorted(f"{number}/1" for number in range(1, 251))


def test_a_check_that_runs_again_replaces_its_record(
    warehouse: str, night: Night, marts: Connection
) -> None:
    judge_many(marts, 10, failing=3)
    first = check(warehouse, night, suites([REACHABLE], night))
    assert check(warehouse, night, suites([REACHABLE], night)) == first
    marts.execute(
        "update marts_candidate.fct_lead_qualification set passed = true where lead_id <> '2'"
    )
    again = check(warehouse, night, suites([REACHABLE], night))
    assert again.keys["mql_reachable"] == ["2/1"]


def test_a_rule_on_a_column_that_is_missing_did_not_run_and_stops_the_night(
    warehouse: str, night: Night, marts: Connection
) -> None:
    judge(marts, "a", passed=True)
    marts.execute("alter table marts_candidate.fct_lead_qualification drop column passed")
    recorded = check(warehouse, night, suites([PERSONA], night))
    assert recorded.states["mql_persona"] == "not_run"
    assert recorded.figures["mql_persona"] == (None, None)
    assert "mql_persona could not run" in (recorded.stopped or "")
    assert '"passed" does not exist' in (recorded.stopped or "")


def test_a_mart_that_is_missing_hides_nothing_of_the_others(
    warehouse: str, night: Night, marts: Connection
) -> None:
    judge(marts, "a", passed=False)
    marts.execute("drop table marts_candidate.fct_findings")
    recorded = check(warehouse, night, suites([REACHABLE], night))
    assert recorded.states["no_unmapped_stage"] == "not_run"
    assert recorded.states["no_stage_out_of_order"] == "not_run"
    assert recorded.keys["mql_reachable"] == ["a/1"]
    assert "fct_findings" in (recorded.stopped or "")


def test_marts_without_a_lead_stop_the_night(
    warehouse: str, night: Night, marts: Connection
) -> None:
    recorded = check(warehouse, night, suites([REACHABLE], night))
    assert recorded.states["leads_exist"] == "failed"
    assert "something upstream lost them all" in (recorded.stopped or "")
    assert recorded.figures["mql_reachable"] == (0, 0)


def test_no_rule_passes_because_nobody_was_asked(
    warehouse: str, night: Night, marts: Connection
) -> None:
    """Of the version in force at the entry, at the stage that it guards, and only if observed."""
    sign(warehouse, replace(PERSONA, rule="mql_once"), version="old")
    sign(warehouse, REACHABLE, PERSONA)
    add(marts, "a", "lead", "mql")
    add(marts, "b", "mql")
    add(marts, "earlier", "mql")
    add(marts, "never guarded", "lead")
    add(marts, "passed over")
    marts.execute(
        "update marts_candidate.fct_funnel_stages set agreement_version = 'old'"
        " where lead_id = 'earlier';"
        "insert into marts_candidate.fct_funnel_stages (lead_id, stage, is_inferred)"
        " values ('passed over', 'mql', true)"
    )
    judge(marts, "a", passed=True)
    judge(marts, "a", passed=True, rule="mql_persona")
    judge(marts, "b", passed=True, cycle_number=2)
    recorded = check(warehouse, night, suites([REACHABLE], night))
    assert recorded.keys["every_entry_is_judged"] == [
        "b/1/mql_persona",
        "b/1/mql_reachable",
        "earlier/1/mql_once",
    ]
    assert recorded.figures["every_entry_is_judged"] == (5, 3)
    assert "was not judged by each of its rules" in (recorded.stopped or "")


def test_a_rule_may_have_the_name_of_a_check_of_ours(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "a")
    judge(marts, "a", passed=False, rule="leads_exist")
    check(warehouse, night, suites([replace(REACHABLE, rule="leads_exist")], night))
    assert marts.execute(
        "select suite, state from ops.check_results where check_name = 'leads_exist' order by 1"
    ).fetchall() == [("qualification.leads", "passed"), ("qualification.rules", "failed")]


def funnel_after(marts: Connection, warehouse: str, night: Night, *statements: str) -> Recorded:
    add(marts, "a", "mql")
    for statement in statements:
        marts.execute(statement)
    return check(warehouse, night, suites([], night))


def test_findings_are_told_and_stop_nothing(
    warehouse: str, night: Night, marts: Connection
) -> None:
    for lead_id in ("1", "2", "3"):
        add(marts, lead_id)
    recorded = funnel_after(
        marts,
        warehouse,
        night,
        "insert into marts_candidate.fct_findings values"
        " ('unmapped_stage', '1'), ('unmapped_stage', '1'), ('stage_out_of_order', '2'),"
        " ('unknown_lead', null)",
    )
    assert recorded.keys["no_unmapped_stage"] == ["1"]
    assert recorded.keys["no_stage_out_of_order"] == ["2"]
    assert recorded.stopped is None


def sign(warehouse: str, *rules: Rule, version: str = "in force") -> None:
    """Put rules into the agreement's tables, in reverse, with their places in the contract."""
    with connect(warehouse, "loader") as loader:
        loader.execute(
            """
            insert into agreement.versions
            values (%s, 'Test', %s, null, 'UTC', 'M', 'S', '', '{}', 'mql', 'office')
            """,
            (version, AS_OF.date() - timedelta(days=len(version))),
        )
        loader.execute(
            "insert into agreement.stages values (%s, 'mql', 'path', 1, 'MQL', 'x')", (version,)
        )
        for position, rule in reversed([*enumerate(rules, start=1)]):
            loader.execute(
                "insert into agreement.qualification_rules"
                " values (%s, %s, %s, 'any_of', null, '{phone}', %s, %s, %s, %s)",
                (
                    version, rule.rule, rule.stage, rule.severity, rule.share_allowed,
                    rule.statement, position,
                ),
            )  # fmt: skip


def test_the_rules_are_those_of_the_version_in_force_in_the_order_of_the_contract(
    warehouse: str, marts: Connection
) -> None:
    sign(warehouse, PERSONA, version="old")
    gate = replace(REACHABLE, rule="gate", share_allowed=Decimal("0.05"))
    market = replace(PERSONA, rule="a", severity="critical", statement="Served.")
    sign(warehouse, REACHABLE, gate, market)
    assert rules_in_force(warehouse) == [REACHABLE, gate, market]


def test_a_night_before_any_version_has_no_rules(warehouse: str, marts: Connection) -> None:
    sign(warehouse, PERSONA, version="old")
    assert rules_in_force(warehouse) == []


@pytest.mark.parametrize(
    ("test", "value", "fields", "told"),
    [
        ("any_of", "missing", "email, phone", ("missing", "email, phone not known")),
        ("one_of", "missing", "country", ("missing", "country not known")),
        ("one_of", "ZA", "country", ("not in list", "country not among the values agreed")),
        ("between", "6", "score", ("out of range", "score not within the bounds agreed")),
        ("matches", "-", "phone", ("malformed", "phone not in the form agreed")),
        ("not_matching", "-", "email", ("malformed", "email in a form that is ruled out")),
        (
            "compared", "a / b", "country, region",
            ("contradictory", "country, region not as the one has to be to the other"),
        ),
        ("sql", "condition not met", "", ("condition not met", "not as agreed")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_the_rule_s_test_and_the_value_never(
    warehouse: str,
    night: Night,
    marts: Connection,
    test: str,
    value: str,
    fields: str,
    told: tuple[str, str],
) -> None:
    if value == "-":
        value = "ana@private.example"
    judge(marts, "a", passed=False, test=test, value=value, fields=fields)
    recorded = check(warehouse, night, suites([REACHABLE], night))
    assert recorded.reasons["mql_reachable"] == [told]
    assert marts.execute(
        "select rule, title from ops.check_failures"
        " inner join ops.check_results using (night_id, attempt, suite, check_name, rule)"
    ).fetchall() == [("mql_reachable", "An MQL can be reached.")]


def test_a_rule_s_name_is_a_word_in_its_query_and_nothing_more(
    warehouse: str, night: Night, marts: Connection
) -> None:
    rule = replace(REACHABLE, rule="it's {odd} :here", stage="'; drop table x; --{}")
    judge(marts, "a", passed=False, rule=rule.rule, stage=rule.stage)
    recorded = check(warehouse, night, suites([rule], night))
    assert recorded.keys[rule.rule] == ["a/1"]
