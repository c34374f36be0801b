"""The scoreboard in a terminal, as wide as it happens to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from smarketing.agreement.backtest import Backtest, Comparison
from smarketing.agreement.difference import Difference
from smarketing.review.scoreboard import STANDINGS, Finding, Line, Period, Scoreboard, Side, Tone
from smarketing.review.text import readable, share

if TYPE_CHECKING:
    from smarketing.privacy.erasure import Erased

_STYLES: dict[Tone, str] = {"good": "green", "warn": "yellow", "bad": "red", "idle": "dim"}
_MARKS: dict[Tone, str] = {"good": "✓", "warn": "▲", "bad": "✗", "idle": "·"}
_GAP = 2
_INDENT = 2
# a name gets this much before other columns go
_NAME_WIDTH = 20


@dataclass(frozen=True)
class _Layout:
    """Which figures stand beside name, actual, target and status, and how many periods before."""

    has_due: bool
    has_forecast: bool
    periods: int


# from rich to poor; the first that fits is taken
_LAYOUTS = (
    _Layout(has_due=True, has_forecast=True, periods=12),
    _Layout(has_due=True, has_forecast=False, periods=12),
    _Layout(has_due=True, has_forecast=False, periods=6),
    _Layout(has_due=True, has_forecast=False, periods=0),
    _Layout(has_due=False, has_forecast=False, periods=0),
)


def print_scoreboard(scoreboard: Scoreboard, console: Console) -> None:
    """Both sides of the agreement, then what the checks found."""
    _print_head(scoreboard, console)
    layout, widths = _fitting(
        [line for side in scoreboard.sides for promise in side.told for line in promise.lines],
        console,
    )
    for side in scoreboard.sides:
        console.print()
        _print_side(side, layout, widths, console)
    console.print()
    if scoreboard.findings:
        console.print(Text("Findings", "bold"))
        console.print(_findings(scoreboard.findings))
    console.print(
        Text(
            f"{scoreboard.checks_passed} of {scoreboard.checks} checks passed. "
            f"{scoreboard.rows_rejected:,} of {scoreboard.rows_read:,} rows read so far "
            f"could not be read ({share(scoreboard.rows_rejected, scoreboard.rows_read)})"
            f"{'; ops.rejected_rows says why' if scoreboard.rows_rejected else ''}.",
            "dim",
        )
    )


def print_erased(erased: Erased, exports: Sequence[Path], console: Console) -> None:
    """What an erasure did, and what it cannot do; nothing of whom it was."""
    schemas = Counter[str]()
    for table, count in erased.rows.items():
        schemas[table.split(".")[0]] += count
    records = "1 record" if erased.records == 1 else f"{erased.records:,} records"
    console.print(
        f"[green]✓[/] {records} erased: {erased.row_count:,} rows of {len(erased.rows)} tables say "
        "nothing of a person any more. What was counted stays."
    )
    told = [f"{schema} {count:,}" for schema, count in sorted(schemas.items())]
    if erased.files or erased.metadata_rows:
        told.append(f"files {erased.files:,}, Airflow's metadata {erased.metadata_rows:,}")
    if told:
        console.print(Text(f"  {' · '.join(told)}", "dim"))
    not_ours = [
        "The systems that tell of people: erase them there too, if that has not been done.",
        "Backups, and what others have copied out of the marts.",
        "If the server is not the embedded one: its logs, and those of Airflow elsewhere.",
    ]
    not_ours[:0] = [f"The files in {folder}: whoever puts them there." for folder in exports]
    console.print("Not ours to erase:")
    for each in not_ours:
        console.print(Text(f"  · {each}"), soft_wrap=True)
    for note in dict.fromkeys(erased.notes):
        console.print(Text.assemble(("▲ ", "yellow"), note), soft_wrap=True)


def print_differences(differences: Sequence[Difference], console: Console) -> None:
    """What changed between two versions of the agreement, a line for each clause."""
    for difference in differences:
        console.print(
            Text.assemble(_text(difference.subject, "bold"), _text(f": {difference.change}"))
        )
    if not differences:
        console.print("Nothing changed.")


def print_backtest(backtest: Backtest, console: Console) -> None:
    """What was said and what the draft would have said, side by side, promise by promise."""
    console.print(
        Text.assemble(
            _text(backtest.draft, "bold"),
            f" beside what was published as of {backtest.as_of:%Y-%m-%d %H:%M} UTC; periods that "
            f"start on {backtest.since} or later, and before {backtest.until}",
        )
    )
    for _, promise in groupby(
        backtest.comparisons, key=lambda each: (each.either.party, each.either.commitment_id)
    ):
        comparisons = [*promise]
        newest = comparisons[-1].either
        console.print()
        console.print(
            Text.assemble(_text(f"{newest.commitment_id}  ", "bold"), _text(newest.statement))
        )
        if any(each.is_told for each in comparisons):
            console.print(_side_by_side(comparisons))
        else:
            console.print(_indented(Text(f"{_MARKS['idle']} {newest.status_reason}", "dim")))
    console.print()
    console.print(_text(str(backtest)))


def _side_by_side(comparisons: Sequence[Comparison]) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    label_width = _INDENT + max(len(each.either.label) for each in comparisons)
    table.add_column(min_width=label_width, overflow="fold")
    for justify in ("right", "right", "left", "right", "right", "left", "left"):
        table.add_column(justify=justify, overflow="fold")
    names = ("", "actual", "target", "published", "actual", "target", "the draft", "")
    table.add_row(*(Text(name, "dim") for name in names))
    for _, part in groupby(comparisons, key=lambda each: each.either.segment):
        first, *rest = part
        if first.either.part:
            table.add_row(_text(f"  {first.either.part}", "dim"))
        for each in (first, *rest):
            table.add_row(
                Text(f"  {each.either.label}"),
                *_judged(each.official, each.differs),
                *_judged(each.draft, each.differs),
                Text("≠" if each.differs else "", "bold"),
            )
    return table


def _judged(period: Period | None, is_emphasised: bool) -> Sequence[Text]:
    if period is None:
        return [Text()] * 3
    style = f"{_STYLES[period.tone]}{' bold' * is_emphasised}"
    return [
        Text(period.quantity(period.actual)),
        Text(period.target_in_words, "dim"),
        Text(f"{_MARKS[period.tone]} {period.verdict}", style),
    ]


def _print_head(scoreboard: Scoreboard, console: Console) -> None:
    agreement = scoreboard.agreement
    restated = f"; restated with what was known on {scoreboard.restated}"
    console.print(
        Text.assemble(
            _text(scoreboard.company, "bold"),
            _text(
                f" · {scoreboard.local_as_of} ({agreement.zone})"
                f"{restated if scoreboard.restated else ''}"
            ),
        )
    )
    console.print(_text(f"{agreement.name} · {agreement.version}, {agreement.in_force}", "dim"))


def _print_side(
    side: Side, layout: _Layout, widths: Sequence[int] | None, console: Console
) -> None:
    console.print(
        Text.assemble(
            _text(f"{side.name} promises", "bold"),
            *(
                (f"   {_MARKS[tone]} {count} {STANDINGS[tone]}", _STYLES[tone])
                for tone, count in side.standing.items()
                if count
            ),
        )
    )
    if not side.promises:
        console.print(Text("  No period of a promise of this side has begun yet.", "dim"))
    for promise in side.told:
        console.print()
        console.print(_indented(_text(promise.whole.now.statement)))
        rows = [_cells(line, layout) for line in promise.lines]
        if promise is side.told[0]:
            rows.insert(0, _header(layout))
        console.print(_indented(_grid(rows, layout, widths)))
        for remark in _remarks(promise.whole):
            console.print(_indented(remark, 2 * _INDENT))
    for promise in side.undetermined:
        console.print()
        console.print(_indented(_text(promise.whole.now.statement)))
        console.print(_indented(_undetermined(promise.whole), 2 * _INDENT))


def _indented(what: Text | Table, by: int = _INDENT) -> Padding:
    return Padding(what, (0, 0, 0, by), expand=False)


def _fitting(lines: Sequence[Line], console: Console) -> tuple[_Layout, Sequence[int] | None]:
    """The richest layout that fits, with its columns' widths; without, if none does."""
    for layout in _LAYOUTS:
        columns = zip(_header(layout), *(_cells(line, layout) for line in lines), strict=True)
        widths = [max(cell.cell_len for cell in column) for column in columns]
        # a long name is wrapped before anything else gives way
        widths[0] = min(widths[0], _NAME_WIDTH)
        if _INDENT + sum(widths) + _GAP * (len(widths) - 1) <= console.width:
            return layout, widths
    return _LAYOUTS[-1], None


