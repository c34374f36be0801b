"""The scoreboard in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from smarketing.review.scoreboard import Line, Period, Scoreboard, Tone

_STYLES: dict[Tone, str] = {"good": "green", "warn": "yellow", "bad": "red", "idle": "dim"}
_MARKS: dict[Tone, str] = {"good": "●", "warn": "●", "bad": "●", "idle": "·"}


def print_scoreboard(scoreboard: Scoreboard, console: Console) -> None:
    """Both sides of the agreement, then what the checks found."""
    console.rule(
        f"[bold]{escape(scoreboard.company)}[/] · {escape(scoreboard.agreement)} · "
        f"as of {scoreboard.local_as_of:%a %d %b %Y %H:%M}",
        style="dim",
    )
    for party, lines in scoreboard.lines.items():
        console.print(f"\n[bold]{escape(scoreboard.parties[party])}[/] promises")
        console.print(_side(lines))
    console.print()
    if scoreboard.findings:
        console.print("[bold]Findings[/]")
    for finding in scoreboard.findings:
        style = "red" if finding.severity == "critical" else "yellow"
        figures = f"{finding.failing:,} of {finding.evaluated:,}: " if finding.evaluated else ""
        console.print(
            f"  [{style}]●[/] {figures}{escape(finding.meaning)} "
            f"[dim](for {escape(finding.concerns)})[/]"
        )
    if scoreboard.rows_rejected:
        console.print(
            f"  [yellow]●[/] {scoreboard.rows_rejected:,} rows could not be read "
            f"({scoreboard.rejected_share:.2%}) [dim](ops.rejected_rows says why)[/]"
        )


def _side(lines: Sequence[Line]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", min_width=30, overflow="fold")
    table.add_column("period", no_wrap=True)
    for column in ("target", "actual", "due by now"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("before", no_wrap=True)
    for line in lines:
        now = line.now
        whole = now.segment == "all"
        statement = now.statement if whole else f"  of which {now.segment}"
        bound = "≤ " if now.direction == "at_most" else "≥ "
        table.add_row(
            Text(statement, style="" if whole else "dim"),
            now.label,
            bound + now.quantity(now.target),
            now.quantity(now.actual),
            now.quantity(now.expected_to_date) if now.metric == "volume" else "",
            Text(now.verdict, style=_STYLES[now.tone]),
            _history(line.before),
        )
    return table


def _history(periods: Sequence[Period]) -> Text:
    return Text.assemble(*((_MARKS[period.tone], _STYLES[period.tone]) for period in periods))
