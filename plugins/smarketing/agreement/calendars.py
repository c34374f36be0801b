"""Calendars: when a team works, as the contract writes it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self
from warnings import catch_warnings, simplefilter

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from smarketing.agreement.clauses import Clause, Zone, each_once
from smarketing.agreement.hours import ALWAYS, WEEKDAYS, DaySpan, LocalWindow, Weekdays, Window
from smarketing.agreement.quantities import refuse

if TYPE_CHECKING:
    from holidays import HolidayBase


def _spelled_out(hours: object) -> object:
    return {f"{WEEKDAYS[0]}-{WEEKDAYS[-1]}": ("00:00-24:00",)} if hours == ALWAYS else hours


def _each_weekday_once(
    hours: dict[DaySpan, tuple[LocalWindow, ...]],
) -> dict[DaySpan, tuple[LocalWindow, ...]]:
    for number, weekday in enumerate(WEEKDAYS):
        if sum(number in span for span in hours) > 1:
            refuse(
                "each day of the week once",
                f"name '{weekday}' in one entry only",
                found=f"'{weekday}' in two entries",
            )
    return hours


def _day(key: object) -> date:
    try:
        day = date.fromisoformat(str(key))
    except ValueError:
        day = None
    # ISO 8601 has other spellings, and a day must not be there under two of them
    if day is None or str(day) != str(key):
        refuse("a day that the calendar has, as year-month-day", "write it like 2025-12-24")
    return day


Windows = Annotated[
    tuple[Window, ...],
    AfterValidator(lambda windows: tuple(sorted(windows, key=lambda window: window.opens))),
]
Hours = Annotated[
    dict[Weekdays, Windows],
    BeforeValidator(
        _spelled_out,
        json_schema_input_type=dict[Weekdays, Windows] | Literal["24x7"],
    ),
    AfterValidator(_each_weekday_once),
]
ClosedDates = Annotated[
    tuple[date, ...], AfterValidator(each_once), AfterValidator(lambda dates: tuple(sorted(dates)))
]
Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}),
]
Exceptions = dict[Day, Windows]


class PublicHolidays(Clause):
    """The public holidays of a country or a part of it, as the ``holidays`` library has them."""

    country: Annotated[str, Field(examples=["ES"], json_schema_extra={"pattern": "^[A-Z]{2}$"})]
    """The country, by its two letters in ISO 3166: ES."""
    subdivision: Annotated[str, Field(examples=["MD"])] | None = None
    """The part of it, by its code in ISO 3166: MD for Madrid."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        from holidays import list_supported_countries

        subdivisions = list_supported_countries(include_aliases=False).get(self.country)
        if subdivisions is None:
            near = _countries_like(self.country)
            refuse(
                "a country whose public holidays are known, by its two letters in ISO 3166",
                f"say '{near}'" if near else "say 'ES' for Spain, and so on",
                found=f"the country '{self.country}'",
            )
        if self.subdivision is not None and self.subdivision not in subdivisions:
            refuse(
                f"a part of {self.country} that has public holidays of its own",
                f"say one of: {', '.join(subdivisions)}"
                if subdivisions
                else "remove it: the whole country has the same",
                found=f"the subdivision '{self.subdivision}'",
            )
        return self

    def __contains__(self, day: date) -> bool:
        with catch_warnings():
            # in years that the library does not know there are none
            simplefilter("ignore")
            return day in _public_holidays(self.country, self.subdivision)


def _countries_like(country: str) -> str | None:
    from holidays.registry import COUNTRIES

    codes = {name.lower(): names[1] for names in COUNTRIES.values() for name in names}
    near = difflib.get_close_matches(country.replace(" ", "").lower(), codes, n=1)
    return codes[near[0]] if near else None


@cache
def _public_holidays(country: str, subdivision: str | None) -> HolidayBase:
    from holidays import country_holidays

    # years are worked out as they are asked for
    return country_holidays(country, subdiv=subdivision)


class Season(Clause):
    """A stretch of days, both ends included, with a week of its own: summer hours, a break."""

    first_day: date
    """The first day on which these hours hold."""
    last_day: date
    """The last one."""
    hours: Hours
    """The hours of its weeks."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last_day < self.first_day:
            refuse(
                "a season that ends on or after its first day",
                "exchange the two, or correct the year",
                found=f"{self.first_day} to {self.last_day}",
            )
        return self

    def __contains__(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


def _one_at_a_time(seasons: tuple[Season, ...]) -> tuple[Season, ...]:
    in_order = tuple(sorted(seasons, key=lambda season: season.first_day))
    for earlier, later in pairwise(in_order):
        if later.first_day in earlier:
            refuse(
                "at most one season on any day",
                f"let the earlier one end before {later.first_day}",
                found=f"one until {earlier.last_day} and another from {later.first_day}",
            )
    return in_order


class Calendar(Clause):
    """When a team works: a week, and what stands above it on single days."""

    zone: Zone
    """The zone of its clocks."""
    hours: Hours
    """The hours of a week, by days: several windows a day, past midnight too; or 24x7."""
    holidays: PublicHolidays | None = None
    """Whose public holidays are kept: on them it stays closed."""
    closed: ClosedDates = ()
    """Other days on which it stays closed."""
    exceptions: Exceptions = Field({})
    """Single days with hours of their own: half days, a holiday that is worked."""
    seasons: Annotated[tuple[Season, ...], AfterValidator(_one_at_a_time)] = ()
    """Stretches of days with a week of their own: summer hours."""

    def windows_on(self, day: date) -> tuple[LocalWindow, ...]:
        """The windows that open on a local date, as they are written.

        An exception stands above a closed day, that above a public holiday, that above the hours
        of a season, and these above the week.
        """
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.closed or (self.holidays is not None and day in self.holidays):
            return ()
        hours = next((season.hours for season in self.seasons if day in season), self.hours)
        return next((windows for span, windows in hours.items() if day.weekday() in span), ())

    @model_validator(mode="after")
    def _closed_or_exceptional(self) -> Self:
        for day in self.closed:
            if day in self.exceptions:
                refuse(
                    "each day in one of the two",
                    "remove it from 'closed', or from 'exceptions'",
                    found=f"{day} in 'closed' and in 'exceptions'",
                )
        return self

    @model_validator(mode="after")
    def _opening(self) -> Self:
        if not any(map(self.windows_on, self._telling_days())):
            refuse(
                "a calendar that opens at some time",
                f"give hours like 'mon-thu: [\"09:00-18:00\"]', or '{ALWAYS}', and see which days "
                "they leave open",
                found="no day on which it opens",
            )
        return self

    def _telling_days(self) -> Iterator[date]:
        """Days of which one opens if any does: the named ones, and two years without a name."""
        ends = [*self.closed, *self.exceptions, *(season.last_day for season in self.seasons)]
        unnamed = max(ends, default=date(2000, 1, 1)).toordinal() + 1
        stretches = [(season.first_day, season.last_day) for season in self.seasons]
        ordinals = chain(
            *(range(first.toordinal(), last.toordinal() + 1) for first, last in stretches),
            range(unnamed, min(unnamed + 2 * 366, date.max.toordinal() + 1)),
        )
        return chain(self.exceptions, map(date.fromordinal, ordinals))
