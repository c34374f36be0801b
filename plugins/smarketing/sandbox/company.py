"""The fictional company: how big it is, how long it has existed, and who works there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from zoneinfo import ZoneInfo

from smarketing.sandbox.clock import DAY, KOLKATA, MADRID, NEW_YORK, export_instant

HISTORY_MONTHS = 18
CURRENCY = "EUR"

MARKETING = "Marketing"
SALES_TEAMS = {
    "EMEA": "Sales EMEA",
    "Americas": "Sales Americas",
    "APAC": "Sales APAC",
}
REGION_ZONES = {"EMEA": MADRID, "Americas": NEW_YORK, "APAC": KOLKATA}


@dataclass(frozen=True)
class Owner:
    """A user of the CRM. ``joined`` and ``left`` are shares of the company's history."""

    owner_id: str
    name: str
    team: str
    zone: ZoneInfo
    joined: float = 0.0
    left: float | None = None

    @property
    def is_sales(self) -> bool:
        """Whether the owner is a member of a sales team."""
        return self.team != MARKETING


STAFF = (
    Owner("U101", "Lucía Ferrer", MARKETING, MADRID),
    Owner("U102", "Mikel Otxoa", MARKETING, MADRID),
    Owner("U103", "Dana Whitfield", MARKETING, NEW_YORK),
    Owner("U104", "Priya Raman", MARKETING, KOLKATA),
    Owner("U201", "Íñigo Salvatierra", "Sales EMEA", MADRID),
    Owner("U202", "Chloé Dubreuil", "Sales EMEA", MADRID),
    Owner("U203", "Jonas Lindqvist", "Sales EMEA", MADRID),
    Owner("U204", "Marta Quiroga", "Sales EMEA", MADRID, left=0.62),
    Owner("U205", "Tariq Haddad", "Sales EMEA", MADRID),
    Owner("U206", "Zoë Vandermeer", "Sales EMEA", MADRID, joined=0.35),
    Owner("U301", "Maya Sterling", "Sales Americas", NEW_YORK),
    Owner("U302", 'Robert "Bo" Castell', "Sales Americas", NEW_YORK),
    Owner("U303", "Ximena Arce, MBA", "Sales Americas", NEW_YORK),
    Owner("U304", "Caleb Norwood", "Sales Americas", NEW_YORK, left=0.97),
    Owner("U305", "Inês Tavares", "Sales Americas", NEW_YORK, joined=0.5),
    Owner("U401", "Ananya Iyer", "Sales APAC", KOLKATA),
    Owner("U402", "Kenji Morita", "Sales APAC", KOLKATA),
    Owner("U403", "Rohan Deshmukh", "Sales APAC", KOLKATA, joined=0.25),
)
OWNERS = {owner.owner_id: owner for owner in STAFF}


@dataclass(frozen=True)
class Company:
    """One fictional company. Equal settings: equal history, to the byte.

    ``leads`` counts persons; some of them have more than one record. ``nights`` is the number
    of deliveries, the last of which is cut at 02:00 UTC of ``ends``.
    """

    seed: int
    leads: int
    nights: int
    ends: date

    def __post_init__(self) -> None:
        if self.leads < 1:
            raise ValueError(f"leads: at least 1, not {self.leads}")
        longest = (self.ends - self.starts).days
        if not 1 <= self.nights <= longest:
            raise ValueError(f"nights: 1 to {longest}, not {self.nights}")

    @cached_property
    def starts(self) -> date:
        """The first day of the history."""
        months = self.ends.year * 12 + self.ends.month - 1 - HISTORY_MONTHS
        # the 28th is the last day that every month has
        return date(months // 12, months % 12 + 1, min(self.ends.day, 28))

    @cached_property
    def starts_at(self) -> int:
        """The first instant of the history."""
        return export_instant(self.starts)

    @cached_property
    def ends_at(self) -> int:
        """The instant at which the last export is cut: nothing happens at or after it."""
        return export_instant(self.ends)

    @cached_property
    def deliveries(self) -> tuple[date, ...]:
        """The dates of the nights, first to last."""
        first = self.ends - timedelta(days=self.nights - 1)
        return tuple(first + timedelta(days=night) for night in range(self.nights))

    def night_of(self, known_at: int, nights_late: int = 0) -> int:
        """The index of the delivery that first holds what the CRM learnt at that instant."""
        first_at = self.ends_at - (self.nights - 1) * DAY
        night = (known_at - first_at) // DAY + 1 + nights_late
        return min(max(night, 0), self.nights - 1)

    def at_share(self, share: float) -> int:
        """The instant at which that share of the history has gone by."""
        return self.starts_at + int((self.ends_at - self.starts_at) * share)

    def is_employed(self, owner: Owner, at: int) -> bool:
        """Whether the owner had joined, and had not left, at that instant."""
        has_left = owner.left is not None and at >= self.at_share(owner.left)
        return at >= self.at_share(owner.joined) and not has_left

    def somebody(self, rng: Random, team: str, at: int) -> Owner:
        """A member of a team at that instant; every team has one from the first day."""
        members = [owner for owner in STAFF if owner.team == team and self.is_employed(owner, at)]
        return rng.choice(members)
