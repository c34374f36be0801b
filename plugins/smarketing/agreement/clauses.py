"""What every clause of the agreement is made of."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable
from datetime import date
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from smarketing.agreement.quantities import refuse

EntryT = TypeVar("EntryT", bound=Hashable)


class Clause(BaseModel):
    """Any part of the agreement: says what it knows and refuses what it does not."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


def each_once(values: tuple[EntryT, ...]) -> tuple[EntryT, ...]:
    """Refuse an entry that stands twice."""
    seen = set()
    for value in values:
        if value in seen:
            refuse("each entry once", "remove one of the two", found=f"'{value}' twice")
        seen.add(value)
    return values


def in_order(values: Iterable[EntryT]) -> tuple[EntryT, ...]:
    """The one spelling of a list whose order means nothing."""
    return tuple(sorted(values))  # type: ignore[type-var]


@cache
def _zones() -> frozenset[str]:
    # names without an area ("localtime", "EST") mean different things on different machines.
    return frozenset(zone for zone in available_timezones() if "/" in zone) | {"UTC"}


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        near = difflib.get_close_matches(zone, sorted(_zones()), n=1)
        refuse(
            "a time zone of the IANA list, like 'Europe/Madrid'",
            f"say '{near[0]}'" if near else "say 'Area/City'",
        )
    return zone


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Zone = Annotated[str, AfterValidator(_known_zone)]
StartDate = Annotated[date, Field(ge=date(2000, 1, 1))]
Texts = Annotated[tuple[Text, ...], AfterValidator(each_once)]
