"""A night on real data says what arithmetic by hand says: Olist's funnel, 8,000 leads, 842 deals.

The expectations are computed here from Olist's CSV files and from the targets in the agreement,
in plain Python, one person and one period at a time, after the definitions that both teams signed.
Nothing is shared with the loader or the models (no SQL, no parser, no calendar of theirs): where
the two agree, they have not agreed by making one mistake twice. The only results written down are
those that were published with the data (SOURCE.md), and they bind both sides.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import yaml
from smarketing.home import PROJECT
from smarketing.warehouse.connection import connect

from tests.conftest import new_warehouse
from tests.nights.conftest import LAST_NIGHT, Company
from tests.nights.plain_handoffs import read_rows
from tests.nights.plain_promises import days_of, percentile

OLIST = PROJECT / "examples" / "olist"
ZONE = ZoneInfo("America/Sao_Paulo")
WON_BEFORE_CONTACT = "olist:b91cf8812365f50ff4bda4bcd6206b05"


def read_yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def data_folder() -> Path:
    """``$OLIST_DATA``, else the default in the mapping; both relative to the mapping."""
    default = re.search(r"\$\{OLIST_DATA:-(.+)\}", read_yaml(OLIST / "csv_export.yml")["folder"])
    assert default
    return (OLIST / (os.environ.get("OLIST_DATA") or default[1])).resolve()


LEADS = data_folder() / "olist_marketing_qualified_leads_dataset.csv"
DEALS = data_folder() / "olist_closed_deals_dataset.csv"

pytestmark = pytest.mark.skipif(
    not (LEADS.is_file() and DEALS.is_file()),
    reason=f"Olist's data are not in {data_folder()}: see examples/olist/README.md",
)


# What the files say


@dataclass(frozen=True)
class Deal:
    """A contract: its day in São Paulo, and the instant, or the day's first one if only that."""

    opportunity: str
    day: date
    at: datetime
    is_day: bool
    revenue: Decimal


@dataclass(frozen=True)
class Seller:
    """Someone who asked to be called, on a day, and may have signed."""

    lead: str
    origin: str | None
    landing_page: str
    contact: date
    deal: Deal | None

    @property
    def days(self) -> int | None:
        """Days from contact to contract, negative ones too. A contact has no time of day."""
        return (self.deal.day - self.contact).days if self.deal else None

    @property
    def duration(self) -> int | None:
        """The days, where they count: an end before its start gives no duration."""
        return self.days if self.days is not None and self.days >= 0 else None


def start_of(day: date) -> datetime:
    """The first instant of a day in São Paulo (01:00 where the clocks skip midnight)."""
    return datetime.combine(day, time.min, ZONE).astimezone(UTC)


def read_deal(row: dict[str, str]) -> Deal:
    at = datetime.fromisoformat(row["won_date"]).replace(tzinfo=UTC)
    day = at.astimezone(ZONE).date()
    return Deal(
        f"olist:{row['seller_id']}",
        day,
        at,
        is_day=at == start_of(day),
        revenue=Decimal(row["declared_monthly_revenue"]),
    )


@pytest.fixture(scope="module")
def sellers() -> list[Seller]:
    deals = {row["mql_id"]: read_deal(row) for row in read_rows(DEALS)}
    return [
        Seller(
            lead=f"olist:{row['mql_id']}",
            origin=row["origin"] or None,
            landing_page=f"olist:{row['landing_page_id']}",
            contact=date.fromisoformat(row["first_contact_date"]),
            deal=deals.get(row["mql_id"]),
        )
        for row in read_rows(LEADS)
    ]


# What both teams signed


