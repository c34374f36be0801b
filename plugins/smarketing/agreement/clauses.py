"""What the clauses of an agreement are made of."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict

from smarketing.agreement.quantities import refuse


class Clause(BaseModel):
    """Any part of the agreement: says what it knows and refuses what it does not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


Zone = Annotated[str, AfterValidator(_known_zone)]


def each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a list; one that repeats is refused."""
    seen = set()
    for value in values:
        if value in seen:
            refuse("each entry once", "remove one of the two", found=f"'{value}' twice")
        seen.add(value)
    return values
