"""What is warned of, each warning on and off; with what happened from a real warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from smarketing.agreement import Fault, load_agreement, read_agreement
from smarketing.agreement.history import read_history
from smarketing.agreement.lint import FEWEST_LEADS, FEWEST_PERIODS, PERIODS, lint
from smarketing.night import open_night
from smarketing.warehouse.connection import WarehouseError, connect
from smarketing.warehouse.publish import publish

from tests.plugins.smarketing.agreement.conftest import EVERY_CLAUSE, WriteVersion

Changes = tuple[tuple[str, str], ...]

ROOT = Path(__file__).parents[4]
# every stage has its word
QUIET: Changes = (
    *EVERY_CLAUSE,
    (
        "    lost: [Closed Lost]\n",
        "    sql: [Qualified]\n    customer: [Won]\n    lost: [Closed Lost]\n",
    ),
)
NIGHT = datetime(2025, 9, 30, 2, tzinfo=UTC)
SEGMENTS = """\
    segments:
      - region: APAC
        target: at least 12 leads
      - persona: IT leader
        target: at least 60 leads
"""


def warnings(folder: Path, night: datetime = NIGHT) -> list[Fault]:
    return lint(read_agreement(folder), night, history=None)


def test_a_sound_agreement_is_not_warned_of(write_version: WriteVersion, folder: Path) -> None:
    write_version(*QUIET)
    assert warnings(folder) == []


RESPONSE, ATTEMPTS = "{within: 4 business hours}", "{touches: 5, within: 48 hours}"
ACCEPTANCE = "acceptance: {within: 2 business days}"
VALUES = "    IT leader: {mql: 40, sql: 300}\n  otherwise: {mql: 20, sql: 150}\n"
TWICE = """\
  - id: again
    party: marketing
    owner: Ada
    statement: Leads.
    metric: volume
    stage: mql
    target: at least 150 leads
    period: month
"""


@pytest.mark.parametrize(
    ("change", "on", "path", "found"),
    [
        (
            ("    customer: [Won]\n", ""),
            "stage: customer, label",
            "stages.path[3]",
            "the stage 'customer', to which no word of a system leads",
        ),
        (
            ("lost: [Closed Lost]", "lost: []"),
            "stage: lost, label",
            "stages.detours[0]",
            "the stage 'lost', to which no word of a system leads",
        ),
        (
            ("label: SQL", "label: mql"),
            "label: mql",
            "stages.path[2].label",
            "the label 'mql', as of the stage 'mql'",
        ),
        (
            (ATTEMPTS, "{touches: 5, within: 239 business minutes}"),
            "239",
            "handoff.attempts.within",
            "'239 business minutes', due before the first answer is (4 business hours)",
        ),
        (
            (ATTEMPTS, "{touches: 5, within: 4 hours}"),
            "touches: 5",
            "handoff.attempts.within",
            "'4 hours', due before the first answer is (4 business hours)",
        ),
        (
            (
                f"{RESPONSE}\n  attempts: {ATTEMPTS}",
                "{within: 3 business days}\n  attempts: {touches: 5, within: 49 hours}",
            ),
            "acceptance: {",
            "handoff.acceptance.within",
            "'2 business days', due before the first answer is (3 business days)",
        ),
        (
            (
                f"{RESPONSE}\n  attempts: {ATTEMPTS}\n  {ACCEPTANCE}",
                "{within: 3 business days}\n  attempts: {touches: 5, within: 48 hours}\n"
                "  acceptance: {within: 3 business days}",
            ),
            "touches: 5",
            "handoff.attempts.within",
            "'48 hours', due before the first answer is (3 business days)",
        ),
        (
            (VALUES, "    IT leader: {mql: 40}\n"),
            "lead_values:",
            "lead_values",
            "no value for Founder",
        ),
        (
            (SEGMENTS, TWICE),
            "id: again",
            "commitments[1]",
            "what 'mql_volume' measures (line 100)",
        ),
        (
            ("persona: IT leader\n        target", "region: EMEA\n        target"),
            "segments:\n      - region: APAC",
            "commitments[0].segments",
            "parts by region that come to 72 leads",
        ),
        (
            (
                SEGMENTS,
                "    segments:\n"
                "      - {persona: IT leader, target: at least 199 leads}\n"
                "      - {persona: founder, target: at least 2 leads}\n",
            ),
            "segments:\n      - {persona",
            "commitments[0].segments",
            "parts by persona that come to 201 leads",
        ),
        (
            ("statement: Many leads.", "statement: At least 240 of them."),
            "240",
            "commitments[0].statement",
            "'At least 240 of them.'",
        ),
    ],
)
def test_what_is_odd_is_warned_of(
    write_version: WriteVersion,
    folder: Path,
    change: tuple[str, str],
    on: str,
    path: str,
    found: str,
) -> None:
    text = write_version(*QUIET, change).read_text()
    (warning,) = warnings(folder)
    assert text.count(on) == 1
    assert warning.line == text.count("\n", 0, text.index(on)) + 1
    assert (warning.path, warning.found) == (path, found)


def test_parts_that_leave_some_out_are_named(write_version: WriteVersion, folder: Path) -> None:
    write_version(
        *QUIET,
        ("regions:\n", "regions:\n  Americas: {}\n"),
        ("persona: IT leader\n        target", "region: emea\n        target"),
    )
    (warning,) = warnings(folder)
    assert warning.path == "commitments[0].segments"
    assert warning.found == "a number for APAC and emea, and none for Americas"


@pytest.mark.parametrize(
    "change",
    [
        (ATTEMPTS, "{touches: 5, within: 4 business hours}"),
        (ATTEMPTS, "{touches: 5, within: 5 hours}"),
        ("regions:\n", "regions:\n  Americas: {}\n"),
        (RESPONSE, "{within: 47 business hours}"),
        (RESPONSE, "{within: 2 business days}"),
        (VALUES, "    IT leader: {mql: 40}\n    Founder: {mql: 20}\n"),
        (VALUES, "    IT leader: {mql: 40}\n  otherwise: {mql: 20}\n"),
        (
            SEGMENTS,
            TWICE.replace("metric: volume\n    stage: mql", "metric: volume\n    stage: sql"),
        ),
        (SEGMENTS, TWICE.replace("period: month", "period: quarter")),
        (SEGMENTS, TWICE.replace("at least 150", "at most 250")),
        (SEGMENTS, TWICE.replace("stage: mql\n", "stage: mql\n    only_qualified: true\n")),
        (
            SEGMENTS,
            "    segments:\n"
            "      - {persona: IT leader, target: at least 150 leads}\n"
            "      - {persona: Founder, target: at least 50 leads}\n",
        ),
        (
            SEGMENTS,
            "    segments:\n"
            "      - {region: EMEA, target: at least 150 leads}\n"
            "      - {persona: Founder, target: at least 70 leads}\n",
        ),
    ],
)
def test_what_is_not_odd_is_passed_over(
    write_version: WriteVersion, folder: Path, change: tuple[str, str]
) -> None:
    write_version(*QUIET, change)
    assert warnings(folder) == []


def test_parts_of_shares_and_of_ceilings_add_up_to_nothing(
    write_version: WriteVersion, folder: Path
) -> None:
    shares = """\
    segments:
      - {persona: IT leader, objective: at least 40%}
      - {persona: Founder, objective: at least 30%}
