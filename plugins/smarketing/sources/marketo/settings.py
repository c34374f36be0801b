"""How a company keeps its leads in Marketo: ``marketo.yml``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from smarketing.sources.links import RecordLink
from smarketing.sources.marketo.tables import MAPPED

_OURS: Final = frozenset(column.name for column in MAPPED)

# visits, forms, links, e-mails (sent to unsubscribed), new leads, changes of values and of scores,
# merges, stages, programs
_OF_INTEREST: Final = (1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 22, 32, 101, 104)


class Settings(BaseModel):
    """What differs from instance to instance.

    ``connection`` is an Airflow connection: the instance's endpoint as its host, client id and
    client secret of a custom service as its login and password. ``leads`` names the field that
    fills each of our columns where it is not the usual one; what ``never`` names is not asked
    for. ``activity_types`` are the types of the log that are read, by number.

    The limits are shared by all who call the instance: leave some to others. Of what may be
    exported in a day a first load takes no more than ``first_load_share``. ``since`` is the
    first day that it reads; without it the log is asked for its first lead. ``currency`` (ISO
    4217) is that of the costs of programs, which Marketo does not tell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "marketo"
    connection: str = "marketo"
    record_link: RecordLink | None = None
    calls_per_20_seconds: Annotated[int, Field(ge=1)] = 50
    megabytes_per_day: Annotated[int, Field(ge=1)] = 500
    first_load_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    look_back_hours: Annotated[int, Field(ge=1)] = 24
    since: date | None = None
    leads: dict[str, str] = Field(default_factory=dict)
    never: tuple[str, ...] = ()
    activity_types: tuple[int, ...] = _OF_INTEREST
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None

    @field_validator("leads")
    @classmethod
    def _are_ours(cls, leads: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(leads.keys() - _OURS):
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(_OURS))}")
        return leads
