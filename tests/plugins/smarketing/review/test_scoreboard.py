from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from smarketing.review.scoreboard import Promise, Side, group_promises

from tests.plugins.smarketing.review.boards import (
    TODAY,
    board,
    conversion,
    finding,
    line,
    money,
    months,
    period,
    response,
    side,
)

NBSP = "\N{NO-BREAK SPACE}"
DAYS: dict[str, Any] = {
    "metric": "cycle_time",
    "unit": "days",
    "direction": "at_most",
    "target": "7",
}


@pytest.mark.parametrize(
    ("kind", "start", "label", "within"),
    [
        ("week", date(2026, 10, 12), "week of 12 Oct 2026", "in the week of 12 Oct 2026"),
        ("week", date(2025, 12, 29), "week of 29 Dec 2025", "in the week of 29 Dec 2025"),
        ("week", date(2026, 1, 5), "week of 5 Jan 2026", "in the week of 5 Jan 2026"),
        ("month", date(2025, 12, 1), "Dec 2025", "in Dec 2025"),
        ("month", date(2026, 1, 1), "Jan 2026", "in Jan 2026"),
        ("quarter", date(2025, 10, 1), "Q4 2025", "in Q4 2025"),
        ("quarter", date(2026, 1, 1), "Q1 2026", "in Q1 2026"),
        ("quarter", date(2026, 4, 1), "Q2 2026", "in Q2 2026"),
    ],
)
def test_periods_are_called_by_name(kind: str, start: date, label: str, within: str) -> None:
    named = period(start=start, period_kind=kind)
    assert named.label == label
    assert named.within == within


@pytest.mark.parametrize(
    ("terms", "value", "words"),
    [
        ({}, None, "–"),
        ({}, "0", "0"),
        ({}, "1234.000000", "1,234"),
        ({}, "388.05", "388"),
        ({"unit": "share", "target": "0.3"}, "0.202", "20.2%"),
        ({"unit": "share", "target": "0.3"}, "0.1", "10.0%"),
        ({"unit": "share", "target": "0.3"}, "1.000000", "100.0%"),
        (DAYS, "5.951389", f"6.0{NBSP}days"),
        (DAYS, "1234.56", f"1,234.6{NBSP}days"),
    ],
)
def test_quantities_have_units(terms: dict[str, Any], value: str | None, words: str) -> None:
    assert period(**terms).quantity(value if value is None else Decimal(value)) == words


@pytest.mark.parametrize(
    ("terms", "value", "words"),
    [
        (DAYS, "7", f"7.0{NBSP}days"),
        (DAYS, "7.045", f"7.04{NBSP}days"),
        (DAYS, "7.0004", f"7.0004{NBSP}days"),
        ({"unit": "share", "target": "0.3"}, "0.2996", "29.96%"),
        ({}, "239.6", "239.6"),
    ],
)
def test_a_value_never_rounds_onto_the_target(
    terms: dict[str, Any], value: str, words: str
) -> None:
    assert period(**terms).quantity(Decimal(value)) == words


def test_targets_say_their_direction() -> None:
    assert period().target_in_words == f"≥{NBSP}240"
    assert period(**DAYS).target_in_words == f"≤{NBSP}7.0{NBSP}days"


@pytest.mark.parametrize(
    ("terms", "topic"),
    [
        ({}, "MQL volume"),
        ({"stage": "sales_ready"}, "Sales ready volume"),
        (
            {
                "metric": "conversion",
                "from_stage": "sql",
                "to_stage": "customer",
                "within_days": 90,
            },
            "SQL to customer within 90 days",
        ),
        (
            DAYS | {"from_stage": "lead", "to_stage": "mql", "statistic": "median"},
            "Lead to MQL, median",
        ),
        (
            DAYS | {"from_stage": "lead", "to_stage": "mql", "statistic": "p90"},
            "Lead to MQL, 9 in 10",
        ),
    ],
)
def test_topics_are_short(terms: dict[str, Any], topic: str) -> None:
    assert period(**terms).topic == topic


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (["met"], "met in Sep 2026"),
        (["missed"], "missed in Sep 2026"),
        (["missed", "met"], "met in Sep 2026"),
        (["missed", "met", "met"], "met 2 months in a row"),
        (["met", "missed", "missed", "missed"], "missed 3 months in a row"),
        # what has no verdict yet is not counted, and said
        (["met", "met", "maturing"], "met 2 months in a row, up to Aug 2026"),
        # a gap ends the row
        (["met", "met", "insufficient_sample", "met"], "met in Sep 2026"),
        (["met"] * 18, "met 18 months in a row"),
    ],
)
def test_streaks(before: list[str], words: str) -> None:
    assert str(line(before=months(*before)).streak) == words


