"""The geometry of the pages' small charts, ready to be written down as SVG.

Both say with form what they also say with colour: a met period is a solid bar, a missed one a
hollow one, one without verdict is dotted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smarketing.review.scoreboard import Line, Period, Tone

Form = Literal["solid", "hollow", "dotted", "running"]

_SLOT = 12.0
_BAR = 8.0
# how far one night stands from the next
_NIGHT = 3.0
_FORMS: dict[Tone, Form] = {"good": "solid", "warn": "hollow", "bad": "hollow", "idle": "dotted"}
# room above the highest value
_HEADROOM = 1.08


@dataclass(frozen=True)
class Bar:
    """One period; ``title`` says it in words."""

    x: float
    y: float
    width: float
    height: float
    form: Form
    tone: Tone
    title: str


@dataclass(frozen=True)
class History:
    """The last periods of a target, oldest first, the running one last; and the target's line."""

    width: float
    height: float
    bars: Sequence[Bar]
    target: str
    summary: str


@dataclass(frozen=True)
class Pace:
    """Where a period stands, in percent of the bar's width; None where it does not apply."""

    actual: float
    forecast: float | None
    due: float | None
    target: float
    summary: str


def history(line: Line, height: float = 40) -> History:
    """The last periods and the newest one as bars against their targets."""
    periods = [*line.recent, line.now]
    top = max(float(max(each.target, each.actual or 0)) for each in periods) * _HEADROOM

    def level(value: Decimal) -> float:
        return round(height - float(value) / top * height, 1)

    bars = [
        _bar(period, _SLOT * index, level(period.actual or Decimal(0)), height)
        for index, period in enumerate(periods)
    ]
    steps = [
        f"{'M' if index == 0 else 'L'}{_SLOT * index:g} {level(period.target):g}h{_SLOT:g}"
        for index, period in enumerate(periods)
    ]
    return History(_SLOT * len(periods), height, bars, "".join(steps), _summary(line))


@dataclass(frozen=True)
class Trend:
    """The share that failed, night by night, as a line; a night without a figure leaves a gap.

    ``allowed`` is how high the share may be, None where it may not be above 0.
    """

    width: float
    height: float
    lines: Sequence[str]
    end: tuple[float, float] | None
    allowed: float | None
    summary: str


def trend(shares: Sequence[float | None], allowed: float = 0, height: float = 22) -> Trend:
    """The shares of the last nights, oldest first, tonight's last; the scale begins at 0."""
    known = [each for each in shares if each is not None]
    top = max([*known, allowed * 1.25, 0.001]) * _HEADROOM

    def level(value: float) -> float:
        return round(height - value / top * height, 1)

    lines: list[str] = []
    for index, value in enumerate(shares):
        if value is None:
            continue
        goes_on = index > 0 and shares[index - 1] is not None
        point = f"{_NIGHT * index:g} {level(value):g}"
        if goes_on:
            lines[-1] += f"L{point}"
        else:
            lines.append(f"M{point}")
    last = len(shares) - 1
    end = None
    if shares and shares[last] is not None:
        end = (_NIGHT * last, level(shares[last] or 0))
    return Trend(
        width=_NIGHT * max(last, 1),
        height=height,
        lines=lines,
        end=end,
        allowed=level(allowed) if allowed else None,
        summary=_trend_in_words(known),
    )


def _trend_in_words(known: Sequence[float]) -> str:
    if not known:
        return "No figure yet."
    if len(known) == 1:
        return f"{known[0]:.1%} failed tonight, for the first time counted."
    return (
        f"Failed over the last {len(known)} nights: {known[0]:.1%} at first, "
        f"{known[-1]:.1%} tonight, {max(known):.1%} at worst."
    )


def pace(period: Period) -> Pace:
    """Actual, forecast and what is due by now, on one scale with the target."""
    # less came back than was spent: a bar has no length below nothing
    actual = max(float(period.actual or 0), 0)
    target = float(period.target)
    grows = period.is_adding_up and not period.is_over
    forecast = float(period.forecast) if grows and period.forecast is not None else None
    due = period.expected_to_date if grows else None
    top = max(actual, target, forecast or 0) * _HEADROOM

    def percent(value: float) -> float:
        return round(100 * value / top, 2)

    words = [f"{period.quantity(period.actual)}, target {period.target_in_words}"]
    if due is not None:
        words.append(f"due by now {period.quantity(due)}")
    if forecast is not None:
        words.append(f"forecast {period.quantity(period.forecast)}")
    return Pace(
        actual=percent(actual),
        forecast=None if forecast is None else percent(forecast),
        due=None if due is None else percent(float(due)),
        target=percent(target),
        summary=", ".join(words),
    )


def _bar(period: Period, x: float, y: float, height: float) -> Bar:
    # nothing at all is still a bar that one can see and point at
    top = min(y, height - 1.5)
    actual = period.quantity(period.actual)
    return Bar(
        x=x + (_SLOT - _BAR) / 2,
        y=top,
        width=_BAR,
        height=round(height - top, 1),
        form=_FORMS[period.tone] if period.is_over else "running",
        tone=period.tone,
        title=f"{period.label}: {actual}, target {period.target_in_words}, {period.verdict}",
    )


def _summary(line: Line) -> str:
    judged = [period for period in line.recent if period.is_judged]
    if not line.recent:
        return f"First {line.now.period_kind}: no history yet."
    met = sum(period.status == "met" for period in judged)
    kind = line.now.period_kind
    return (
        f"Last {len(line.recent)} {kind}s: {met} met, {len(judged) - met} missed, "
        f"{len(line.recent) - len(judged)} without verdict."
    )
