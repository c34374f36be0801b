"""The page of checks: what it says, and that the words of others are shown and not obeyed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from smarketing.quality.run import Example
from smarketing.review.page import render_quality
from smarketing.review.quality import (
    Attempt,
    CheckResult,
    Figure,
    Missing,
    QualityReport,
    Rejected,
)

from tests.plugins.smarketing.review.test_page import HOSTILE, Page

AS_OF = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)


def result(state: Any = "failed", **other: Any) -> CheckResult:
    """A rule that 8 of 356 break, of whom 1 % may, unless said otherwise."""
    preset: dict[str, Any] = {
        "suite": "qualification.rules",
        "check_name": "mql_persona",
        "title": "An MQL has a persona.",
        "severity": "warning",
        "state": state,
        "evaluated": 356,
        "failing": 8,
        "share_allowed": Decimal("0.01"),
        "observed": None,
        "is_accepted": False,
        "meaning": "leads break what was agreed",
        "concerns": "marketing",
        "source": None,
        "rule": "mql_persona",
        "history": [
            Figure(AS_OF - timedelta(days=1), "passed", 300, 3),
            Figure(AS_OF, state, 356, 8),
        ],
    }
    return CheckResult(**(preset | other))


def report(*checks: CheckResult, **other: Any) -> QualityReport:
    preset: dict[str, Any] = {
        "company": "Almenara",
        "zone": "Europe/Madrid",
        "as_of": AS_OF,
        "is_published": True,
        "missing": [],
        "checks": checks,
        "rejected": [],
        "attempts": [],
        "structure_tests": (190, 190),
    }
    return QualityReport(**(preset | other))


def full(word: str = "") -> QualityReport:
    """Every kind of outcome, with a word put wherever others may write."""
    return report(
        result(
            title=f"An MQL has a persona. {word}",
            kinds=[("missing", 5), (f"malformed {word}", 3)],
            examples=[
                Example(f"crm:1/1 {word}", None, f"persona not known {word}"),
                Example("crm:2/1", "https://crm.example/2", "persona not known"),
            ],
        ),
        result(severity="critical", suite="marts.x", rule=None, meaning=f"sums differ {word}"),
        result(severity="critical", is_accepted=True, check_name="accepted"),
        result(
            "not_run", observed=f"no such column {word}", evaluated=None, failing=None, rule=None
        ),
        result("skipped", observed=f"nobody yet {word}", evaluated=0, failing=0, history=[]),
        result("passed", concerns=f"sales {word}"),
        result(
            severity="critical", source=f"crm {word}", rule=None, evaluated=1, failing=1, history=[]
        ),
        company=f"Almenara {word}",
        missing=[
            Missing(f"erp {word}", AS_OF - timedelta(days=1), f"nobody answers {word}"),
            Missing("forms", None, "no such account"),
        ],
        rejected=[
            Rejected("crm", f"leads {word}", f"Created {word}", f"not a day {word}", 3, 1200)
        ],
        attempts=[
            Attempt("n", 2, AS_OF, "published", None, f"Ana {word}", f"a fair {word}", f"Bo {word}",
                    f"wrong {word}", 40, 38, 2),
            Attempt("m", 1, AS_OF, "failed", f"step {word}", None, None, None, None, 0, 0, 0),
            Attempt("l", 1, AS_OF, "running", None, None, None, None, None, 0, 0, 0),
        ],
    )  # fmt: skip


REPORTS = {
    "a bit of everything": full(),
    "hostile words": full(HOSTILE),
    "nothing was checked": report(is_published=False, structure_tests=(0, 0)),
    "all is well": report(result("passed", failing=0)),
}


@pytest.fixture(params=list(REPORTS.values()), ids=list(REPORTS))
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render_quality(request.param))


def text(of: QualityReport) -> str:
    return re.sub(r"\s+", " ", Page(render_quality(of)).text)


def test_a_page_stands_alone_and_leads_to_records_and_the_scoreboard_only(page: Page) -> None:
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                assert value in ("data:,", "scoreboard.html", "https://crm.example/2"), tag
    assert not page.all("script", "img", "iframe", "object", "embed", "base", "form")


def test_ids_tables_and_charts_are_fit_to_be_heard(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {each["aria-labelledby"] for _, each in page.tags if "aria-labelledby" in each} <= set(
        ids
    )
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    for chart in page.all("svg"):
        assert chart.get("aria-hidden") == "true" or (
            chart["role"] == "img" and chart["aria-label"]
        )


def test_words_of_others_are_shown_and_not_obeyed() -> None:
    html = render_quality(full(HOSTILE))
    assert "<script" not in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", html)
    shown = "<script>alert('x')</script> \"quoted\" & 'so' \ufffd[31mred\ufffd\ufffd {{ 7 * 7 }}"
    told = Page(html).text
    for place in (
        "Almenara ", "persona. ", "malformed ", "crm:1/1 ", "persona not known ", "sums differ ",
        "no such column ", "nobody yet ", "sales ", "crm ", "leads ", "Created ", "not a day ",
        "Ana ", "a fair ", "Bo ", "wrong ", "step ", "from erp ", "nobody answers ",
    ):  # fmt: skip
        assert f"{place}{shown}" in told, place


def test_what_failed_is_told_with_figures_consequence_and_examples() -> None:
    told = text(full())
    for words in (
        "8 of 356 (2.2%), up to 1.0% allowed",
        "5 missing, 3 malformed",
        "Failed over the last 2 nights: 1.0% at first, 2.2% tonight, 2.2% at worst.",
        "The night was published; this is for you to mend.",
        "Published all the same: somebody answers for it.",
        "Nobody knows whether it holds, so the night was not published.",
        "Promises that depend on crm are undetermined tonight.",
        "What arrived from crm",
        "erp could not be read",
        "What we know of it is of Mon 19 Oct",
        "It has never brought anything.",
        "What both teams agreed on leads",
        "nothing to check nobody yet",
        "190 of 190 tests of its tables held as well",
        "accepted in advance by Ana : a fair",
        "withdrawn by Bo : wrong",
        "1,200",
    ):
        assert words in told, words


def test_what_stops_the_night_comes_first() -> None:
    board = full()
    assert [each.tone for each in board.failed] == ["bad", "bad", "bad", "bad", "warn"]
    assert (board.count("good"), board.count("warn"), board.count("bad"), board.count("idle")) == (
        1, 1, 4, 1,
    )  # fmt: skip
    assert board.topics[0][0] == "What both teams agreed on leads"


def test_a_night_on_which_all_is_well_says_so() -> None:
    assert "Nothing: every check passed." in text(report(result("passed", failing=0)))
    unchecked = text(report(is_published=False))
    assert "No check ran tonight." in unchecked
    assert "This night was not published; readers see the one before." in unchecked
    assert "every check passed" not in unchecked
