"""Opening hours: as a contract writes them, and as instants.

The hours of a calendar are local. A day's windows become instants date by date, so a day on
which the clocks change is longer or shorter only if a window spans the change.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import PlainSerializer, PlainValidator

from smarketing.agreement.quantities import refuse

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "24x7"

_MIDNIGHT = 24 * 60
_WINDOW = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")


@dataclass(frozen=True)
class DaySpan:
    """Days of the week, the first to the last, both included: ``mon-thu``, or ``fri`` alone.

    Counted from 0 (Monday) to 6 (Sunday).
    """

    first: int
    last: int

    @classmethod
    def parse(cls, value: object) -> DaySpan:
        """Read ``mon-thu``. Anything else is refused."""
        names = str(value).split("-")
        if len(names) > 2 or not set(names) <= set(WEEKDAYS):
            refuse("days of the week, like 'mon-thu' or 'fri'", f"use {', '.join(WEEKDAYS)}")
        first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
        if len(names) == 2 and first >= last:
            refuse("days in the order of the week (mon first, sun last)", "write two entries")
        return cls(first, last)

    def __str__(self) -> str:
        if self.first == self.last:
            return WEEKDAYS[self.first]
        return f"{WEEKDAYS[self.first]}-{WEEKDAYS[self.last]}"

    def __contains__(self, weekday: int) -> bool:
        return self.first <= weekday <= self.last


@dataclass(frozen=True)
class LocalWindow:
    """Open from one local time to another, in minutes after midnight of the opening day.

    ``closes`` is later than ``opens`` and less than 48 hours after that midnight: ``22:00-06:00``
    ends on the next day, and belongs to the day on which it opens.
    """

    opens: int
    closes: int

    @classmethod
    def parse(cls, value: object) -> LocalWindow:
        """Read ``09:00-14:00``. Anything else is refused."""
        match = _WINDOW.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
        if match is None:
            refuse("a window of hours and minutes", 'say "09:00-14:00"')
        opens, closes = (
            int(hours) * 60 + int(minutes)
            for hours, minutes in ((match[1], match[2]), (match[3], match[4]))
        )
        real_minutes = int(match[2]) < 60 and int(match[4]) < 60
        if not real_minutes or opens >= _MIDNIGHT or closes > _MIDNIGHT:
            refuse("times from 00:00 to 24:00", 'say "09:00-14:00"')
        if opens == closes:
            refuse("a window with a beginning and an end", 'say "00:00-24:00" for a whole day')
        return cls(opens, closes if closes > opens else closes + _MIDNIGHT)

    def __str__(self) -> str:
        closes = self.closes if self.closes <= _MIDNIGHT else self.closes - _MIDNIGHT
        return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.opens, closes))


Weekdays = Annotated[DaySpan, PlainValidator(DaySpan.parse), PlainSerializer(str, return_type=str)]
Window = Annotated[
    LocalWindow, PlainValidator(LocalWindow.parse), PlainSerializer(str, return_type=str)
]


class OpeningWindow(NamedTuple):
    """Open during ``[opens_at, closes_at)``, in UTC.

    ``local_date`` is the calendar's date on which it opens, and ``business_day`` counts the dates
    on which the calendar opens, from 1; ``seconds_before`` is the business time from the first
    window on to ``opens_at``.
    """

    opens_at: datetime
    closes_at: datetime
    local_date: date
    seconds_before: int
    business_day: int


def opening_windows(
    windows_on: Callable[[date], Iterable[LocalWindow]],
    zone: ZoneInfo,
    first: date,
    last: date,
    after: OpeningWindow | None = None,
) -> Iterator[OpeningWindow]:
    """The windows that open on the local dates ``first`` to ``last``, both included, in order.

    ``windows_on`` says which windows open on a date. They go on from ``after``, the last window
    before ``first``, where there is one.

    No second counts twice: windows of one day that overlap are merged, and where a window
    reaches into the next day's, that one starts when it ends. So each window depends on earlier
    days only: a later ``last`` adds windows and changes none.
    """
    covered_until, seconds, days = datetime.min.replace(tzinfo=UTC), 0, 0
    if after is not None:
        covered_until, days = after.closes_at, after.business_day
        seconds = after.seconds_before + _seconds(after.opens_at, after.closes_at)
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        is_new = True
        for window in _merged(windows_on(day)):
            opens_at = max(_instant(day, window.opens, zone), covered_until)
            closes_at = _instant(day, window.closes, zone)
            if opens_at >= closes_at:
                continue
            days, is_new = days + is_new, False
            yield OpeningWindow(opens_at, closes_at, day, seconds, days)
            seconds += _seconds(opens_at, closes_at)
            covered_until = closes_at


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())


def _merged(windows: Iterable[LocalWindow]) -> list[LocalWindow]:
    merged: list[LocalWindow] = []
    for window in sorted(windows, key=lambda window: window.opens):
        if merged and window.opens <= merged[-1].closes:
            latest = merged.pop()
            window = LocalWindow(latest.opens, max(latest.closes, window.closes))
        merged.append(window)
    return merged


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock shows this time or a later one.

    Doors follow the clock on the wall: a time that the clock skips comes with the skip, and of
    a time that it shows twice the first counts. In this sense local times never run backwards,
    so windows that touch on paper touch in time.
    """
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if _wall(instant, zone) == local:
        return instant
    # PEP 495: in a gap, fold=1 gives an instant before the skip and fold=0 one after it.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    span = range(int((instant - before).total_seconds()) + 1)
    skipped = bisect_left(
        span, local, key=lambda second: _wall(before + timedelta(seconds=second), zone)
    )
    return before + timedelta(seconds=skipped)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
