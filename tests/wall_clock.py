"""A clock on the wall, read every minute: what opening times are tested against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)

# zones and days around their clock changes: by an hour, by half an hour, at midnight, by a day
CLOCK_CHANGES = [
    ("Europe/Madrid", date(2026, 3, 29)),
    ("Europe/Madrid", date(2025, 10, 26)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2017, 10, 15)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kolkata", date(2026, 1, 26)),
]


def shown(zone: ZoneInfo, start: datetime, minutes: int) -> Iterator[datetime]:
    """What the clock has shown at the latest, minute by minute from ``start`` (UTC) on.

    A clock set back shows nothing new until it has caught up with itself.
    """
    assert start.tzinfo is UTC
    instants = (start + n * MINUTE for n in range(minutes))
    return accumulate((each.astimezone(zone).replace(tzinfo=None) for each in instants), max)