@pytest.mark.parametrize("before", [[], ["insufficient_sample"], ["maturing", "undetermined"]])
def test_no_verdict_no_streak(before: list[str]) -> None:
    target = line(before=months(*before) if before else [])
    assert target.last_verdict is None
    assert target.streak is None
    assert not target.praise


def test_the_newest_period_counts_once_it_is_over() -> None:
    """On the first night of a month the newest period is the one that has just ended."""
    target = line(period("met", actual="250"), months("met", "met"))
    assert target.last_verdict is target.now
    assert str(target.streak) == "met 3 months in a row"


def test_a_running_period_is_no_verdict() -> None:
    target = line(period("off_track", actual="10", forecast="20"), months("met"))
    assert target.last_verdict is target.before[-1]


@pytest.mark.parametrize(
    ("now", "caveat"),
    [
        (period("on_track"), ""),
        (period("pending"), "No working hour of this month has passed yet."),
        (period("undetermined"), "Not measured yet."),
        (
            conversion("insufficient_sample", sample_size=10),
            "10 so far; a verdict needs 30.",
        ),
        (
            conversion("insufficient_sample", sample_size=0, minimum_sample=0),
            "0 so far; a verdict needs 1.",
        ),
        (
            conversion("off_track"),
            "Early: nobody counted here has had the full 30 days yet, so the share can still grow.",
        ),
        (
            conversion("maturing", date(2026, 9, 1)),
            f"Still growing; final by 31{NBSP}Oct{NBSP}2026.",
        ),
        (conversion("met", date(2026, 9, 1)), ""),
        (
            conversion("off_track", within_days=18),
            f"Still growing; final by 19{NBSP}Nov{NBSP}2026.",
        ),
        (response("on_track"), ""),
        (response("maturing", open_count=3), "3 more are still open, and not counted yet."),
        (
            money("insufficient_sample", metric="roi", unit="ratio", target="3", minimum_sample=0),
            "Nothing was spent, so there is no return on it.",
        ),
    ],
)
def test_what_cannot_be_judged_says_why(now: Any, caveat: str) -> None:
    assert line(now).caveat == caveat


@pytest.mark.parametrize(("days", "is_early"), [(18, False), (19, True), (20, True)])
def test_a_cohort_is_early_until_its_first_day_is_old_enough(days: int, is_early: bool) -> None:
    assert line(conversion(within_days=days)).caveat.startswith("Early") is is_early


@pytest.mark.parametrize(
    ("now", "failures"),
    [
        (response(error_budget=Decimal("12.9"), error_budget_spent=8), "8 of 12"),
        (response(error_budget=Decimal(0), error_budget_spent=1), "1 of 0"),
        (response(error_budget=Decimal(0), error_budget_spent=0, sample_size=0), ""),
        (period(), ""),
    ],
)
def test_a_share_leaves_room_for_failures(now: Any, failures: str) -> None:
    assert now.failures == failures


def test_money_is_reached_early_as_a_count_is() -> None:
    early = money(actual="510000", forecast="900000")
    assert line(early).praise == (
        f"510,000{NBSP}EUR already, of 500,000{NBSP}EUR promised for the quarter"
    )


def test_celebrations() -> None:
    early = period(actual="250", target="240", forecast="430")
    assert line(early).praise == "250 already, of 240 promised for the month"
    assert not line(before=months("met", "met")).praise
    assert line(before=months("met", "met", "met")).praise == "met 3 months in a row"
    beaten = months("met", actual="342", attainment="1.425")
    assert line(before=beaten).praise == f"beaten in Sep 2026: 342, target ≥{NBSP}240"


def test_concerns() -> None:
    assert not line().concern
    off_track = period("off_track", actual="10", forecast="20")
    assert line(off_track).concern == f"off track in Oct 2026: heading for 20, target ≥{NBSP}240"
    missed = months("missed", "missed", actual="200")
    assert line(before=missed).concern == (
        f"missed 2 months in a row (last: 200, target ≥{NBSP}240)"
    )
    share = conversion("at_risk", actual="0.28")
    assert line(share).concern == f"at risk in Oct 2026: 28.0% so far, target ≥{NBSP}30.0%"


def test_a_miss_that_has_just_happened_is_told_once() -> None:
    target = line(period("missed", actual="200"), months("met"))
    assert target.concern == f"missed in Oct 2026 (200, target ≥{NBSP}240)"


