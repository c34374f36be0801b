"""Show a night as it goes: one line per step, from the night's own record in ``ops``."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from smarketing.night import newest_attempt
from smarketing.warehouse.connection import connect

_GLYPHS = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "running": ("…", "yellow")}


@dataclass(frozen=True)
class StepRecord:
    """One row of ``ops.steps``."""

    step: str
    state: str
    rows_in: int | None
    rows_out: int | None
    rows_rejected: int | None
    seconds: float | None
    note: str | None


@dataclass(frozen=True)
class Ended:
    """How an attempt ended, and why if it did not end well."""

    state: str
    failed_step: str | None
    message: str | None
    steps: Sequence[StepRecord]


def follow(uri: str, process: subprocess.Popen[bytes], console: Console) -> Ended | None:
    """Show the attempt that ``process`` makes until it ends. None if it never began one."""
    with connect(uri, "auditor", autocommit=True) as connection:
        before = newest_attempt(connection)
        shown: set[str] = set()
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            while True:
                running = process.poll() is None
                attempt = newest_attempt(connection)
                steps = read_steps(connection, attempt) if attempt and attempt != before else []
                if console.is_terminal:
                    live.update(steps_table(steps))
                else:
                    for step in steps:
                        if step.state != "running" and step.step not in shown:
                            shown.add(step.step)
                            live.console.print(_line(step))
                if not running:
                    break
                time.sleep(0.25)
        attempt = newest_attempt(connection)
        if attempt is None or attempt == before:
            return None
        state, failed_step, message = connection.execute(
            "select state, failed_step, message from ops.nights "
            "where night_id = %s and attempt = %s",
            attempt,
        ).fetchone() or ("failed", None, None)
        return Ended(state, failed_step, message, read_steps(connection, attempt))


def steps_table(steps: Sequence[StepRecord]) -> Table:
    """The steps of a night, with rows and seconds."""
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("step", min_width=24, no_wrap=True)
    for column in ("rows in", "rows out", "rejected", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    # the note takes what is left: no figure is ever cut for it
    table.add_column("", style="dim", overflow="ellipsis", no_wrap=True, ratio=1)
    for step in steps:
        glyph, style = _GLYPHS[step.state]
        table.add_row(
            Text(f"{glyph} {step.step}", style=style if step.state != "done" else ""),
            _number(step.rows_in),
            _number(step.rows_out),
            _number(step.rows_rejected),
            f"{step.seconds:.1f}" if step.seconds is not None else "",
            Text((step.note or "").splitlines()[0] if step.note else ""),
        )
    return table


def _line(step: StepRecord) -> Text:
    glyph, style = _GLYPHS[step.state]
    seconds = f"{step.seconds:.1f} s" if step.seconds is not None else ""
    return Text(f"{glyph} {step.step:<24}{seconds:>8}", style=style)


def _number(value: int | None) -> str:
    return f"{value:,}" if value is not None else ""


def read_steps(connection: psycopg.Connection, attempt: tuple[str, int]) -> list[StepRecord]:
    """The steps of one attempt, in the order in which they began."""
    return [
        StepRecord(*row)
        for row in connection.execute(
            "select step, state, rows_in, rows_out, rows_rejected, seconds::float8, note "
            "from ops.steps where night_id = %s and attempt = %s order by started_at",
            attempt,
        )
    ]
