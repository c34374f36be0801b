"""Opening windows against a clock on the wall that is read every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from smarketing.agreement.calendars import Calendar
from smarketing.agreement.hours import LocalWindow, OpeningWindow, opening_windows

from tests.wall_clock import CLOCK_CHANGES, MINUTE, shown

Week = list[tuple[LocalWindow, ...]]


def expand(
    zone: str, hours: dict[str, list[str]], first: str, last: str, closed: tuple[date, ...] = ()
) -> list[OpeningWindow]:
    text = {days: tuple(windows) for days, windows in hours.items()}
    calendar = Calendar.model_validate({"zone": zone, "hours": text, "closed": closed})
    days = date.fromisoformat(first), date.fromisoformat(last)
    return list(opening_windows(calendar.windows_on, ZoneInfo(zone), *days))


def utc_times(windows: list[OpeningWindow]) -> list[str]:
    return [f"{w.opens_at:%d %H:%M}-{w.closes_at:%d %H:%M}" for w in windows]


def test_each_day_takes_its_own_offset() -> None:
    windows = expand("Europe/Madrid", {"sat-sun": ["09:00-14:00"]}, "2026-03-28", "2026-03-29")
    assert utc_times(windows) == ["28 08:00-28 13:00", "29 07:00-29 12:00"]
    assert [window.seconds_before for window in windows] == [0, 5 * 3600]


def test_days_that_open_are_counted() -> None:
    hours = {"mon-thu": ["09:00-14:00", "15:00-18:00"], "sun": ["02:15-02:45"]}
    # Thursday to Tuesday; on Sunday the clock skips the hour from two to three
    windows = expand("Europe/Madrid", hours, "2026-03-26", "2026-03-31")
    assert [(window.local_date.day, window.business_day) for window in windows] == [
        (26, 1),
        (26, 1),
        (30, 2),
        (30, 2),
        (31, 3),
        (31, 3),
    ]


def test_a_window_that_spans_the_change_is_longer_or_shorter() -> None:
    for last, length in (("2026-03-29", 23), ("2025-10-26", 25)):
        (window,) = expand("Europe/Madrid", {"mon-sun": ["00:00-24:00"]}, last, last)
        assert window.closes_at - window.opens_at == timedelta(hours=length)


def test_a_time_that_the_clock_skips_comes_with_the_skip() -> None:
    hours = {"sun": ["01:00-02:30", "02:40-04:00"]}
    windows = expand("Europe/Madrid", hours, "2026-03-29", "2026-03-29")
    assert utc_times(windows) == ["29 00:00-29 01:00", "29 01:00-29 02:00"]


def test_a_window_within_the_skip_never_opens() -> None:
    assert expand("Europe/Madrid", {"sun": ["02:15-02:45"]}, "2026-03-29", "2026-03-29") == []


def test_of_a_time_shown_twice_the_first_counts() -> None:
    hours = {"sun": ["01:00-02:30", "02:30-04:00"]}
    windows = expand("Europe/Madrid", hours, "2025-10-26", "2025-10-26")
    assert len(windows) == 1  # windows that touch on a day are one
    hours = {"sun": ["01:00-02:30", "02:40-04:00"]}
    windows = expand("Europe/Madrid", hours, "2025-10-26", "2025-10-26")
    assert utc_times(windows) == ["25 23:00-26 00:30", "26 00:40-26 03:00"]


def test_a_night_shift_belongs_to_the_day_on_which_it_opens() -> None:
    hours = {"thu-sat": ["22:00-06:00"]}
    closed = (date(2026, 6, 19),)
    windows = expand("Europe/London", hours, "2026-06-18", "2026-06-21", closed)
    assert utc_times(windows) == ["18 21:00-19 05:00", "20 21:00-21 05:00"]
    assert [window.local_date.day for window in windows] == [18, 20]


def test_overlaps_count_once() -> None:
    hours = {"fri": ["22:00-06:00", "20:00-23:00"], "sat": ["05:00-10:00", "05:30-05:45"]}
    windows = expand("UTC", hours, "2026-06-19", "2026-06-20")
    assert utc_times(windows) == ["19 20:00-20 06:00", "20 06:00-20 10:00"]
    assert [window.seconds_before for window in windows] == [0, 10 * 3600]


window_texts = st.builds(
    lambda opens, length: LocalWindow(opens, opens + length),
    st.integers(0, 24 * 60 - 1),
    st.integers(1, 24 * 60 - 1),
)
weeks = st.lists(st.lists(window_texts, max_size=3).map(tuple), min_size=7, max_size=7)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CLOCK_CHANGES), weeks, st.integers(0, 3), st.booleans())
def test_windows_are_open_when_the_wall_clock_says_so(
    change: tuple[str, date], week: Week, days_before: int, closes: bool
) -> None:
    zone, changed = ZoneInfo(change[0]), change[1]
    first = changed - timedelta(days=days_before)
    last = changed + timedelta(days=1)
    closed = frozenset({changed} if closes else ())

    def windows_on(day: date) -> tuple[LocalWindow, ...]:
        return () if day in closed else week[day.weekday()]

    windows = list(opening_windows(windows_on, zone, first, last))

    local_windows = [
        (midnight + window.opens * MINUTE, midnight + window.closes * MINUTE)
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
        for midnight in [datetime.combine(day, datetime.min.time())]
        for window in windows_on(day)
    ]
    start = datetime.combine(first - timedelta(days=1), datetime.min.time(), UTC)
    end = datetime.combine(last + timedelta(days=3), datetime.min.time(), UTC)
    open_minutes = {
        start + n * MINUTE
        for n, time in enumerate(shown(zone, start, (end - start) // MINUTE))
        if any(opens <= time < closes for opens, closes in local_windows)
    }

    counted = [
        window.opens_at + n * MINUTE
        for window in windows
        for n in range((window.closes_at - window.opens_at) // MINUTE)
    ]
    assert set(counted) == open_minutes
    assert len(counted) == len(open_minutes)
    assert all(one.closes_at <= other.opens_at for one, other in pairwise(windows))
    lengths = [int((window.closes_at - window.opens_at).total_seconds()) for window in windows]
    assert [window.seconds_before for window in windows] == [
        sum(lengths[:number]) for number in range(len(lengths))
    ]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CLOCK_CHANGES), weeks, st.integers(0, 9))
def test_a_later_end_only_adds_windows(change: tuple[str, date], week: Week, days: int) -> None:
    zone, first = ZoneInfo(change[0]), change[1] - timedelta(days=4)
    last = first + timedelta(days=days)

    def windows_on(day: date) -> tuple[LocalWindow, ...]:
        return week[day.weekday()]

    shorter = list(opening_windows(windows_on, zone, first, last))
    longer = list(opening_windows(windows_on, zone, first, last + timedelta(days=3)))
    assert longer[: len(shorter)] == shorter
    assert all(window.local_date > last for window in longer[len(shorter) :])
    # and so do the windows that go on from where others ended
    after = shorter[-1] if shorter else None
    added = opening_windows(
        windows_on, zone, last + timedelta(days=1), last + timedelta(days=3), after
    )
    assert [*shorter, *added] == longer
