from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial

import pytest
from rich.cells import cell_len
from rich.console import Console
from smarketing.agreement import Difference
from smarketing.agreement.backtest import Backtest, Comparison
from smarketing.review.scoreboard import Scoreboard
from smarketing.review.terminal import print_backtest, print_differences, print_scoreboard

from tests.plugins.smarketing.review.boards import board, full_board, line, months, period, side

HOSTILE = "[red]loud[/red] [/] [link=http://x]y[/link] \x1b[2J\x07\r\u202e <b>"


def shown(print_it: Callable[[Console], None], width: int, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    print_it(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ")


def printed(scoreboard: Scoreboard, width: int, *, colour: bool = False) -> str:
    return shown(partial(print_scoreboard, scoreboard), width, colour=colour)


def words(text: str) -> set[str]:
    return set(text.split())


@pytest.mark.parametrize("width", [30, 48, 60, 72, 80, 100, 120, 200])
@pytest.mark.parametrize("text", ["", HOSTILE, "x" * 150], ids=["plain", "hostile", "long"])
def test_no_line_is_longer_than_the_terminal(width: int, text: str) -> None:
    for number, row in enumerate(printed(full_board(text), width).splitlines()):
        assert cell_len(row) <= width, (number, row)


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120])
def test_no_word_is_cut(width: int) -> None:
    text = printed(full_board(), width)
    assert "…" not in text
    assert words(text) <= words(printed(full_board(), 400))


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (120, ["actual", "target", "due now", "forecast", "status", "before"]),
        (80, ["actual", "target", "due now", "status", "before"]),
        (60, ["actual", "target", "status"]),
    ],
)
def test_columns_are_chosen_by_width(width: int, columns: list[str]) -> None:
    header = next(row for row in printed(full_board(), width).splitlines() if "actual" in row)
    assert re.split(r"\s{2,}", header.strip()) == columns


def test_what_a_line_says() -> None:
    text = printed(full_board(), 120)
    assert re.search(r"Oct 2026 +221 +≥ 240 +137 +388 +✓ on track +✓✗✓✓✓ *$", text, re.MULTILINE)
    assert re.search(r"IT leader +30 +≥ 60 +34 +57 +▲ at risk +✓✗✗ *$", text, re.MULTILINE)
    assert re.search(r"Oct 2026 +20.2% +≥ 30.0% +✗ off track", text)
    assert re.search(r"week of 19 Oct +– +≥ 30 +– +– +· not begun", text)
    assert "★ met 3 months in a row (last: 250, target ≥ 240)" in text
    assert "✗ missed in Aug 2026 (29.96%, target ≥ 30.0%)" in text
    assert "10 so far; a verdict needs 20." in text
    assert "21  of 4,073 (0.5%): leads without a source (for marketing)" in text
    assert "2 of 100 rows read so far could not be read (2.0%); ops.rejected_rows" in text


def test_words_of_others_are_shown_and_not_obeyed() -> None:
    text = printed(full_board(HOSTILE), 400, colour=True)
    assert "[red]loud[/red] [/] [link=http://x]y[/link] \ufffd[2J\ufffd \ufffd <b>" in text
    # the only sequences are the styles that we set ourselves
    assert set(re.findall(r"\x1b(?!\[[\d;]*m).", text)) == set()
    assert "\x07" not in text
    assert "\r" not in text
    assert "\u202e" not in text


def test_the_first_night() -> None:
    text = printed(board(side(line()), side(name="Sales")), 80)
    assert "Sales promises" in text
    assert "No period of a promise of this side has begun yet." in text
    assert "Findings" not in text
    assert "3 of 3 checks passed." in text


def test_only_the_last_periods_are_drawn() -> None:
    text = printed(board(side(line(period(actual="1"), months(*["met"] * 30)))), 120)
    assert "✓" * 12 in text
    assert "✓" * 13 not in text
    assert "met 30 months in a row" in text


