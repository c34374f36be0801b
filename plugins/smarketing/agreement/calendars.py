"""When a team works."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from smarketing.agreement.clause import Clause, Zone, each_once, in_order
from smarketing.agreement.hours import ALWAYS, WEEKDAYS, DaySpan, LocalWindow, Weekdays, Window
from smarketing.agreement.quantities import refuse


def _spelled_out(hours: object) -> object:
    return {f"{WEEKDAYS[0]}-{WEEKDAYS[-1]}": ("00:00-24:00",)} if hours == ALWAYS else hours


def _opening(
    hours: dict[DaySpan, tuple[LocalWindow, ...]],
) -> dict[DaySpan, tuple[LocalWindow, ...]]:
    for number, weekday in enumerate(WEEKDAYS):
        if sum(number in span for span in hours) > 1:
            refuse(
                "each day of the week once",
                f"name '{weekday}' in one entry only",
                found=f"'{weekday}' in two entries",
            )
    if not any(hours.values()):
        refuse(
            "a calendar that opens at some time",
            f"give hours like 'mon-thu: [\"09:00-18:00\"]', or '{ALWAYS}'",
            found="no opening hours",
        )
    return hours


ClosedDates = Annotated[tuple[date, ...], AfterValidator(each_once), AfterValidator(in_order)]
Hours = Annotated[
    dict[Weekdays, tuple[Window, ...]],
    BeforeValidator(
        _spelled_out,
        json_schema_input_type=dict[Weekdays, tuple[Window, ...]] | Literal["24x7"],
    ),
    AfterValidator(_opening),
]


class Calendar(Clause):
    """When a team works."""

    zone: Zone
    """The zone of its clocks."""
    hours: Hours
    """The windows that open on each day of the week, several a day and past midnight if need be;
    or '24x7'."""
    closed: ClosedDates = ()
    """Local dates on which no window opens."""
