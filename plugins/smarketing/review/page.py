"""The scoreboard as one self-contained HTML page: no script, no font, no request to anywhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from smarketing.review.scoreboard import Scoreboard


def write_page(scoreboard: Scoreboard, file: Path) -> Path:
    """Write the page; whoever reads it meanwhile sees the old one or the new one, never half."""
    templates = Environment(
        loader=PackageLoader("smarketing.review"),
        # values from a CRM are hostile text
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    half = file.with_suffix(".part")
    half.write_text(
        templates.get_template("scoreboard.html").render(board=scoreboard), encoding="utf-8"
    )
    return half.replace(file)