def test_a_promise_of_which_nothing_is_known_says_why_and_shows_no_figure() -> None:
    silent = period(
        "undetermined",
        commitment_id="first_response",
        statement="Nine in ten hear from us in time.",
        metric="response",
        unit="share",
        target="0.9",
    )
    text = printed(board(side(line(), line(silent))), 100)
    told = text[text.index("Nine in ten hear from us in time.") :]
    assert told.splitlines()[1].strip() == "· Answered in time: Not measured yet."
    assert "· 1 no verdict yet" in text
    assert "90" not in text


def test_what_changed_is_told_line_by_line() -> None:
    changes = [Difference("zone", "Zone", "changed"), Difference("x", HOSTILE, HOSTILE)]
    said = shown(lambda console: print_differences(changes, console), 200)
    assert said.splitlines()[0] == "Zone: changed"
    assert "\x1b" not in said
    assert "[red]loud[/red]" in said
    assert shown(lambda console: print_differences([], console), 80) == "Nothing changed.\n"


def backtest_of(*comparisons: Comparison) -> Backtest:
    night = datetime(2026, 10, 20, 2, tzinfo=UTC)
    return Backtest("draft x", night, date(2026, 1, 1), date(2026, 10, 20), comparisons)


def beside(official: str, draft: str, start: date, **other: str) -> Comparison:
    """One target that the draft lowers from 240 leads to 200."""
    return Comparison(
        period(official, start, actual="220", **other),
        period(draft, start, actual="220", target="200", **other),
    )


MAY, JUNE, JULY, OCTOBER = (date(2026, month, 1) for month in (5, 6, 7, 10))


def test_a_draft_is_shown_beside_what_was_published() -> None:
    compared = backtest_of(
        beside("missed", "met", MAY),
        beside("met", "met", JUNE),
        Comparison(period("met", JULY, actual="300"), None),
    )
    rows = [
        " ".join(line.split())
        for line in shown(partial(print_backtest, compared), 100).splitlines()
        if "2026 " in line and "beside" not in line
    ]
    assert rows == [
        "May 2026 220 ≥ 240 ✗ missed 220 ≥ 200 ✓ met ≠",
        "Jun 2026 220 ≥ 240 ✓ met 220 ≥ 200 ✓ met",
        "Jul 2026 300 ≥ 240 ✓ met",
    ]


def test_a_promise_that_neither_side_can_tell_of_takes_one_line() -> None:
    silent = beside("undetermined", "undetermined", MAY)
    said = shown(partial(print_backtest, backtest_of(silent)), 100)
    assert "· not measured yet" in said
    assert "220" not in said
    assert "none of 0 verdicts would differ" in said


@pytest.mark.parametrize("width", [30, 48, 60, 80, 120])
def test_no_line_of_a_back_test_is_longer_than_the_terminal(width: int) -> None:
    compared = backtest_of(
        beside("missed", "met", MAY, statement=HOSTILE, dimension_value=HOSTILE),
        beside("insufficient_sample", "insufficient_sample", JUNE, period_kind="week"),
    )
    said = shown(partial(print_backtest, compared), width)
    assert "\x1b" not in said
    assert all(cell_len(row) <= width for row in said.splitlines())


@pytest.mark.parametrize(
    ("comparisons", "said"),
    [
        ([beside("met", "met", MAY)], "none of 1 verdicts would differ."),
        (
            [beside("missed", "met", MAY), beside("missed", "met", JUNE)],
            "2 of 2 verdicts would differ: 2 months missed would have been met.",
        ),
        (
            [
                beside("met", "missed", MAY),
                beside("off_track", "at_risk", OCTOBER),
                Comparison(None, period("met", JULY)),
                Comparison(period("met", MAY), None),
                Comparison(period("met", JUNE), None),
            ],
            "2 of 2 verdicts would differ: 1 month met would have been missed, 1 month off track"
            " would be at risk; 1 stands under the draft alone; 2 stand under the agreement alone.",
        ),
    ],
    ids=["the same", "two alike", "all kinds"],
)
def test_the_sum_of_a_back_test(comparisons: list[Comparison], said: str) -> None:
    assert str(backtest_of(*comparisons)) == f"Under the draft, {said}"


def test_a_back_test_of_no_period_says_so() -> None:
    assert str(backtest_of()) == "No period starts on 2026-01-01 or later and before 2026-10-20."