def _grid(rows: Sequence[Sequence[Text]], layout: _Layout, widths: Sequence[int] | None) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    figures = range(1, 3 + layout.has_due + layout.has_forecast)
    for index in range(len(rows[0])):
        table.add_column(
            justify="right" if index in figures else "left",
            width=widths[index] if widths else None,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    return table


def _header(layout: _Layout) -> list[Text]:
    names = ["", "actual", "target"]
    names += ["due now"] * layout.has_due + ["forecast"] * layout.has_forecast
    names += ["status"] + ["before"] * (layout.periods > 0)
    return [Text(name, "dim") for name in names]


def _cells(line: Line, layout: _Layout) -> list[Text]:
    now = line.now
    grows = now.is_adding_up and not now.is_over
    cells = [
        _text(f"  {now.part}", "dim") if now.part else Text(now.short_label),
        Text(now.quantity(now.actual)),
        Text(now.target_in_words, "dim"),
    ]
    if layout.has_due:
        cells.append(Text(now.quantity(now.expected_to_date) if grows else ""))
    if layout.has_forecast:
        cells.append(Text(now.quantity(now.forecast) if grows else ""))
    cells.append(Text(f"{_MARKS[now.tone]} {now.verdict}", _STYLES[now.tone]))
    if layout.periods:
        cells.append(_history(line.before[-layout.periods :]))
    return cells


def _history(periods: Sequence[Period]) -> Text:
    return Text.assemble(*((_MARKS[period.tone], _STYLES[period.tone]) for period in periods))


def _remarks(line: Line) -> Iterator[Text]:
    """What the figures do not say by themselves: the row of verdicts, and why there is none."""
    if streak := line.streak:
        mark = "★" if streak.tone == "good" else "✗"
        yield Text.assemble(
            (f"{mark} {streak}", _STYLES[streak.tone]), (f" ({streak.evidence})", "dim")
        )
    if line.caveat:
        yield Text(line.caveat, "dim")


def _undetermined(line: Line) -> Text:
    return Text(f"{_MARKS[line.now.tone]} {line.now.topic}: {line.caveat}", "dim")


def _findings(findings: Sequence[Finding]) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(
            Text(f"  {_MARKS[finding.tone]}", _STYLES[finding.tone]),
            f"{finding.failing:,}" if finding.failing is not None else "–",
            Text.assemble(
                (_proportion(finding), "dim"),
                _text(finding.meaning),
                _text(f" (for {finding.concerns})", "dim"),
            ),
        )
    return table


def _proportion(finding: Finding) -> str:
    word = "" if finding.word == "warning" else f"{finding.word}: "
    if not finding.evaluated:
        return word
    return f"of {finding.evaluated:,} ({share(finding.failing or 0, finding.evaluated)}): {word}"


def _text(text: str, style: str = "") -> Text:
    """Text from elsewhere: neither markup nor escape sequences in it have an effect."""
    return Text(readable(text), style)
