"""Scoreboards written by hand: periods, targets and whole boards, all but the point preset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from smarketing.progress import StepRecord
from smarketing.review.scoreboard import Agreement, Finding, Line, Period, Promise, Scoreboard, Side

TODAY = date(2026, 10, 20)


def period(status: str = "on_track", start: date = date(2026, 10, 1), **other: Any) -> Period:
    """A month of a volume of at least 240 leads, unless said otherwise."""
    other["target"] = Decimal(other.get("target", "240"))
    for name in ("actual", "expected_to_date", "forecast", "attainment"):
        value = other.get(name)
        other[name] = None if value is None else Decimal(value)
    preset: dict[str, Any] = {
        "agreement_version": "v1",
        "commitment_id": "mql_volume",
        "commitment_position": 1,
        "segment": "all",
        "party": "marketing",
        "accountable": "Ada",
        "statement": "Marketing hands over at least 240 leads a month.",
        "metric": "volume",
        "stage": "mql",
        "from_stage": None,
        "to_stage": None,
        "statistic": None,
        "judged_by": None,
        "only_qualified": False,
        "within_days": None,
        "dimension": None,
        "dimension_value": None,
        "unit": "leads",
        "currency": None,
        "direction": "at_least",
        "period_kind": "month",
        "period_start_date": start,
        "period_end_date": _next(start, other.get("period_kind", "month")),
        "business_seconds": 1000,
        "elapsed_business_seconds": 570,
        "sample_size": 100,
        "open_count": 0,
        "error_budget": None,
        "error_budget_spent": None,
        "minimum_sample": 0,
        "status": status,
        "status_reason": "not measured yet" if status == "undetermined" else None,
        "is_over": status in ("met", "missed", "maturing"),
    }
    return Period(**(preset | other))


def conversion(status: str = "on_track", start: date = date(2026, 10, 1), **other: Any) -> Period:
    """A month of a conversion of at least 30% within 30 days, unless said otherwise."""
    preset: dict[str, Any] = {
        "commitment_id": "mql_to_sql",
        "statement": "At least 30% are qualified within 30 days.",
        "metric": "conversion",
        "stage": None,
        "from_stage": "mql",
        "to_stage": "sql",
        "within_days": 30,
        "unit": "share",
        "target": "0.3",
        "minimum_sample": 30,
    }
    return period(status, start, **(preset | other))


def response(status: str = "on_track", start: date = date(2026, 10, 1), **other: Any) -> Period:
    """A month of which at least 90% hear from a salesperson in time, unless said otherwise."""
    preset: dict[str, Any] = {
        "commitment_id": "first_response",
        "party": "sales",
        "statement": "At least 90% hear from a salesperson within 4 business hours.",
        "metric": "response",
        "stage": None,
        "unit": "share",
        "target": "0.9",
        "minimum_sample": 30,
    }
    return period(status, start, **(preset | other))


def money(status: str = "on_track", start: date = date(2026, 10, 1), **other: Any) -> Period:
    """A quarter in which sales wins at least 500,000 EUR, unless said otherwise."""
    preset: dict[str, Any] = {
        "commitment_id": "revenue_won",
        "party": "sales",
        "statement": "Sales wins at least 500,000 EUR a quarter.",
        "metric": "revenue",
        "stage": None,
        "unit": "money",
        "currency": "EUR",
        "period_kind": "quarter",
        "target": "500000",
    }
    return period(status, start, **(preset | other))


def months(*statuses: str, until: date = date(2026, 9, 1), **other: Any) -> list[Period]:
    """Consecutive months with these statuses, the last of them ``until``."""
    starts = [until]
    for _ in statuses[1:]:
        starts.insert(0, (starts[0] - timedelta(days=1)).replace(day=1))
    return [
        period(status, start, **({"actual": "250"} | other))
        for status, start in zip(statuses, starts, strict=True)
    ]


def line(now: Period | None = None, before: Sequence[Period] = (), today: date = TODAY) -> Line:
    """A target with its history."""
    return Line(now or period(actual="221", expected_to_date="137", forecast="388"), before, today)


def side(*lines: Line, name: str = "Marketing", head: str = "Ada") -> Side:
    """A party with one promise for each line, without parts."""
    return Side(name, head, [Promise(each, []) for each in lines])


def board(*sides: Side, **other: Any) -> Scoreboard:
    """A night on which nothing was found."""
    preset: dict[str, Any] = {
        "company": "Almenara Software",
        "agreement": Agreement("The agreement", "v1", "Europe/Madrid", date(2025, 4, 1), None),
        "as_of": datetime(2026, 10, 20, 2, tzinfo=UTC),
        "known_at": datetime(2026, 10, 20, 2, tzinfo=UTC),
        "build_id": 7,
        "sides": sides or (side(line()), side(name="Sales", head="Grace")),
        "findings": [],
        "checks": 3,
        "checks_passed": 3,
        "steps": [StepRecord("extract.crm", "done", 100, 98, 2, 1.25, None)],
        "rows_kept": 98,
        "rows_rejected": 2,
    }
    return Scoreboard(**(preset | other))


def finding(**other: Any) -> Finding:
    """21 leads of 4,073 without a source."""
    preset: dict[str, Any] = {
        "severity": "warning",
        "meaning": "leads without a source",
        "concerns": "marketing",
        "evaluated": 4073,
        "failing": 21,
    }
    return Finding(**(preset | other))


def full_board(text: str = "") -> Scoreboard:
    """A bit of everything; ``text`` stands in every place that holds words of others."""

    def name(words: str) -> str:
        return f"{words} {text}".strip()

    whole = line(
        period(
            statement=name("Marketing hands over leads."),
            accountable=name("Ada"),
            actual="221",
            expected_to_date="137",
            forecast="388",
        ),
        months("met", "missed", "met", "met", "met"),
    )
    part = line(
        period(
            "at_risk",
            segment=name("persona:"),
            dimension="persona",
            dimension_value=name("IT leader"),
            target="60",
            actual="30",
            expected_to_date="34",
            forecast="57",
        ),
        months("met", "missed", "missed", target="60", actual="40"),
    )
    young = line(
        conversion("off_track", actual="0.202", party="sales", stage=None),
        [conversion("missed", date(2026, 8, 1), actual="0.2996")],
    )
    few = line(
        period(
            "insufficient_sample",
            commitment_id=name("days"),
            statement="Nine in ten sign within 120 days.",
            metric="cycle_time",
            from_stage="sql",
            to_stage="customer",
            statistic="p90",
            unit="days",
            direction="at_most",
            period_kind="quarter",
            target="120",
            actual="80.695",
            sample_size=10,
            minimum_sample=20,
        ),
    )
    weekly = line(
        period("pending", date(2026, 10, 19), commitment_id="week", period_kind="week", target="30")
    )
    return board(
        Side(name("Marketing"), name("Ada"), [Promise(whole, [part])]),
        Side(name("Sales"), "Grace", [Promise(each, []) for each in (young, few, weekly)]),
        company=name("Almenara"),
        agreement=Agreement(
            name("Agreement"), name("v1"), "Europe/Madrid", date(2025, 4, 1), date(2027, 1, 1)
        ),
        findings=[
            finding(meaning=name("leads without a source"), concerns=name("marketing")),
            finding(severity="critical", failing=None, evaluated=None, is_not_run=True),
            finding(is_tolerated=True),
        ],
        steps=[
            StepRecord("extract.crm", "done", 100, 98, 2, 1.25, name("a note")),
            StepRecord("report.scoreboard", "running", None, None, None, None, None),
        ],
    )


def _next(start: date, kind: str) -> date:
    if kind == "week":
        return start + timedelta(days=7)
    later = start
    for _ in range(3 if kind == "quarter" else 1):
        later = (later.replace(day=28) + timedelta(days=4)).replace(day=1)
    return later
