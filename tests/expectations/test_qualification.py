"""The agreement's rules and the funnel's own, on marts of a few rows in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import psycopg
import pytest
from psycopg import sql
from smarketing.agreement.qualification import LeadField
from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite
from smarketing.warehouse.connection import connect

from expectations.qualification import Rule, rules_in_force, suites
from tests.expectations.conftest import AS_OF
from tests.expectations.recorded import Recorded, check

FIELDS = get_args(LeadField)
REACHABLE = Rule(
    "mql_reachable",
    "mql",
    "any_of",
    None,
    ("email", "phone"),
    "critical",
    Decimal(0),
    "An MQL can be reached.",
)
PERSONA = replace(
    REACHABLE,
    rule="mql_persona",
    operands=("persona",),
    severity="warning",
    statement="An MQL has a persona.",
)

Connection = psycopg.Connection[Any]


@pytest.fixture
def marts(warehouse: str) -> Iterator[Connection]:
    """A session of the transformer, and candidate marts without a row."""
    with connect(warehouse, "transformer", autocommit=True) as connection:
        connection.execute(
            """
            create schema marts_candidate;
            create table marts_candidate.dim_leads (lead_id text primary key);
            create schema intermediate;
            create table intermediate.int_leads (
                lead_id text primary key, email text, phone text, company text, country text,
                region text, persona text, channel text, score integer
            );
            create table intermediate.int_agreement_eras (version text, is_current boolean);
            insert into intermediate.int_agreement_eras values ('old', false), ('in force', true);
            create table marts_candidate.fct_funnel_stages (
                lead_id text, stage text, is_inferred boolean default false,
                entered_at timestamptz default '2025-05-01', exited_at timestamptz
            );
            create table marts_candidate.fct_findings (finding text, lead_id text);
            """
        )
        yield connection


def add(marts: Connection, lead_id: str, *known: str, stages: tuple[str, ...] = ("mql",)) -> None:
    """Add a lead of which some fields are known, and its entries to stages."""
    add_with(marts, lead_id, **dict.fromkeys(known, "7"))
    for stage in stages:
        marts.execute(
            "insert into marts_candidate.fct_funnel_stages (lead_id, stage) values (%s, %s)",
            (lead_id, stage),
        )


def add_with(marts: Connection, lead_id: str, **values: object) -> None:
    """Add a lead with these values, and no entry."""
    marts.execute("insert into marts_candidate.dim_leads values (%s)", (lead_id,))
    marts.execute(
        sql.SQL("insert into intermediate.int_leads ({}) values ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, ("lead_id", *values))),
            sql.SQL(", ").join(map(sql.Literal, (lead_id, *values.values()))),
        )
    )


def add_many(marts: Connection, count: int, *, unreachable: int) -> None:
    """Add so many MQLs with a persona, the first of them without e-mail and phone."""
    marts.execute(
        "insert into intermediate.int_leads (lead_id, email, persona)"
        " select number::text, case when number > %s then 'x' end, 'x'"
        " from generate_series(1, %s) as number",
        (unreachable, count),
    )
    marts.execute(
        "insert into marts_candidate.dim_leads select lead_id from intermediate.int_leads"
    )
    marts.execute(
        "insert into marts_candidate.fct_funnel_stages (lead_id, stage)"
        " select lead_id, 'mql' from marts_candidate.dim_leads"
    )


def rule_checks(built: list[Suite]) -> list[RowCheck]:
    (suite,) = (suite for suite in built if suite.name == "qualification.rules")
    return [check for check in suite.checks if isinstance(check, RowCheck)]


def test_each_rule_becomes_one_check() -> None:
    gate = replace(PERSONA, rule="gate", severity="critical", share_allowed=Decimal("0.05"))
    checks = rule_checks(suites([PERSONA, REACHABLE, gate]))
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
    recorded = check(warehouse, night, suites([]))
    assert set(recorded.states) == {
        "leads_exist",
        "stages_in_order",
        "no_unmapped_stage",
        "no_stage_out_of_order",
    }
    assert recorded.stopped is None


def test_a_rule_finds_exactly_the_leads_that_break_it(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "both", "email", "phone")
    add(marts, "e-mail only", "email")
    add(marts, "phone only", "phone")
    add(marts, "neither", *FIELDS[2:])
    add(marts, "neither, entered twice", stages=("mql", "lead", "mql"))
    add(marts, "neither, but not an MQL", stages=("lead", "sql"))
    add(marts, "neither, but passed over", stages=())
    add(marts, "nobody knows")
    marts.execute(
        "insert into marts_candidate.fct_funnel_stages (lead_id, stage, is_inferred)"
        " values ('neither, but passed over', 'mql', true)"
    )
    recorded = check(warehouse, night, suites([replace(REACHABLE, severity="warning")]))
    assert recorded.stopped is None
    assert recorded.states["mql_reachable"] == "failed"
    assert recorded.figures["mql_reachable"] == (6, 3)
    assert recorded.keys["mql_reachable"] == [
        "neither",
        "neither, entered twice",
        "nobody knows",
    ]


def test_each_field_of_the_agreement_is_looked_up_in_its_own_place(
    warehouse: str, night: Night, marts: Connection
) -> None:
    for field in FIELDS:
        add(marts, field, field)
    rules = [replace(PERSONA, rule=f"has_{field}", operands=(field,)) for field in FIELDS]
    recorded = check(warehouse, night, suites(rules))
    for field in FIELDS:
        assert recorded.keys[f"has_{field}"] == sorted({*FIELDS} - {field})


@pytest.mark.parametrize(
    ("allowed", "unreachable", "state"),
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
    warehouse: str, night: Night, marts: Connection, allowed: str, unreachable: int, state: str
) -> None:
    add_many(marts, 100, unreachable=unreachable)
    rule = replace(REACHABLE, share_allowed=Decimal(allowed))
    recorded = check(warehouse, night, suites([rule]))
    assert recorded.states["mql_reachable"] == state
    assert recorded.figures["mql_reachable"] == (100, unreachable)
    assert (recorded.stopped is not None) == (state == "failed")


def test_a_critical_failure_stops_the_night_in_words_and_everything_is_on_record(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add_many(marts, 300, unreachable=250)
    recorded = check(warehouse, night, suites([REACHABLE, PERSONA]))
    assert recorded.stopped == (
        "1 of 6 checks stop the night:\n"
        "  qualification.rules.mql_reachable failed (250 of 300): leads in mql break what was"
        " agreed: An MQL can be reached. (concerns marketing)"
    )
    assert recorded.states == {
        "leads_exist": "passed",
        "mql_reachable": "failed",
        "mql_persona": "passed",
        "stages_in_order": "passed",
        "no_unmapped_stage": "passed",
        "no_stage_out_of_order": "passed",
    }
    # more than the 200 rows that Great Expectations keeps
    assert recorded.keys["mql_reachable"] == sorted(str(number) for number in range(1, 251))


def test_a_check_that_runs_again_replaces_its_record(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add_many(marts, 10, unreachable=3)
    first = check(warehouse, night, suites([REACHABLE]))
    assert check(warehouse, night, suites([REACHABLE])) == first
    marts.execute("update intermediate.int_leads set phone = '1' where lead_id <> '2'")
    assert check(warehouse, night, suites([REACHABLE])).keys["mql_reachable"] == ["2"]


def test_a_rule_on_a_column_that_is_missing_did_not_run_and_stops_the_night(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "neither")
    marts.execute("alter table intermediate.int_leads drop column persona")
    recorded = check(warehouse, night, suites([PERSONA, replace(REACHABLE, severity="warning")]))
    assert recorded.states["mql_persona"] == "not_run"
    assert recorded.figures["mql_persona"] == (None, None)
    assert recorded.stopped is not None
    assert "mql_persona could not run" in recorded.stopped
    assert "leads.persona does not exist" in recorded.stopped
    assert recorded.keys["mql_reachable"] == ["neither"]


def test_a_mart_that_is_missing_hides_nothing_of_the_others(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "neither")
    marts.execute("drop table marts_candidate.fct_findings")
    recorded = check(warehouse, night, suites([REACHABLE]))
    assert recorded.states["no_unmapped_stage"] == "not_run"
    assert recorded.states["no_stage_out_of_order"] == "not_run"
    assert recorded.states["stages_in_order"] == "passed"
    assert recorded.keys["mql_reachable"] == ["neither"]
    assert "fct_findings" in (recorded.stopped or "")


def test_marts_without_a_lead_stop_the_night(
    warehouse: str, night: Night, marts: Connection
) -> None:
    recorded = check(warehouse, night, suites([REACHABLE]))
    assert recorded.states["leads_exist"] == "failed"
    assert "something upstream lost them all" in (recorded.stopped or "")
    assert recorded.figures["mql_reachable"] == (0, 0)


def test_a_rule_may_have_the_name_of_a_check_of_ours(
    warehouse: str, night: Night, marts: Connection
) -> None:
    add(marts, "a")
    check(warehouse, night, suites([replace(REACHABLE, rule="stages_in_order")]))
    assert marts.execute(
        "select suite, state from ops.check_results where check_name = 'stages_in_order' order by 1"
    ).fetchall() == [("qualification.rules", "failed"), ("qualification.stages", "passed")]


def funnel_after(marts: Connection, warehouse: str, night: Night, *statements: str) -> Recorded:
    add(marts, "a", *FIELDS)
    for statement in statements:
        marts.execute(statement)
    return check(warehouse, night, suites([]))


def test_a_stage_left_before_it_was_entered_stops_the_night(
    warehouse: str, night: Night, marts: Connection
) -> None:
    leave = "insert into marts_candidate.fct_funnel_stages values ('{}', 'sql', false, '{}', '{}')"
    recorded = funnel_after(
        marts,
        warehouse,
        night,
        leave.format("at once", "2025-05-01 12:00:00+00", "2025-05-01 12:00:00+00"),
        leave.format("too soon", "2025-05-01 12:00:01+00", "2025-05-01 12:00:00+00"),
    )
    assert recorded.keys["stages_in_order"] == ["too soon"]
    assert "the order of a lead's story is lost" in (recorded.stopped or "")


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
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    version, rule.rule, rule.stage, rule.test, rule.field, list(rule.operands),
                    rule.severity, rule.share_allowed, rule.statement, position,
                ),
            )  # fmt: skip


def test_the_rules_are_those_of_the_version_in_force_in_the_order_of_the_contract(
    warehouse: str, marts: Connection
) -> None:
    sign(warehouse, PERSONA, version="old")
    gate = replace(REACHABLE, rule="gate", share_allowed=Decimal("0.05"))
    market = replace(PERSONA, rule="a", test="one_of", field="country", operands=["ES"])
    sign(warehouse, REACHABLE, gate, market)
    found = rules_in_force(warehouse)
    assert [replace(rule, operands=tuple(rule.operands)) for rule in found] == [
        REACHABLE,
        gate,
        replace(market, operands=("ES",)),
    ]


def test_a_night_before_any_version_has_no_rules(warehouse: str, marts: Connection) -> None:
    sign(warehouse, PERSONA, version="old")
    assert rules_in_force(warehouse) == []


@dataclass(frozen=True)
class Asked:
    """A test of a field, and of the values that the leads have the ones that fail it."""

    test: str
    field: str | None
    operands: tuple[str, ...]
    values: tuple[object, ...]
    fail: tuple[object, ...]


ASKED = {
    "one of some words": Asked(
        "one_of", "country", ("ES", "de"), ("ES", "es", " De ", "FR", "E", None), ("FR", "E", None)
    ),
    "words that look like SQL": Asked(
        "one_of",
        "company",
        ("O'Neil; drop table x --", "{batch}", "a:b", ":name", "100%s"),
        ("o'neil; DROP table x --", "{batch}", "a:b", ":name", "100%s", "{leads}"),
        ("{leads}",),
    ),
    "within bounds": Asked(
        "between", "score", ("20", "100"), (19, 20, 50, 100, 101, None), (19, 101, None)
    ),
    "within half points": Asked("between", "score", ("19.5", "1e2"), (19, 20, 100), (19,)),
    "like a pattern": Asked(
        "matches", "email", (r"@(?:acme|x{2})\.com$",), ("a@ACME.com", "a@xx.com", "a@x.com", None),
        ("a@x.com", None),
    ),
    "unlike a pattern": Asked(
        "not_matching", "email", ("@gmail\\.",), ("a@gmail.com", "a@gmailer.com", None),
        ("a@gmail.com", None),
    ),
    "equal to another field": Asked(
        "compared", "company", ("equal to region",), ("EMEA", "APAC", None), ("APAC", None)
    ),
    "different from another field": Asked(
        "compared", "company", ("different from region",), ("EMEA", "APAC", None), ("EMEA", None)
    ),
    "at least another field": Asked(
        "compared", "company", ("at least region",), ("EMEA", "A", "Z"), ("A",)
    ),
    "at most another field": Asked(
        "compared", "company", ("at most region",), ("EMEA", "A", "Z"), ("Z",)
    ),
    "a condition in SQL": Asked(
        "sql",
        None,
        ("leads.country like 'E%' and leads.country ~ '^[A-Z]{2}$' and leads.country <> ' :no'",),
        ("ES", "ESP", "FR", None),
        ("ESP", "FR", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_a_rule_asks_what_the_agreement_says(
    warehouse: str, night: Night, marts: Connection, asked: Asked
) -> None:
    rule = replace(PERSONA, test=asked.test, field=asked.field, operands=asked.operands)
    sign(warehouse, rule)
    for value in asked.values:
        add_with(marts, str(value), **{"region": "EMEA", asked.field or "country": value})
        marts.execute(
            "insert into marts_candidate.fct_funnel_stages (lead_id, stage) values (%s, 'mql')",
            (str(value),),
        )
    recorded = check(warehouse, night, suites(rules_in_force(warehouse)))
    assert recorded.keys.get("mql_persona", []) == sorted(map(str, asked.fail))
    assert recorded.figures["mql_persona"] == (len(asked.values), len(asked.fail))