@dataclass(frozen=True)
class Period:
    """Local days, from ``start`` up to but not including ``end``."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


@dataclass(frozen=True)
class Promise:
    """A commitment, or a part of one that has a target of its own, over one period."""

    commitment: dict[str, Any]
    origin: str | None
    target: Fraction
    at_least: bool
    period: Period

    @property
    def key(self) -> tuple[str, str | None, date]:
        return self.commitment["id"], self.origin, self.period.start


def month_of(day: date) -> date:
    return day.replace(day=1)


def periods(kind: str, first: date, as_of: datetime) -> list[Period]:
    """The months or quarters that begin on ``first`` or later, and before ``as_of``."""
    length = {"month": 1, "quarter": 3}[kind]
    starts = [
        date(year, month, 1)
        for year in range(first.year, as_of.year + 2)
        for month in range(1, 13, length)
    ]
    return [
        Period(start, end)
        for start, end in pairwise(starts)
        if first <= start and start_of(start) < as_of
    ]


def read_target(text: str) -> tuple[Fraction, bool]:
    """Read "at least 9%" or "at most 14 calendar days"; true where more is better."""
    match = re.fullmatch(r"at (least|most) (\d+)(%| leads| calendar days)", text)
    assert match, text
    return Fraction(match[2]) / (100 if match[3] == "%" else 1), match[1] == "least"


def promised(clause: dict[str, Any]) -> str:
    """The number of a commitment or a part of one, as it is written."""
    text: str = clause.get("target") or clause["objective"]
    return text


@pytest.fixture(scope="module")
def as_of() -> datetime:
    instant = read_yaml(OLIST / "smarketing.yml")["as_of"]
    assert isinstance(instant, datetime)
    return instant


@pytest.fixture(scope="module")
def agreement() -> dict[str, Any]:
    (only_version,) = (OLIST / "agreements").glob("*.yml")
    signed: dict[str, Any] = read_yaml(only_version)
    assert signed["zone"] == ZONE.key
    return signed


@pytest.fixture(scope="module")
def promises(agreement: dict[str, Any], as_of: datetime) -> list[Promise]:
    return [
        Promise(commitment, part.get("channel"), *read_target(promised(part)), period)
        for commitment in agreement["commitments"]
        for part in [commitment, *commitment.get("segments", [])]
        for period in periods(commitment["period"], agreement["effective_from"], as_of)
    ]


# The arithmetic


@dataclass(frozen=True)
class Measured:
    """``actual`` is none where there is nothing to take a share or a percentile of."""

    sample: int
    actual: Fraction | None
    is_final: bool = True


def measure(promise: Promise, sellers: list[Seller], today: date) -> Measured:
    commitment, period = promise.commitment, promise.period
    some = [seller for seller in sellers if promise.origin in (None, seller.origin)]
    reached = [seller for seller in some if seller.deal and seller.deal.day in period]
    cohort = [seller for seller in some if seller.contact in period]
    match commitment:
        case {"metric": "volume", "stage": "mql"}:
            return Measured(len(cohort), Fraction(len(cohort)))
        case {"metric": "volume", "stage": "customer"}:
            return Measured(len(reached), Fraction(len(reached)))
        case {"metric": "conversion", "from": "mql", "to": "customer"}:
            within = days_of(commitment["within"])
            share = share_won_within(cohort, within)
            # a member's last day counts whole: only after it nothing can change
            last = max((seller.contact for seller in cohort), default=date.min)
            return Measured(len(cohort), share, last + timedelta(days=within) < today)
        case {"metric": "cycle_time", "from": "mql", "to": "customer"}:
            share = {"median": Fraction(1, 2), "p90": Fraction(9, 10)}[commitment["statistic"]]
            durations = [seller.duration for seller in reached if seller.duration is not None]
            return Measured(len(durations), percentile(durations, share) if durations else None)
    raise AssertionError(f"unknown commitment: {commitment}")


def share_won_within(cohort: list[Seller], days: int) -> Fraction | None:
    won = [seller for seller in cohort if seller.duration is not None and seller.duration <= days]
    return Fraction(len(won), len(cohort)) if cohort else None


def business_seconds(calendar: dict[str, Any], period: Period, until: datetime) -> int:
    """The seconds within opening hours from the start of a period until an instant."""
    zone = ZoneInfo(calendar["zone"])
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    total = timedelta()
    for number in range((period.end - period.start).days):
        day = period.start + timedelta(days=number)
        for weekdays, windows in calendar["hours"].items():
            first, last = weekdays.split("-")
            if week.index(first) <= day.weekday() <= week.index(last):
                for window in windows if day not in calendar["closed"] else []:
                    opens, closes = (
                        datetime.combine(day, time.fromisoformat(text), zone).astimezone(UTC)
                        for text in window.split("-")
                    )
                    total += max(min(closes, until) - opens, timedelta())
    return int(total.total_seconds())


@dataclass(frozen=True)
class Verdict:
    """What a scoreboard says of a promise. Numbers have six decimals."""

    status: str
    target: float
    attainment: float | None
    expected: float
    forecast: float | None
    seconds: int
    elapsed: int


def rounded(number: Fraction | float | None) -> float | None:
    return None if number is None else round(float(number), 6)


def judge(
    promise: Promise, measured: Measured, as_of: datetime, calendar: dict[str, Any]
) -> Verdict:
    period, target, actual = promise.period, promise.target, measured.actual
    seconds = business_seconds(calendar, period, start_of(period.end))
    elapsed = business_seconds(calendar, period, as_of)
    is_over = start_of(period.end) <= as_of

    # a count grows with the hours of the period; a share and a duration are asked for whole
    expected, forecast = target, actual
    if actual is not None and promise.commitment["metric"] == "volume":
        expected = target * elapsed / seconds
        forecast = actual * seconds / elapsed if elapsed else None

    def reaches(number: Fraction, bar: Fraction) -> bool:
        return number >= bar if promise.at_least else number <= bar

    nearly = target * Fraction(9, 10) if promise.at_least else target / Fraction(9, 10)
    if elapsed == 0:
        status = "pending"
    elif measured.sample < promise.commitment.get("minimum_sample", 0):
        status = "insufficient_sample"
    elif actual is None or forecast is None:
        status = "no verdict without data"
    elif not is_over:
        running = {target: "on_track", nearly: "at_risk"}
        status = next((s for bar, s in running.items() if reaches(forecast, bar)), "off_track")
    elif not measured.is_final:
        status = "maturing"
    else:
        status = "met" if reaches(actual, target) else "missed"

    attainment = None
    if actual is not None:
        attainment = actual / target if promise.at_least else target / actual
    return Verdict(
        status=status,
        target=float(target),
        attainment=rounded(attainment),
        expected=float(round(expected, 6)),
        forecast=rounded(forecast),
        seconds=seconds,
        elapsed=elapsed,
    )


# The night


@pytest.fixture(scope="module")
def marts(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """What a reader finds in the morning after one night of ``examples/olist``, as it stands."""
    folder = tmp_path_factory.mktemp("olist")
    with new_warehouse(postgres) as warehouse:
        # any night after the end of the history speaks for its end
        Company(folder, warehouse, config=OLIST).run_night(LAST_NIGHT)
        with connect(warehouse, "reader", autocommit=True) as connection:
            yield connection


def read_actuals(
    marts: psycopg.Connection, metric: str
) -> dict[tuple[str, str | None, date], tuple[int, float | None]]:
    rows = marts.execute(
        """
        select commitment_id, dimension_value, period_start_date, sample_size, actual::float
        from marts.sla_compliance
        where metric = %s
        """,
        [metric],
    )
    return {(name, part, start): (sample, actual) for name, part, start, sample, actual in rows}


def expected_actuals(
    promises: list[Promise], sellers: list[Seller], as_of: datetime, metric: str
) -> dict[tuple[str, str | None, date], tuple[int, float | None]]:
    today = as_of.astimezone(ZONE).date()
    measured = {
        promise.key: measure(promise, sellers, today)
        for promise in promises
        if promise.commitment["metric"] == metric
    }
    assert measured
    return {key: (one.sample, rounded(one.actual)) for key, one in measured.items()}


def test_the_night_is_the_last_of_the_history(marts: psycopg.Connection, as_of: datetime) -> None:
    assert marts.execute("select as_of, known_at from marts.published_night").fetchall() == [
        (as_of, as_of)
    ]


def test_nobody_is_lost(marts: psycopg.Connection, sellers: list[Seller]) -> None:
    assert len(sellers) == 8000
    found = marts.execute("select lead_id, channel, is_deleted from marts.dim_leads").fetchall()
    assert len(found) == len(sellers)
    assert set(found) == {(seller.lead, seller.origin, False) for seller in sellers}


def test_every_deal_is_won(marts: psycopg.Connection, sellers: list[Seller]) -> None:
    signed = {
        (seller.deal.opportunity, seller.lead, seller.deal.day, seller.deal.at)
        for seller in sellers
        if seller.deal
    }
    assert len(signed) == 842
    found = marts.execute(
        """
        select opportunity_key, lead_id, closed_date, closed_at
        from marts.fct_opportunities
        where is_won and is_closed and not is_deleted
        """
    ).fetchall()
    assert len(found) == len(signed)
    assert set(found) == signed


def test_every_entry_stands_at_its_day_or_instant(
    marts: psycopg.Connection, sellers: list[Seller]
) -> None:
    contacts = {
        (seller.lead, "mql", seller.contact, start_of(seller.contact), True) for seller in sellers
    }
    contracts = {
        (seller.lead, "customer", seller.deal.day, seller.deal.at, seller.deal.is_day)
        for seller in sellers
        if seller.deal
    }
    assert sum(is_day for *_, is_day in contracts) == 61
    found = marts.execute(
        """
        select lead_id, stage, entered_date, entered_at, is_date_only
        from marts.fct_funnel_stages
        where not is_inferred
        """
    ).fetchall()
    assert len(found) == len(contacts | contracts)
    assert set(found) == contacts | contracts


def test_leads_by_month_and_origin(marts: psycopg.Connection, sellers: list[Seller]) -> None:
    found = marts.execute(
        """
        select date_trunc('month', entered_date)::date, channel, count(*)
        from marts.fct_funnel_stages
        inner join marts.dim_leads using (lead_id)
        where stage = 'mql' and not is_inferred
        group by 1, 2
        """
    )
    by_origin = Counter((month_of(seller.contact), seller.origin) for seller in sellers)
    assert {(month, origin): count for month, origin, count in found} == by_origin


def test_volumes_by_month(
    marts: psycopg.Connection, promises: list[Promise], sellers: list[Seller], as_of: datetime
) -> None:
    expected = expected_actuals(promises, sellers, as_of, "volume")
    assert read_actuals(marts, "volume") == expected
    # the periods of the agreement hold everyone
    for commitment, everyone in (("mql_volume", 8000), ("customer_volume", 842)):
        counts = [
            n for (name, part, _), (n, _) in expected.items() if (name, part) == (commitment, None)
        ]
        assert sum(counts) == everyone


def test_conversion_within_30_60_and_90_days_by_month_of_contact(
    marts: psycopg.Connection, promises: list[Promise], sellers: list[Seller], as_of: datetime
) -> None:
    expected = expected_actuals(promises, sellers, as_of, "conversion")
    assert read_actuals(marts, "conversion") == expected
    assert {name for name, *_ in expected} == {f"mql_to_customer_{days}" for days in (30, 60, 90)}


def test_days_to_win_by_month_and_quarter(
    marts: psycopg.Connection, promises: list[Promise], sellers: list[Seller], as_of: datetime
) -> None:
    expected = expected_actuals(promises, sellers, as_of, "cycle_time")
    assert read_actuals(marts, "cycle_time") == expected


def test_days_to_win_are_the_published_ones(
    marts: psycopg.Connection, sellers: list[Seller]
) -> None:
    every = [seller.days for seller in sellers if seller.days is not None]
    # published in whole days: minimum, median, 90th percentile, maximum
    assert [round(percentile(every, Fraction(tenths, 10))) for tenths in (0, 5, 9, 10)] == [
        -2,
        14,
        162,
        427,
    ]
    found = marts.execute(
        """
        select mql.days_in_stage
        from marts.fct_funnel_stages as mql
        inner join marts.fct_funnel_stages as customer
            on mql.lead_id = customer.lead_id
            and mql.cycle_number = customer.cycle_number
            and mql.exited_at = customer.entered_at
        where mql.stage = 'mql' and customer.stage = 'customer' and not mql.is_inferred
        """
    )
    days = sorted(int(number) for (number,) in found)
    assert days == sorted(seller.duration for seller in sellers if seller.duration is not None)
    assert sorted([-2, *days]) == sorted(every)


def test_revenue_by_month_origin_and_landing_page(
    marts: psycopg.Connection, sellers: list[Seller]
) -> None:
    expected: Counter[tuple[date, str | None, str | None]] = Counter()
    for seller in sellers:
        if seller.deal:
            # a page that was seen after the contract was signed had no part in it
            page = seller.landing_page if seller.lead != WON_BEFORE_CONTACT else None
            month = month_of(seller.deal.day)
            expected[month, None, None] += 1
            expected[month, "channel", seller.origin] += 1
            expected[month, "campaign", page] += 1
    found = marts.execute(
        """
        select period_start_date, dimension, dimension_value, won_count
        from marts.marketing_roi
        where period_kind = 'month' and attribution_model = 'last' and currency = 'BRL'
        """
    )
    assert {(month, cut, part): count for month, cut, part, count in found} == expected

    revenue: Counter[date] = Counter()
    for seller in sellers:
        if seller.deal:
            revenue[month_of(seller.deal.day)] += seller.deal.revenue  # type: ignore[assignment]
    found = marts.execute(
        """
        select period_start_date, attributed_revenue
        from marts.marketing_roi
        where period_kind = 'month' and attribution_model = 'first' and segment = 'all'
        """
    )
    assert dict(found.fetchall()) == revenue


def test_conversion_by_month_of_contact_and_origin(
    marts: psycopg.Connection, sellers: list[Seller], as_of: datetime
) -> None:
    today = as_of.astimezone(ZONE).date()
    cohorts: defaultdict[tuple[date, str | None], list[Seller]] = defaultdict(list)
    for seller in sellers:
        cohorts[month_of(seller.contact), seller.origin].append(seller)
    expected = {}
    for (month, origin), cohort in cohorts.items():
        last = max(seller.contact for seller in cohort)
        for days in (7, 30, 60, 90):
            won = [each for each in cohort if each.duration is not None and each.duration <= days]
            is_final = last + timedelta(days=days) < today
            expected[month, origin, f"cohort_{days}_days"] = len(cohort), len(won), is_final
    found = marts.execute(
        """
        select period_start_date, dimension_value, measure, base_count, success_count, is_final
        from marts.funnel_conversion
        where
            from_stage = 'mql' and to_stage = 'customer' and period_kind = 'month'
            and dimension = 'channel' and measure like 'cohort%%days' and entered_count > 0
        """
    ).fetchall()
    assert {tuple(row[:3]): tuple(row[3:]) for row in found} == expected


def test_the_sales_cycle_by_quarter_of_the_contract(
    marts: psycopg.Connection, sellers: list[Seller]
) -> None:
    ended: defaultdict[date, list[int]] = defaultdict(list)
    for seller in sellers:
        if seller.deal and seller.duration is not None:
            day = seller.deal.day
            ended[date(day.year, day.month - (day.month - 1) % 3, 1)].append(seller.duration)
    found = marts.execute(
        """
        select quarter_start_date, ended_count, median_days::float, p90_days::float
        from marts.sales_cycle
        where span_kind = 'stages' and from_point = 'mql' and cohort_kind = 'ended'
        """
    ).fetchall()
    assert {quarter: told for quarter, *told in found} == {
        quarter: [len(days), *(rounded(percentile(days, Fraction(n, 10))) for n in (5, 9))]
        for quarter, days in ended.items()
    }


def test_every_promise_has_the_status_that_its_numbers_give(
    marts: psycopg.Connection,
    promises: list[Promise],
    sellers: list[Seller],
    agreement: dict[str, Any],
    as_of: datetime,
) -> None:
    today = as_of.astimezone(ZONE).date()
    calendar = agreement["calendars"][agreement["default_calendar"]]
    expected = {
        promise.key: judge(promise, measure(promise, sellers, today), as_of, calendar)
        for promise in promises
    }
    rows = marts.execute(
        """
        select
            commitment_id, dimension_value, period_start_date, status, target::float,
            attainment::float, expected_to_date::float, forecast::float, business_seconds,
            elapsed_business_seconds
        from marts.sla_compliance
        """
    ).fetchall()
    assert {tuple(row[:3]): Verdict(*row[3:]) for row in rows} == expected
    assert len(rows) == len(expected)


def test_a_contract_before_first_contact_is_a_finding_and_no_duration(
    marts: psycopg.Connection, sellers: list[Seller]
) -> None:
    early = [seller for seller in sellers if seller.days is not None and seller.days < 0]
    assert [seller.lead for seller in early] == [WON_BEFORE_CONTACT]
    assert marts.execute("select lead_id, finding from marts.fct_findings").fetchall() == [
        (WON_BEFORE_CONTACT, "stage_out_of_order")
    ]
    assert marts.execute(
        """
        select count(*) from marts.fct_funnel_stages
        where days_in_stage < 0 or exited_at < entered_at
        """
    ).fetchone() == (0,)
    assert marts.execute(
        "select count(*) from marts.fct_opportunities where days_to_close < 0"
    ).fetchone() == (0,)
