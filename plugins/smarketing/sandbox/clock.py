"""Time as the sandbox handles it: whole seconds since 1970 in UTC, and local office life.

An instant is an ``int``: a hundred thousand journeys are planned in seconds that way, and
nothing can carry the wrong zone by accident. Zones come in only where people do.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR = 3_600
DAY = 86_400

MADRID = ZoneInfo("Europe/Madrid")
NEW_YORK = ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")

AGREEMENT_ZONE = MADRID
EXPORT_HOUR = 2

_OPENING, _CLOSING = 9, 18


def export_instant(night: date) -> int:
    """When that night's export is cut: 02:00 UTC of the date."""
    return int(datetime.combine(night, time(EXPORT_HOUR), UTC).timestamp())


def as_text(at: int) -> str:
    """An instant as the exports write it, in UTC."""
    # strftime takes five times as long, and there are millions of these
    return datetime.fromtimestamp(at, UTC).isoformat()[:19] + "Z"


def day_of(at: int) -> date:
    """The calendar day of an instant in the agreement's zone."""
    return datetime.fromtimestamp(at, AGREEMENT_ZONE).date()


def start_of_day(at: int) -> int:
    """The local start, in the agreement's zone, of the day an instant falls on."""
    return int(datetime.combine(day_of(at), time(), AGREEMENT_ZONE).timestamp())


def clock_changes(since: int, until: int, zone: ZoneInfo) -> list[int]:
    """Instants in ``[since, until)``, a full hour apart, at which the zone's clocks move."""
    changes = []
    for at in range(since, until, HOUR):
        if _offset(at - 1, zone) != _offset(at, zone):
            changes.append(at)
    return changes


def next_office_time(rng: Random, at: int, zone: ZoneInfo) -> int:
    """The instant itself if it lies in local office hours, else some time next morning."""
    opens = _opening(at, zone)
    return at if opens == at else opens + rng.randrange(2 * HOUR)


def after_office_time(at: int, seconds: int, zone: ZoneInfo) -> int:
    """The instant at which that much local office time has gone by."""
    while True:
        at = _opening(at, zone)
        closing = datetime.fromtimestamp(at, zone).replace(hour=_CLOSING, minute=0, second=0)
        left = int(closing.timestamp()) - at
        if seconds <= left:
            return at + seconds
        seconds -= left
        at += left


def _offset(at: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, zone).utcoffset()


def _opening(at: int, zone: ZoneInfo) -> int:
    """The first instant from ``at`` on that lies in office hours, Monday to Friday."""
    local = datetime.fromtimestamp(at, zone)
    is_weekday = local.weekday() < 5
    if is_weekday and _OPENING <= local.hour < _CLOSING:
        return at
    morning = local.replace(hour=_OPENING, minute=0, second=0)
    if local >= morning:
        morning += timedelta(days=1)
    while morning.weekday() >= 5:
        morning += timedelta(days=1)
    return int(morning.timestamp())