def test_the_standing_of_a_side() -> None:
    part = line(period("at_risk", dimension_value="EMEA", segment="region: EMEA"))
    whole = Promise(line(before=months("met")), [part])
    missed = Promise(line(period("off_track"), months("missed")), [])
    few = Promise(line(conversion("insufficient_sample")), [])
    marketing = Side("Marketing", "Ada", [whole, missed, few])

    assert marketing.standing == {"good": 1, "warn": 0, "bad": 1, "idle": 1}
    assert marketing.standing_of_parts == {"good": 0, "warn": 1, "bad": 0, "idle": 0}
    assert marketing.parts_in_words == "1 at risk"
    assert marketing.verdicts_in_words == "1 met, 1 missed"
    # promises before their parts
    assert marketing.concerns == [missed.whole, part]


def test_a_side_without_promises() -> None:
    empty = side()
    assert set(empty.standing.values()) == {0}
    assert empty.verdicts_in_words == "none yet"
    assert not empty.parts_in_words


@pytest.mark.parametrize(
    ("found", "tone", "word"),
    [
        (finding(), "warn", "warning"),
        (finding(severity="critical"), "bad", "critical"),
        (finding(severity="critical", is_tolerated=True), "idle", "tolerated"),
        (finding(is_not_run=True), "bad", "not run"),
    ],
)
def test_findings_have_a_weight(found: Any, tone: str, word: str) -> None:
    assert (found.tone, found.word) == (tone, word)


def test_the_night_is_told_on_the_clocks_of_the_agreement() -> None:
    # the clocks went back at 01:00 UTC
    night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    told = board(as_of=night, known_at=night)
    assert told.local_as_of == f"Sun 25{NBSP}Oct{NBSP}2026, 02:30"
    assert not told.restated
    later = board(as_of=night, known_at=datetime(2026, 10, 27, 2, tzinfo=UTC))
    assert later.restated == f"Tue 27{NBSP}Oct{NBSP}2026, 03:00"


def group(*periods: Any, version: str = "v2") -> dict[str, list[str]]:
    """Party by party, which targets stand and how many periods each has."""
    return {
        party: [
            f"{line.now.commitment_id} {line.now.segment} {len(line.before)}"
            for promise in promises
            for line in promise.lines
        ]
        for party, promises in group_promises(periods, version, TODAY).items()
    }


def test_promises_stand_in_the_order_of_the_contract_and_all_before_its_parts() -> None:
    first: dict[str, Any] = {
        "commitment_id": "z",
        "commitment_position": 1,
        "agreement_version": "v2",
    }
    second: dict[str, Any] = {
        "commitment_id": "a",
        "commitment_position": 2,
        "agreement_version": "v2",
    }
    assert group(
        period(**second),
        period(**first, segment="EMEA"),
        period(**first),
        period(**first, segment="APAC"),
        period(**first, party="sales"),
    ) == {"marketing": ["z all 0", "z APAC 0", "z EMEA 0", "a all 0"], "sales": ["z all 0"]}


def test_a_part_that_a_new_version_dropped_stands_by_its_promise() -> None:
    dropped = conversion(
        "maturing",
        date(2026, 9, 1),
        commitment_position=1,
        segment="region: APAC",
        agreement_version="v1",
    )
    kept = conversion(commitment_position=2, agreement_version="v2")
    other = period(commitment_position=1, agreement_version="v2")
    (first, second) = group_promises([dropped, kept, other], "v2", TODAY)["marketing"]
    assert first.whole.now == other
    assert second.whole.now == kept
    assert [part.now for part in second.parts] == [dropped]


def test_a_promise_that_a_new_version_repeats_keeps_its_history() -> None:
    old = months("met", "missed", agreement_version="v1")
    assert group(*old, period(agreement_version="v2")) == {"marketing": ["mql_volume all 2"]}


def test_a_promise_that_a_new_version_dropped_is_gone_once_judged() -> None:
    dropped = months("met", "missed", commitment_id="dropped")
    assert group(*dropped) == {}
    assert group(*dropped, period("on_track", commitment_id="dropped")) == {
        "marketing": ["dropped all 2"]
    }
    ripening = [*dropped, conversion("maturing", commitment_id="dropped")]
    assert group(*ripening) == {"marketing": ["dropped all 0"]}


def test_a_name_that_stood_for_another_measure_brings_no_history() -> None:
    old = months("met", agreement_version="v1", period_kind="month")
    weekly = period(
        start=date(2026, 10, 19), agreement_version="v2", period_kind="week", target="60"
    )
    assert group(*old, weekly) == {"marketing": ["mql_volume all 0"]}
