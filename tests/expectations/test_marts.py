"""What holds across marts, and from night to night, on marts of a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from smarketing.night import Night
from smarketing.warehouse.connection import connect

from expectations.marts import published_as_of, suites
from tests.expectations.conftest import AS_OF
from tests.expectations.recorded import Recorded, check

DAY = timedelta(days=1)

Connection = psycopg.Connection[Any]


@pytest.fixture
def marts(warehouse: str) -> Iterator[Connection]:
    """A session of the transformer, and candidate marts without a row."""
    with connect(warehouse, "transformer", autocommit=True) as connection:
        connection.execute(
            """
            create schema marts_candidate;
            set search_path to marts_candidate;
            create table dim_leads (lead_id text primary key);
            create table fct_funnel_stages (lead_id text, entered_date date);
            create table fct_handoffs (
                lead_id text, cycle_number integer, agreement_version text default 'v',
                handed_off_date date, handed_off_at timestamptz, next_cycle_at timestamptz
            );
            create table fct_opportunities (
                opportunity_key text, lead_id text, amount numeric default 1,
                is_won boolean default false, is_deleted boolean default false, opened_date date,
                closed_date date
            );
            create table fct_lead_qualification (
                agreement_version text default 'v', rule text default 'r', entered_date date,
                passed boolean
            );
            create table lead_quality (
                agreement_version text default 'v', rule text default 'r', month_start_date date,
                judged_count integer, failed_count integer
            );
            create table rejection_reasons (
                agreement_version text default 'v', month_start_date date,
                rejected_count integer, rejection_count integer, handoff_count integer
            );
            create table sla_compliance (
                agreement_version text default 'v', commitment_id text, segment text default 'all',
                period_start_date date default '2025-01-01', status text
            );
            create table restatements (
                agreement_version text default 'v', commitment_id text, segment text default 'all',
                period_start_date date default '2025-01-01', is_verdict_changed boolean
            );
            """
        )
        yield connection


def fill(marts: Connection, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        marts.execute(
            f"insert into {table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
            tuple(row.values()),
        )


def checked(warehouse: str, night: Night, published: datetime | None = None) -> Recorded:
    return check(warehouse, night, suites(night, published))


def test_marts_of_a_company_that_begins_have_nothing_to_check(
    warehouse: str, night: Night, marts: Connection
) -> None:
    """But leads there have to be."""
    recorded = checked(warehouse, night)
    assert recorded.states.pop("leads_have_entered_the_funnel") == "failed"
    assert set(recorded.states.values()) == {"skipped"}
    assert all(recorded.observed.values())
    assert recorded.stopped is None


def handoff(lead_id: str, cycle: int, day: int, *, until: int | None = None) -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "cycle_number": cycle,
        "handed_off_date": AS_OF.date() + (day - 60) * DAY,
        "handed_off_at": AS_OF + (day - 60) * DAY,
        "next_cycle_at": None if until is None else AS_OF + (until - 60) * DAY,
    }


def test_a_lead_is_handed_over_once_at_a_time(
    warehouse: str, night: Night, marts: Connection
) -> None:
    fill(
        marts,
        "fct_handoffs",
        handoff("twice", 1, 1, until=2),
        handoff("twice", 2, 2),
        handoff("over", 1, 1, until=1),
        handoff("both open", 1, 1),
        handoff("both open", 2, 2),
        handoff("backwards", 1, 5, until=9),
        handoff("backwards", 2, 4, until=9),
        handoff("ends before", 1, 5, until=4),
    )
    recorded = checked(warehouse, night)
    assert recorded.figures["one_open_handoff_per_lead"] == (5, 1)
    assert recorded.keys["one_open_handoff_per_lead"] == ["both open"]
    assert recorded.keys["handoffs_were_in_order"] == ["backwards/2", "ends before/1"]
    assert "2 of 10 checks stop the night" in (recorded.stopped or "")


def test_a_deal_has_its_dates_in_order_and_an_amount_once_it_is_won(
    warehouse: str, night: Night, marts: Connection
) -> None:
    today = AS_OF.date()
    fill(
        marts,
        "fct_funnel_stages",
        *({"lead_id": "a", "entered_date": today + n * DAY} for n in (0, 5)),
    )
    dated = {"lead_id": "a", "opened_date": today, "closed_date": today}
    fill(
        marts,
        "fct_opportunities",
        {**dated, "opportunity_key": "crm:in a day", "is_won": True},
        {**dated, "opportunity_key": "crm:open", "closed_date": None},
        {**dated, "opportunity_key": "crm:dateless", "opened_date": None},
        {**dated, "opportunity_key": "crm:lost", "amount": None},
        {**dated, "opportunity_key": "crm:backwards", "closed_date": today - DAY},
        {**dated, "opportunity_key": "crm:older", "opened_date": today - DAY},
        {**dated, "opportunity_key": "crm:for nothing", "amount": None, "is_won": True},
        {**dated, "opportunity_key": "crm:deleted", "closed_date": today - DAY, "is_deleted": True},
        {**dated, "opportunity_key": "crm:of nobody", "lead_id": "?"},
    )
    recorded = checked(warehouse, night)
    assert recorded.figures["deals_close_after_they_open"] == (8, 1)
    assert recorded.keys["deals_close_after_they_open"] == ["a/crm:backwards"]
    assert recorded.keys["deals_come_after_their_leads"] == ["a/crm:older"]
    assert recorded.keys["deals_won_have_an_amount"] == ["a/crm:for nothing"]
    assert recorded.stopped is None


@pytest.mark.parametrize(("nowhere", "state"), [(1, "passed"), (2, "failed")])
def test_one_lead_in_fifty_may_stand_nowhere(
    warehouse: str, night: Night, marts: Connection, nowhere: int, state: str
) -> None:
    for number in range(50):
        fill(marts, "dim_leads", {"lead_id": f"{number:02}"})
        if number >= nowhere:
            for _ in range(2):
                fill(marts, "fct_funnel_stages", {"lead_id": f"{number:02}"})
    recorded = checked(warehouse, night)
    assert recorded.states["leads_have_entered_the_funnel"] == state
    assert recorded.keys["leads_have_entered_the_funnel"] == ["00", "01"][:nowhere]


@pytest.mark.parametrize(
    ("told", "keys"),
    [
        ({"judged_count": 2, "failed_count": 1}, []),
        ({"judged_count": 3, "failed_count": 1}, ["v/r/2025-05-01"]),
        ({"judged_count": 2, "failed_count": 2}, ["v/r/2025-05-01"]),
        ({"judged_count": 2, "failed_count": 1, "rule": "s"}, ["v/r/2025-05-01", "v/s/2025-05-01"]),
    ],
    ids=["agrees", "judged", "failed", "another rule"],
)
def test_quality_adds_up_to_the_verdicts(
    warehouse: str, night: Night, marts: Connection, told: dict[str, Any], keys: list[str]
) -> None:
    for day, passed in (("2025-05-01", True), ("2025-05-31", False), ("2025-05-31", None)):
        fill(marts, "fct_lead_qualification", {"entered_date": day, "passed": passed})
    fill(marts, "lead_quality", {"month_start_date": "2025-05-01", **told})
    recorded = checked(warehouse, night)
    assert recorded.keys["quality_adds_up_to_the_verdicts"] == keys
    assert (recorded.stopped is not None) == bool(keys)


@pytest.mark.parametrize(
    ("handoffs", "rejections", "state"),
    [(3, 2, "passed"), (4, 2, "failed"), (3, 3, "failed")],
    ids=["agrees", "handoffs", "rejections"],
)
def test_rejections_add_up_to_the_handoffs(
    warehouse: str,
    night: Night,
    marts: Connection,
    handoffs: int,
    rejections: int,
    state: str,
) -> None:
    for number, day in enumerate(("2025-05-01", "2025-05-31", "2025-05-31", "2025-06-01")):
        fill(marts, "fct_handoffs", {"lead_id": str(number), "handed_off_date": day})
    for count in (1, 1):
        fill(
            marts,
            "rejection_reasons",
            {
                "month_start_date": "2025-05-01",
                "rejected_count": count,
                "rejection_count": rejections,
                "handoff_count": handoffs,
            },
        )
    assert checked(warehouse, night).states["rejections_add_up_to_the_handoffs"] == state


def test_a_verdict_that_is_another_one_now_is_told(
    warehouse: str, night: Night, marts: Connection
) -> None:
    for name, status in (
        ("met", "met"),
        ("turned", "missed"),
        ("moved", "met"),
        ("on", "on_track"),
    ):
        fill(marts, "sla_compliance", {"commitment_id": name, "status": status})
    fill(marts, "restatements", {"commitment_id": "turned", "is_verdict_changed": True})
    fill(marts, "restatements", {"commitment_id": "moved", "is_verdict_changed": False})
    recorded = checked(warehouse, night)
    assert recorded.figures["closed_periods_stand"] == (3, 1)
    assert recorded.keys["closed_periods_stand"] == ["v/turned/all/2025-01-01"]
    assert recorded.stopped is None


@pytest.mark.parametrize(
    ("lost", "of", "published", "state"),
    [
        (25, 125, AS_OF - DAY, "passed"),
        (26, 125, AS_OF - DAY, "failed"),
        (26, 125, AS_OF, "failed"),
        (26, 125, AS_OF + DAY, "skipped"),
        (24, 30, AS_OF, "passed"),
    ],
    ids=["a fifth", "more", "the same night again", "a later night is published", "a few"],
)
def test_published_leads_are_still_there(
    warehouse: str,
    night: Night,
    marts: Connection,
    lost: int,
    of: int,
    published: datetime,
    state: str,
) -> None:
    marts.execute(
        "create schema marts;"
        f"create table marts.dim_leads as select generate_series(1, {of})::text as lead_id;"
        f"create table marts.published_night as select '{published}'::timestamptz as as_of"
    )
    # and two that are new tonight
    marts.execute(
        "insert into dim_leads select generate_series(%s::integer, %s)::text", (lost + 1, of + 2)
    )
    assert published_as_of(warehouse) == published
    recorded = checked(warehouse, night, published)
    assert recorded.states["published_leads_are_still_there"] == state
    assert recorded.keys["published_leads_are_still_there"] == (
        []
        if state == "skipped" or lost < 25
        else sorted(str(number) for number in range(1, lost + 1))
    )
    assert (recorded.stopped is not None) == (state == "failed")


def test_before_the_first_publication_there_is_none(warehouse: str) -> None:
    assert published_as_of(warehouse) is None
