"""The raw entities: what this product asks of any system, column by column.

A CSV export is mapped onto these tables (schema ``raw_csv_export``). Only ``leads`` is
required; every other table exists and may be empty.

A *moment* is a point in time that the source may know to the second or only to the day. It
lands in two columns, of which at most one is filled: ``<name>_at`` (``timestamptz``) or
``<name>_on`` (``date``). A day is never turned into a midnight (spec §0).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "boolean", "date", "moment"]


@dataclass(frozen=True)
class Field:
    """One column of an entity, as a mapping names it.

    A ``moment`` called ``created`` becomes the raw columns ``created_at`` and ``created_on``.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False


@dataclass(frozen=True)
class Entity:
    """One raw table: its key, and its columns in order.

    ``key`` names the fields that identify a record within its system: of rows that agree in
    them the last one counts. ``id_field`` is one more field, a text that only some systems have:
    the id of an event, or of a line of spend. Where a mapping names its column, it is required,
    and it is the key instead: events may then agree in all fields, and when the system corrects
    one, the time for instance, the new row takes the place of the old.
    """

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    id_field: str | None = None

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """The fields that a mapping may name: one for each raw column, or pair of columns."""
        if self.id_field is None:
            return self.fields
        return (*self.fields, Field(self.id_field, "text", "the row's own id in its system"))

    def key_in(self, columns: Container[str]) -> tuple[str, ...]:
        """Give the key of the rows of a file in which these fields have a column."""
        return (self.id_field,) if self.id_field and self.id_field in columns else self.key


ENTITIES: tuple[Entity, ...] = (
    Entity(
        "leads",
        key=("lead_id",),
        fields=(
            Field("lead_id", "text", "the record's id in its system", required=True),
            Field("created", "moment", "when the record was created"),
            Field("email", "text", "e-mail address, as the system holds it"),
            Field("phone", "text", "telephone number, as the system holds it"),
            Field("company", "text", "company name"),
            Field("country", "text", "ISO 3166 alpha-2 code of the lead's country"),
            Field("region", "text", "sales region"),
            Field("persona", "text", "buyer persona"),
            Field("channel", "text", "marketing channel that brought the lead (lead source)"),
            Field("campaign_id", "text", "campaign that brought the lead"),
            Field("owner_id", "text", "owner of the record at the time of the export"),
            Field("score", "integer", "lead score at the time of the export"),
        ),
    ),
    Entity(
        "stage_changes",
        key=("lead_id", "occurred", "stage"),
        fields=(
            Field("lead_id", "text", "the lead that moved", required=True),
            Field("occurred", "moment", "when it entered the stage", required=True),
            Field("stage", "text", "the stage entered, in the source's own words", required=True),
            Field("reason", "text", "why, where the source says (disqualified, recycled, lost)"),
        ),
        id_field="change_id",
    ),
    Entity(
        "owners",
        key=("owner_id",),
        fields=(
            Field("owner_id", "text", "the user's id in its system", required=True),
            Field("name", "text", "display name"),
            Field("team", "text", "team, as the agreement names it"),
            Field("time_zone", "text", "IANA zone in which the owner works"),
            Field("is_active", "boolean", "false once the owner has left"),
        ),
    ),
    Entity(
        "ownership_changes",
        key=("lead_id", "occurred"),
        fields=(
            Field("lead_id", "text", "the lead that changed hands", required=True),
            Field("occurred", "moment", "when", required=True),
            Field("owner_id", "text", "the new owner; empty: nobody"),
        ),
        id_field="change_id",
    ),
    Entity(
        "touches",
        key=("touch_id",),
        fields=(
            Field("touch_id", "text", "the activity's id in its system", required=True),
            Field("lead_id", "text", "the lead touched", required=True),
            Field("occurred", "moment", "when it happened", required=True),
            Field("kind", "text", "call, email, meeting, message, note, task, form", required=True),
            Field("direction", "text", "outbound or inbound"),
            Field("is_automated", "boolean", "true where no human acted"),
            Field("owner_id", "text", "who acted"),
            Field("outcome", "text", "connected, no answer, held, no show, replied, bounced"),
        ),
    ),
    Entity(
        "opportunities",
        key=("opportunity_id",),
        fields=(
            Field("opportunity_id", "text", "the deal's id in its system", required=True),
            Field("lead_id", "text", "the lead it came from", required=True),
            Field("opened", "moment", "when the deal was created"),
            Field("closed", "moment", "when it was won or lost; empty while open"),
            Field("status", "text", "open, won or lost", required=True),
            Field("amount", "number", "deal value, in its currency"),
            Field("currency", "text", "ISO 4217 code"),
            Field("owner_id", "text", "owner of the deal"),
        ),
    ),
    Entity(
        "campaigns",
        key=("campaign_id",),
        fields=(
            Field("campaign_id", "text", "the campaign's id in its system", required=True),
            Field("name", "text", "display name"),
            Field("channel", "text", "marketing channel"),
            Field("started", "date", "first day"),
            Field("ended", "date", "last day; empty while it runs"),
        ),
    ),
    Entity(
        "spend",
        key=("campaign_id", "spent"),
        fields=(
            Field("campaign_id", "text", "the campaign paid for", required=True),
            Field("spent", "date", "the day the money is booked on", required=True),
            Field("amount", "number", "money spent that day, in its currency", required=True),
            Field("currency", "text", "ISO 4217 code"),
        ),
        id_field="spend_id",
    ),
    Entity(
        "deletions",
        key=("lead_id",),
        fields=(
            Field("lead_id", "text", "the record deleted", required=True),
            Field("deleted", "moment", "when", required=True),
        ),
    ),
    Entity(
        "merges",
        key=("merged_lead_id",),
        fields=(
            Field("merged_lead_id", "text", "the record that vanished", required=True),
            Field("surviving_lead_id", "text", "the record it became part of", required=True),
            Field("merged", "moment", "when", required=True),
        ),
    ),
)
