"""How a company keeps its leads in Salesforce: ``salesforce.yml``."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from smarketing.sources.links import RecordLink

_PERSON: Final = frozenset(
    {
        "phone", "country", "region", "persona", "channel", "campaign_id", "score",
        "second_email", "arrived_on", "reason",
    }
)  # fmt: skip
_OURS: Final = {
    "users": frozenset({"team"}),
    "leads": _PERSON | {"company"},
    "contacts": _PERSON | {"lifecycle_stage"},
    "accounts": frozenset({"region"}),
    "tasks": frozenset({"direction", "outcome"}),
    "events": frozenset({"direction", "outcome"}),
}


class Spend(BaseModel):
    """An object of the company's own that holds what campaigns cost, and its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: str
    campaign_id: str
    day: str
    amount: str


class Settings(BaseModel):
    """What differs from org to org.

    ``connection`` is an Airflow connection. Its host is the login host, or the My Domain host;
    its extra holds ``client_id`` and, of a connected app: ``client_secret``, and for its user
    ``refresh_token``; or ``private_key`` (PEM) and ``username`` for a JWT.

    ``users`` to ``events`` name the fields that fill our columns, beside those that every org
    fills from the same field. What ``never`` names is not asked for; nor is what is encrypted.
    From ``bulk_from`` rows on, the Bulk API is used. Values that are calculated leave no trace
    when they change: where such fields are read, all is read again every ``calculated_days``.
    Reading ends for the day when ``share_of_calls`` of the org's calls in 24 hours, those of
    other apps included, are used up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "salesforce"
    connection: str = "salesforce"
    record_link: RecordLink | None = None
    api: Annotated[str, Field(pattern=r"^\d\d\.0$")] = "67.0"
    look_back_minutes: Annotated[int, Field(ge=1)] = 60
    bulk_from: Annotated[int, Field(ge=1)] = 20_000
    calculated_days: Annotated[int, Field(ge=1)] = 7
    share_of_calls: Annotated[float, Field(gt=0, le=1)] = 0.8
    users: dict[str, str] = Field(default_factory=dict)
    leads: dict[str, str] = Field(default_factory=dict)
    contacts: dict[str, str] = Field(default_factory=dict)
    accounts: dict[str, str] = Field(default_factory=dict)
    tasks: dict[str, str] = Field(default_factory=dict)
    events: dict[str, str] = Field(default_factory=dict)
    spend: Spend | None = None
    never: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _are_ours(self) -> Settings:
        for kind, ours in _OURS.items():
            if unknown := sorted(getattr(self, kind).keys() - ours):
                raise ValueError(
                    f"{kind}: unknown: {', '.join(unknown)}; known: {', '.join(sorted(ours))}"
                )
        return self
