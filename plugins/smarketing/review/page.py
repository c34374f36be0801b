"""The scoreboard as one self-contained HTML page: no script, no font, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from smarketing.review import charts
from smarketing.review.scoreboard import STANDINGS, Line, Scoreboard
from smarketing.review.text import readable, share


def write_page(scoreboard: Scoreboard, file: Path) -> Path:
    """Write the page; whoever reads it meanwhile sees the old one or the new one, never half."""
    page = render_page(scoreboard)
    half = file.with_suffix(".part")
    half.write_text(page, encoding="utf-8")
    return half.replace(file)


def render_page(scoreboard: Scoreboard) -> str:
    """The page as a text."""
    templates = Environment(
        loader=PackageLoader("smarketing.review"),
        # values from a CRM are hostile text
        autoescape=True,
        finalize=_readable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("scoreboard.html").render(
        board=scoreboard,
        anchor=_anchors(scoreboard),
        standings=STANDINGS,
        history=charts.history,
        pace=charts.pace,
        share=share,
        number=_number,
    )


def _anchors(scoreboard: Scoreboard) -> Callable[[Line], str]:
    """Where on the page a line stands, as an id: numbers, for names may hold anything."""
    lines = [line.now for side in scoreboard.sides for line in side.lines]
    target = attrgetter("party", "commitment_id", "segment")
    numbers = {target(now): number for number, now in enumerate(lines, 1)}
    return lambda line: f"target-{numbers[target(line.now)]}"


def _readable(value: object) -> object:
    """What every ``{{ }}`` passes through: text that is not our own markup loses its controls."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return readable(value)
    return value


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
