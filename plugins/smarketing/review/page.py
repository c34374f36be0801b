"""The scoreboard and the checks as self-contained HTML pages: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from smarketing.review import charts
from smarketing.review.quality import CheckResult, QualityReport
from smarketing.review.scoreboard import STANDINGS, Line, Scoreboard
from smarketing.review.text import readable, share

SCOREBOARD = "scoreboard.html"
QUALITY = "quality.html"


def write_page(scoreboard: Scoreboard, file: Path) -> Path:
    """Write the scoreboard; whoever reads it meanwhile sees the old one or the new one, never
    half."""
    return _write(render_page(scoreboard), file)


def write_quality(quality: QualityReport, file: Path) -> Path:
    """Write what was checked; the same holds."""
    return _write(render_quality(quality), file)


def render_page(scoreboard: Scoreboard) -> str:
    """The scoreboard as a text."""
    return _render(
        SCOREBOARD,
        board=scoreboard,
        anchor=_anchors(scoreboard),
        standings=STANDINGS,
        history=charts.history,
        pace=charts.pace,
    )


def render_quality(quality: QualityReport) -> str:
    """What was checked, as a text."""
    return _render(QUALITY, quality=quality, trend=_trend)


def _render(template: str, **values: object) -> str:
    templates = Environment(
        loader=PackageLoader("smarketing.review"),
        # values from a CRM are hostile text
        autoescape=True,
        finalize=_readable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(share=share, number=_number, **values)


def _write(page: str, file: Path) -> Path:
    half = file.with_suffix(".part")
    half.write_text(page, encoding="utf-8")
    return half.replace(file)


def _trend(check: CheckResult) -> charts.Trend:
    return charts.trend([each.share for each in check.history], float(check.share_allowed))


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
