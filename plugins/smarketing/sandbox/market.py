"""When leads arrive, and the campaigns that bring them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from smarketing.sandbox.chance import stream
from smarketing.sandbox.clock import DAY, HOUR, MADRID, NEW_YORK, clock_changes
from smarketing.sandbox.company import Company

_MONTHLY_GROWTH = 1.035
_MONTHS = (1.05, 1.08, 1.1, 1.0, 1.02, 0.95, 0.78, 0.6, 1.12, 1.15, 1.05, 0.68)
_WEEKDAYS = (1.1, 1.2, 1.15, 1.1, 0.9, 0.35, 0.3)
_HOURS = (2, 1, 1, 1, 1, 2, 3, 6, 11, 15, 16, 15, 12, 11, 13, 14, 13, 11, 8, 6, 6, 6, 5, 3)

# channel: campaigns over the history, days each runs, money a day in its first month
_CAMPAIGN_PLAN = {
    "paid search": (9, 75, 420),
    "social": (8, 60, 260),
    "e-mail": (8, 45, 50),
    "events": (7, 20, 960),
    "partner": (4, 150, 120),
    "organic search": (3, 180, 80),
    "referral": (2, 200, 60),
}
_THEMES = (
    "Close the books faster", "Zero-touch onboarding", "The honest ROI guide", "Ops benchmark",
    "Founders' breakfast", "Security, simply", "Migration week", "Año nuevo, datos nuevos",
    "Peer reviews", "Price lock, 30 days", "Roadshow", "Forecast clinic",
)  # fmt: skip


class Arrivals:
    """The rhythm of arrivals: growing, seasonal, quieter at night and at weekends."""

    def __init__(self, company: Company) -> None:
        self._since, self._until = company.starts_at, company.ends_at
        span = (company.ends - company.starts).days
        self._days = [company.starts + timedelta(days=day) for day in range(span + 1)]
        self._weights = list(accumulate(map(self._weight, self._days)))
        self._turns = [
            at
            for zone in (MADRID, NEW_YORK)
            for at in clock_changes(self._since, self._until, zone)
        ]

    def draw(self, rng: Random, zone: ZoneInfo) -> int:
        """One instant of arrival, by the clock of the lead's own zone."""
        while True:
            # the hours around a clock change get more than their share: errors hide there
            is_near_turn = rng.random() < 0.006
            at = self._near_turn(rng) if is_near_turn else self._in_rhythm(rng, zone)
            if self._since <= at < self._until:
                return at

    def _near_turn(self, rng: Random) -> int:
        return rng.choice(self._turns) + rng.randrange(-HOUR, HOUR)

    def _in_rhythm(self, rng: Random, zone: ZoneInfo) -> int:
        day = self._days[bisect_right(self._weights, rng.random() * self._weights[-1])]
        hour = rng.choices(range(24), _HOURS)[0]
        clock = time(hour, rng.randrange(60), rng.randrange(60), fold=rng.randrange(2))
        return int(datetime.combine(day, clock, zone).timestamp())

    def _weight(self, day: date) -> float:
        season = _MONTHS[day.month - 1] * _WEEKDAYS[day.weekday()]
        return _growth(self._days[0], day) * season


@dataclass(frozen=True)
class Campaign:
    """A campaign; ``ended`` is its planned last day, which may lie in the future."""

    campaign_id: str
    name: str
    channel: str
    started: date
    ended: date
    daily_budget: float


class Campaigns:
    """All campaigns of the company, and what was spent on them."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._rng = stream(company.seed, "campaigns")
        turns = [
            (channel, turn) for channel, plan in _CAMPAIGN_PLAN.items() for turn in range(plan[0])
        ]
        self.all = [
            self._plan(f"C{number:03d}", channel, turn)
            for number, (channel, turn) in enumerate(turns, start=1)
        ]
        self._running: defaultdict[str, list[Campaign]] = defaultdict(list)
        for campaign in self.all:
            self._running[campaign.channel].append(campaign)

    def draw(self, rng: Random, channel: str, at: int) -> str:
        """The id of a campaign of the channel running at that instant; empty for none."""
        day = datetime.fromtimestamp(at, UTC).date()
        running = [
            campaign.campaign_id
            for campaign in self._running[channel]
            if campaign.started <= day <= campaign.ended
        ]
        return rng.choice(running) if running and rng.random() < 0.8 else ""

    def spend(self) -> Iterator[tuple[Campaign, date, float]]:
        """Money spent by campaign and day, on the days that are over when the story ends."""
        rng = stream(self._company.seed, "spend")
        for campaign in self.all:
            day = campaign.started
            while day <= campaign.ended and day < self._company.ends:
                pace = _growth(self._company.starts, day) * (0.55 if day.weekday() >= 5 else 1)
                yield campaign, day, campaign.daily_budget * pace * rng.lognormvariate(0, 0.25)
                day += timedelta(days=1)

    def _plan(self, campaign_id: str, channel: str, turn: int) -> Campaign:
        count, days, budget = _CAMPAIGN_PLAN[channel]
        span = (self._company.ends_at - self._company.starts_at) // DAY
        # spread over the history so that a channel is seldom without one
        first = span * turn // count + self._rng.randrange(span // count // 3)
        started = self._company.starts + timedelta(days=first)
        theme = self._rng.choice(_THEMES)
        return Campaign(
            campaign_id=campaign_id,
            name=f"{theme} ({channel}, {started:%Y-%m})",
            channel=channel,
            started=started,
            ended=started + timedelta(days=int(days * self._rng.uniform(0.8, 1.3))),
            daily_budget=budget * self._rng.uniform(0.7, 1.4),
        )


def _growth(since: date, day: date) -> float:
    """How many times bigger the company's market is on a day than on its first one."""
    return math.pow(_MONTHLY_GROWTH, (day - since).days / 30.4)
