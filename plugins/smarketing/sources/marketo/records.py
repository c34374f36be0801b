"""Marketo's files and answers as rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, Final

import orjson
from smarketing.sources.api.files import csv_batches
from smarketing.sources.api.tables import Row
from smarketing.sources.marketo.api import Told, instant

if TYPE_CHECKING:
    import pyarrow as pa

EMPTY: Final = "null"
"""How files write that there is no value. Whoever is called Null has no name there."""

MERGE: Final = 32

LEAD_FIELDS: Final = {
    "lead_id": "id",
    "email": "email",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}
"""Our columns of a lead that every instance fills from the same field."""

USUAL_FIELDS: Final = {
    "phone": "phone",
    "company": "company",
    "country": "country",
    "channel": "leadSource",
    "program_id": "acquisitionProgramId",
    "score": "leadScore",
    "lead_status": "leadStatus",
    "sfdc_lead_id": "sfdcLeadId",
    "sfdc_contact_id": "sfdcContactId",
    "sfdc_type": "sfdcType",
}
"""Those that are filled so where the instance has the field, unless it is mapped otherwise."""

ACTIVITY_FIELDS: Final = {
    "activity_id": "marketoGUID",
    "lead_id": "leadId",
    "type_id": "activityTypeId",
    "happened_at": "activityDate",
    "primary_attribute_id": "primaryAttributeValueId",
    "primary_attribute_value": "primaryAttributeValue",
    "campaign_id": "campaignId",
    "attributes": "attributes",
}
MEMBER_FIELDS: Final = {
    "program_id": "programId",
    "lead_id": "leadId",
    "status": "statusName",
    "member_since": "membershipDate",
    "is_success": "reachedSuccess",
    "succeeded_at": "reachedSuccessDate",
    "is_acquired": "acquiredBy",
    "updated_at": "updatedAt",
}

_OWN: Final = "own field "

Rows = Mapping[str, "Sequence[Row] | pa.RecordBatch"]


@dataclass(frozen=True)
class LeadFile:
    """How the columns of a file of leads become ours: some by their names, the others JSON."""

    columns: Mapping[str, str]
    own: tuple[str, ...]

    @property
    def fields(self) -> list[str]:
        """All fields to ask for."""
        return list(dict.fromkeys([*self.columns.values(), *self.own]))

    def rows(self, file: IO[bytes]) -> Iterator[Rows]:
        """The rows, block by block."""
        import pyarrow as pa

        own = {f"{_OWN}{name}": name for name in self.own}
        for batch in csv_batches(file, {**self.columns, **own}, empty=EMPTY):
            texts = [batch.column(name).to_pylist() for name in own]
            custom = pa.array(map(self._custom, zip(*texts, strict=True)), pa.string())
            if not own:
                custom = pa.nulls(batch.num_rows, pa.string())
            ours = batch.select(list(self.columns))
            yield {"leads": ours.append_column("custom", custom)}

    def _custom(self, values: Sequence[str | None]) -> str:
        told = {name: text for name, text in zip(self.own, values, strict=True) if text}
        return orjson.dumps(told).decode()


def activity_rows(file: IO[bytes]) -> Iterator[Rows]:
    """The rows of a file of activities, with the merges among them."""
    import pyarrow.compute as pc

    for batch in csv_batches(file, ACTIVITY_FIELDS, empty=EMPTY):
        merges = batch.filter(pc.equal(batch.column("type_id"), str(MERGE)))
        yield {
            "activities": batch,
            "merges": [row for told in merges.to_pylist() for row in _merges(told)],
        }


def member_rows(file: IO[bytes]) -> Iterator[Rows]:
    """The rows of a file of members of programs."""
    for batch in csv_batches(file, MEMBER_FIELDS, empty=EMPTY):
        yield {"program_members": batch}


def program_row(told: Told) -> Row:
    """A program."""
    return {
        "program_id": told["id"],
        "name": told.get("name"),
        "type": told.get("type"),
        "channel": told.get("channel"),
        "status": told.get("status"),
        "workspace": told.get("workspace"),
        "started_at": _asset_instant(told.get("startDate")),
        "ended_at": _asset_instant(told.get("endDate")),
        "created_at": _asset_instant(told.get("createdAt")),
        "updated_at": _asset_instant(told.get("updatedAt")),
    }


def spend_rows(told: Told, currency: str | None) -> list[Row]:
    """The costs of a program, by month."""
    months: dict[str, Decimal] = {}
    for cost in told.get("costs") or ():
        month = f"{str(cost['startDate'])[:7]}-01"
        months[month] = months.get(month, Decimal(0)) + Decimal(str(cost.get("cost") or 0))
    return [
        {"program_id": told["id"], "month": month, "amount": amount, "currency": currency}
        for month, amount in months.items()
    ]


def _merges(told: Mapping[str, Any]) -> Iterator[Row]:
    """The leads that became part of another: the winner is the primary attribute, too."""
    try:
        attributes = orjson.loads(told["attributes"] or "{}")
    except orjson.JSONDecodeError:
        # the activity itself is kept aside for it
        return
    losers = {name.lower().replace("_", " "): ids for name, ids in attributes.items()}
    for loser in re.findall(r"\d+", str(losers.get("merge ids", ""))):
        yield {
            "merged_id": loser,
            # once the winner is merged itself, the activity is another's
            "surviving_id": told["primary_attribute_id"] or told["lead_id"],
            "merged_at": told["happened_at"],
        }


def _asset_instant(told: str | None) -> Any:
    """Unreadable text is left to whoever keeps it aside."""
    try:
        return instant(told) if told else None
    except ValueError:
        return told
