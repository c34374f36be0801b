from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from smarketing.progress import StepRecord
from smarketing.review.page import render_page, write_page
from smarketing.review.scoreboard import Scoreboard

from tests.plugins.smarketing.review.boards import (
    board,
    finding,
    full_board,
    line,
    months,
    period,
    side,
)

VOID = {"meta", "link", "br", "wbr", "rect", "line", "path", "circle"}
HOSTILE = "<script>alert('x')</script> \"quoted\" & 'so' \x1b[31mred\x07\u202e {{ 7 * 7 }}"


class Page(HTMLParser):
    """What a page consists of; fails on a tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """The attributes of all tags of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]


BOARDS = {
    "a bit of everything": full_board(),
    "hostile words": full_board(HOSTILE),
    "a side without promises": board(),
    "no side has promises, nothing was recorded": board(
        side(), side(), steps=[], checks=0, checks_passed=0, rows_kept=0, rows_rejected=0
    ),
    "everything pending": board(
        side(line(period("pending"))), side(line(period("pending", party="sales")))
    ),
    "nothing at all came": board(
        side(
            line(
                period("off_track", actual="0", forecast="0", expected_to_date="0"),
                months("missed", actual="0"),
            )
        )
    ),
}


@pytest.fixture(params=list(BOARDS.values()), ids=list(BOARDS))
def page(request: pytest.FixtureRequest) -> Page:
    scoreboard: Scoreboard = request.param
    return Page(render_page(scoreboard))


def test_a_page_stands_alone(page: Page) -> None:
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                assert value in ("data:,", "quality.html") or str(value).startswith("#")
    assert not page.all("script", "img", "iframe", "object", "embed", "base", "form")


def test_its_style_asks_for_nothing() -> None:
    style = re.findall(r"<style>(.*?)</style>", render_page(full_board(HOSTILE)), re.DOTALL)
    assert len(style) == 1
    assert not re.search(r"@import|@font-face|url\(|expression\(|https?:", style[0])


def test_ids_are_there_once_and_every_reference_finds_its_own(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = [attributes["href"] for attributes in page.all("a")]
    assert references.pop() == "quality.html"
    references += [
        f"#{each['aria-labelledby']}" for _, each in page.tags if "aria-labelledby" in each
    ]
    assert {str(reference)[1:] for reference in references} <= set(ids)


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


def test_tables_and_charts_can_be_heard(page: Page) -> None:
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    for chart in page.all("svg"):
        assert chart.get("aria-hidden") == "true" or (
            chart["role"] == "img" and chart["aria-label"]
        )


def test_words_of_others_are_shown_and_not_obeyed() -> None:
    html = render_page(full_board(HOSTILE))
    assert "<script" not in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", html)
    page = Page(html)
    shown = "<script>alert('x')</script> \"quoted\" & 'so' \ufffd[31mred\ufffd\ufffd {{ 7 * 7 }}"
    for place in ("Almenara ", "Agreement ", "Marketing ", "Ada ", "IT leader ", "a note "):
        assert f"{place}{shown}" in page.text


def test_statuses_are_told_in_words_and_with_figures() -> None:
    text = re.sub(r"\s+", " ", Page(render_page(full_board())).text)
    for words in (
        "on track",
        "at risk",
        "off track",
        "too few to judge",
        "not begun",
        "met 3 months in a row",
        "Sep 2026: 250, target ≥ 240, met",
        "missed in Aug 2026 29.96%, target ≥ 30.0%",
        "due by now 137",
        "forecast 388",
        "10 so far; a verdict needs 20.",
        "21of 4,073, 0.5% · warning",
        "2 of 100 rows read so far could not be read (2.0%)",
        "in force since 1 Apr 2025 until 1 Jan 2027",
        "Build 7.",
    ):
        assert words in text, words


def test_the_first_night() -> None:
    text = Page(render_page(board(side(line()), side(line(period(party="sales")))))).text
    assert "no month has been judged yet" in text
    assert "All 3 checks passed; nothing was found." in text
    assert "Nothing: no promise is in danger." in text


@pytest.mark.parametrize("rejected", [0, 1])
def test_few_rejected_rows_are_not_none(rejected: int) -> None:
    text = Page(render_page(board(rows_kept=100_000 - rejected, rows_rejected=rejected))).text
    assert ("(<0.1%)" in text) is bool(rejected)
    assert ("(0.0%)" in text) is not bool(rejected)


def test_a_page_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "scoreboard.html"
    assert write_page(board(company="Yesterday"), file) == file
    assert write_page(board(company="Today"), file) == file
    assert "Today" in file.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "broken",
    [
        {"findings": [object()]},
        {"steps": [StepRecord("x", "done", None, None, None, "many", None)]},  # type: ignore[arg-type]
    ],
    ids=["a finding", "a step"],
)
def test_the_old_page_stays_if_the_new_one_fails(tmp_path: Path, broken: dict[str, Any]) -> None:
    file = tmp_path / "scoreboard.html"
    write_page(board(findings=[finding()]), file)
    before = file.read_bytes()
    with pytest.raises(Exception, match=r"."):
        write_page(board(**broken), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_promise_of_which_nothing_is_known_says_why_and_shows_no_figure() -> None:
    silent = period("undetermined", statement="Sales wins a lot.", metric="revenue", target="1000")
    page = Page(render_page(board(side(line(silent)))))
    assert "Sales wins a lot." in page.text
    assert "Not measured yet." in page.text
    assert "1,000" not in page.text