"""
    days = """\
    segments:
      - {region: EMEA, target: at most 40 calendar days}
      - {region: APAC, target: at most 50 calendar days}
"""
    write_version(
        *QUIET,
        ("at least 25%\n    period: quarter\n", "at least 25%\n    period: quarter\n" + shares),
        ("period: week\n", "period: week\n" + days),
    )
    assert warnings(folder) == []


@pytest.mark.parametrize(
    ("commitment", "statement", "is_odd"),
    [
        ("Many leads.", "200 a month.", False),
        ("Many leads.", "At least 12 in APAC.", False),
        ("Many leads.", "For B2B and Q2.", False),
        ("Many leads.", "201 a month.", True),
        ("Good work.", "At least 25% are.", False),
        ("Good work.", "1 in 4 of them.", False),
        ("Good work.", "Within 30 days.", False),
        ("Good work.", "At least 26%.", True),
        ("Soon.", "Within 4 business hours.", False),
        ("Soon.", "Within 5 hours.", True),
        ("Again.", "5 times.", False),
        ("Again.", "4 times.", True),
        ("Opened.", "250,000 euros.", False),
        ("Opened.", "250.000 euros.", False),
        ("Opened.", "250 000 euros.", False),
        ("Opened.", "250’000 euros.", False),
        ("Opened.", "300 000 euros.", True),
        ("Opened.", "0.25 million.", False),
        ("Opened.", "0,25 million.", False),
        ("Opened.", "250 thousand.", False),
        ("Opened.", "300,000.", True),
    ],
)
def test_a_statement_names_the_number_that_is_promised(
    write_version: WriteVersion, folder: Path, commitment: str, statement: str, is_odd: bool
) -> None:
    write_version(*QUIET, (f"statement: {commitment}", f"statement: '{statement}'"))
    assert [warning.found for warning in warnings(folder)] == [f"'{statement}'"] * is_odd


@pytest.mark.parametrize(
    ("growth", "last_day"),
    [("normal", date(2025, 10, 1)), ("high_growth", date(2025, 6, 1))],
)
def test_a_review_is_overdue_on_the_day_after_it_was_due(
    write_version: WriteVersion, folder: Path, growth: str, last_day: date
) -> None:
    write_version(*QUIET, ("growth: normal", f"growth: {growth}"))
    # in Madrid the day ends at 22:00 UTC
    end = datetime.combine(last_day, datetime.min.time(), UTC) + timedelta(hours=22)
    assert warnings(folder, end - timedelta(seconds=1)) == []
    (warning,) = warnings(folder, end)
    assert warning.path == "review.growth"
    assert str(last_day) in warning.found


def test_a_review_at_the_end_of_a_short_month(write_version: WriteVersion, folder: Path) -> None:
    write_version(*QUIET, ("2025-04-01", "2025-08-31"), name="2025-08-31.yml")
    assert warnings(folder, datetime(2026, 2, 28, 22, tzinfo=UTC)) == []
    assert len(warnings(folder, datetime(2026, 2, 28, 23, tzinfo=UTC))) == 1


def test_only_what_is_not_past_is_warned_of(write_version: WriteVersion, folder: Path) -> None:
    odd = ("label: SQL", "label: MQL")
    write_version(*QUIET, odd)
    new = (("version: v1", "version: v2"), ("2025-04-01", "2025-09-01"))
    write_version(*QUIET, odd, *new, name="2025-09-01.yml")
    start = datetime(2025, 8, 31, 22, tzinfo=UTC)
    before, after = warnings(folder, start - timedelta(seconds=1)), warnings(folder, start)
    assert [each.file.name for each in before] == ["2025-04-01.yml", "2025-09-01.yml"]
    assert [each.file.name for each in after] == ["2025-09-01.yml"]


@pytest.mark.parametrize("path", ["agreements", "examples/olist/agreements"])
def test_the_agreements_of_this_repository_are_warned_of_their_review_at_most(path: str) -> None:
    night = datetime(2026, 10, 20, 2, tzinfo=UTC)
    told = lint(read_agreement(ROOT / path), night, history=None)
    assert {warning.path for warning in told} <= {"review.growth"}


# what happened: published by a real warehouse

Connection = psycopg.Connection[Any]


def months(count: int) -> Iterable[date]:
    """The first days of so many months, the newest (September 2025) first."""
    for months_ago in range(count):
        years, month = divmod(2025 * 12 + 8 - months_ago, 12)
        yield date(years, month + 1, 1)


def publish_night(
    uri: str,
    folder: Path,
    periods: Iterable[tuple[Any, ...]] = (),
    rules: Iterable[tuple[Any, ...]] = (),
) -> None:
    """Publish a night with these rows: (commitment, dimension, value, start, actual, status), and
    these figures: (rule, evaluated, failing)."""
    with connect(uri, "loader") as connection:
        load_agreement(read_agreement(folder), connection, as_of=NIGHT, until=date(2025, 10, 1))
    night = open_night(uri, NIGHT, NIGHT)
    with connect(uri, "transformer") as connection:
        connection.execute("create schema marts_candidate")
        connection.execute(
            "create table marts_candidate.sla_compliance (agreement_version text, "
            "commitment_id text, dimension text, dimension_value text, period_start_date date, "
            "actual numeric, status text)"
        )
        for row in periods:
            connection.execute(
                "insert into marts_candidate.sla_compliance values ('v1', %s, %s, %s, %s, %s, %s)",
                row,
            )
        for row in rules:
            connection.execute(
                "insert into ops.check_results (night_id, attempt, suite, title, severity, state, "
                "meaning, concerns, check_name, evaluated, failing) values "
                "(%s, %s, 'qualification.rules', '', 'warning', 'passed', '', '', %s, %s, %s)",
                (night.night_id, night.attempt, *row),
            )
    publish(uri, night)


def compared(uri: str, folder: Path) -> list[Fault]:
    return lint(read_agreement(folder), NIGHT, read_history(uri))


def volumes(*actuals: float, status: str = "met") -> list[tuple[Any, ...]]:
    """What came of the volume of MQLs, month by month, the newest first."""
    return [
        ("mql_volume", None, None, start, actual, status)
        for start, actual in zip(months(len(actuals)), actuals, strict=True)
    ]


@pytest.mark.parametrize(
    ("actuals", "found"),
    [
        # the target is 200
        ([180, 199, 150, 170], "best 199 leads in Aug 2025 and worst 150 leads in Jul 2025"),
        ([180, 200, 150, 170], None),
        ([201, 205, 300, 250], "best 300 leads in Jul 2025 and worst 201 leads in Sep 2025"),
        ([200, 205, 300, 250], None),
        ([180] * (FEWEST_PERIODS - 1), None),
        ([180] * PERIODS + [200], f"which none of the last {PERIODS} months reached"),
        ([180] * (PERIODS - 1) + [200], None),
    ],
    ids=["beyond", "the best", "below", "the worst", "too few", "too long ago", "long ago"],
)
def test_a_target_is_held_against_the_last_periods(
    write_version: WriteVersion,
    folder: Path,
    warehouse: str,
    actuals: list[float],
    found: str | None,
) -> None:
    write_version(*QUIET)
    publish_night(warehouse, folder, volumes(*actuals))
    told = compared(warehouse, folder)
    assert [warning.path for warning in told] == ["commitments[0].target"] * bool(found)
    assert all(found in warning.found for warning in told if found)


def test_what_is_not_judged_is_no_measure(
    write_version: WriteVersion, folder: Path, warehouse: str
) -> None:
    write_version(*QUIET)
    publish_night(warehouse, folder, volumes(*[180] * 12, status="insufficient_sample"))
    assert compared(warehouse, folder) == []


def test_a_ceiling_is_attainable_from_above(
    write_version: WriteVersion, folder: Path, warehouse: str
) -> None:
    write_version(*QUIET, ("at most 45", "at most 10"))
    weeks = [date(2025, 9, 22) - timedelta(weeks=number) for number in range(4)]
    publish_night(
        warehouse,
        folder,
        [("sql_to_customer", None, None, week, 10.25, "missed") for week in weeks],
    )
    (warning,) = compared(warehouse, folder)
    assert warning.path == "commitments[2].target"
    assert "none of the last 4 weeks reached (best 10.2 calendar days in the week" in warning.found


def test_parts_and_other_names_have_their_own_history(
    write_version: WriteVersion, folder: Path, warehouse: str
) -> None:
    write_version(*QUIET)
    publish_night(
        warehouse,
        folder,
        [
            *volumes(180, 190, 210, 220),
            *(("mql_volume", "region", "apac", start, 9, "missed") for start in months(4)),
            *(("mql_to_sql", None, None, start, 0.203, "missed") for start in months(4)),
        ],
    )
    # in a version to come: the same measure under another name, and another under the same
    write_version(
        *QUIET,
        ("version: v1", "version: v2"),
        ("2025-04-01", "2025-12-01"),
        ("id: mql_volume", "id: handed_over"),
        ("at least 200 leads", "at least 221 leads"),
        ("within: 30", "within: 31"),
        ("at least 12 leads", "at least 9 leads"),
        name="2025-12-01.yml",
    )
    told = [(each.file.name, each.path, each.found) for each in compared(warehouse, folder)]
    assert [(file, path) for file, path, _ in told] == [
        ("2025-04-01.yml", "commitments[0].segments[0].target"),
        ("2025-04-01.yml", "commitments[1].objective"),
        ("2025-12-01.yml", "commitments[0].target"),
    ]
    assert "best 20.3% in Q" in told[1][2]


@pytest.mark.parametrize(
    ("evaluated", "failing", "found"),
    [
        (FEWEST_LEADS, 0, "a rule that of 30 leads all pass"),
        (FEWEST_LEADS, 1, None),
        (FEWEST_LEADS, FEWEST_LEADS - 1, None),
        (FEWEST_LEADS, FEWEST_LEADS, "a rule that of 30 leads none passes"),
        (FEWEST_LEADS - 1, 0, None),
    ],
)
def test_a_rule_that_tells_no_leads_apart(
    write_version: WriteVersion,
    folder: Path,
    warehouse: str,
    evaluated: int,
    failing: int,
    found: str | None,
) -> None:
    write_version(*QUIET)
    publish_night(warehouse, folder, rules=[("mql_market", evaluated, failing)])
    told = compared(warehouse, folder)
    assert [warning.path for warning in told] == ["qualification[2]"] * bool(found)
    assert all(found in warning.found for warning in told if found)


def test_a_rule_is_judged_by_its_own_figures(
    write_version: WriteVersion, folder: Path, warehouse: str
) -> None:
    write_version(*QUIET)
    publish_night(warehouse, folder, rules=[("mql_market", 100, 100), ("mql_reachable", 100, 100)])
    write_version(
        *QUIET,
        ("version: v1", "version: v2"),
        ("2025-04-01", "2025-12-01"),
        # another rule under the name, and the rule itself, with an allowance more
        ("one_of: [IN, ES]", "one_of: [IN, ES, US]"),
        (
            "statement: Reachable.\n",
            "statement: Reachable.\n  - name: gate\n    stage: mql\n    any_of: [email, phone]\n"
            "    severity: critical\n    statement: Reachable.\n",
        ),
        name="2025-12-01.yml",
    )
    told = [(each.file.name, each.path) for each in compared(warehouse, folder)]
    assert told == [
        ("2025-04-01.yml", "qualification[0]"),
        ("2025-04-01.yml", "qualification[2]"),
        ("2025-12-01.yml", "qualification[0]"),
    ]


def test_before_the_first_night_there_is_no_history(warehouse: str) -> None:
    with pytest.raises(WarehouseError, match="Nothing has been published yet"):
        read_history(warehouse)
