"""How a company keeps its leads in HubSpot: ``hubspot.yml``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from smarketing.sources.hubspot.tables import MAPPED
from smarketing.sources.links import RecordLink

_OURS: Final = frozenset(column.name for column in MAPPED)


class Settings(BaseModel):
    """What differs from account to account.

    ``connection`` is an Airflow connection: the key of a private app (or a service key) as its
    password, or the ``client_id``, ``client_secret`` and ``refresh_token`` of an OAuth app in
    its extra. ``api``: paths with dates, or the legacy ones that end in September 2027.
    ``contacts`` names the property that fills each of our columns; ``history`` further
    properties whose former values matter. What ``never`` names is not asked for; nor is what
    HubSpot marks as sensitive.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "hubspot"
    connection: str = "hubspot"
    record_link: RecordLink | None = None
    api: Literal["dated", "legacy"] = "dated"
    calls_per_10_seconds: Annotated[int, Field(ge=1)] = 190
    searches_per_second: Annotated[int, Field(ge=1)] = 5
    look_back_minutes: Annotated[int, Field(ge=1)] = 60
    contacts: dict[str, str] = Field(default_factory=dict)
    history: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    @field_validator("contacts")
    @classmethod
    def _are_ours(cls, contacts: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(contacts.keys() - _OURS):
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(_OURS))}")
        return contacts
