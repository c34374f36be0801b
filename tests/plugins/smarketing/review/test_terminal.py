from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from smarketing.review.scoreboard import Scoreboard
from smarketing.review.terminal import print_scoreboard

from tests.plugins.smarketing.review.boards import board, full_board, line, months, period, side

HOSTILE = "[red]loud[/red] [/] [link=http://x]y[/link] \x1b[2J\x07\r\u202e <b>"


def printed(scoreboard: Scoreboard, width: int, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    print_scoreboard(scoreboard, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ")


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
