"""HubSpot's records as rows: contacts, companies, deals and engagements with their history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from smarketing.sources.api.tables import Row
from smarketing.sources.hubspot.api import ASSOCIATED, Told

ENGAGEMENTS: Final = ("calls", "emails", "meetings", "tasks", "communications", "notes")
KINDS: Final = ("contacts", "companies", "deals", *ENGAGEMENTS)
WITH_HISTORY: Final = ("contacts", "deals")

MERGED_IDS: Final = "Merged record IDs"
"""The label of the property with the ids of merged records; its name is nowhere documented."""

# our column: HubSpot's property
_FIXED: Final[dict[str, dict[str, str]]] = {
    "contacts": {
        "email": "email",
        "lifecycle_stage": "lifecyclestage",
        "lead_status": "hs_lead_status",
        "owner_id": "hubspot_owner_id",
    },
    "companies": {
        "name": "name",
        "domain": "domain",
        "country": "country",
        "owner_id": "hubspot_owner_id",
    },
    "deals": {
        "name": "dealname",
        "pipeline": "pipeline",
        "stage": "dealstage",
        "amount": "amount",
        "currency": "deal_currency_code",
        "closed_at": "closedate",
        "owner_id": "hubspot_owner_id",
    },
}
_OF_ENGAGEMENTS: Final[dict[str, dict[str, str]]] = {
    "calls": {"direction": "hs_call_direction", "outcome": "hs_call_disposition"},
    "emails": {"direction": "hs_email_direction", "outcome": "hs_email_status"},
    "meetings": {"outcome": "hs_meeting_outcome"},
    "tasks": {"outcome": "hs_task_status"},
    "communications": {"outcome": "hs_communication_channel_type"},
    "notes": {},
}
_HISTORY_OF_DEALS: Final = ("stage", "amount", "closed_at", "owner_id")
IDS: Final = {
    "contacts": "contact_id",
    "companies": "company_id",
    "deals": "deal_id",
    **dict.fromkeys(ENGAGEMENTS, "engagement_id"),
}
"""The column with the id of each kind of record."""
_SINGULAR: Final = {"contacts": "contact", "companies": "company", "deals": "deal"}


@dataclass(frozen=True)
class Reading:
    """Which properties of a kind of record are read, and what they fill.

    ``columns`` gives our columns their property, ``own`` the account's further properties,
    ``followed`` the properties whose former values matter, by the names that their history has
    with us; ``merged_ids`` is the property with the ids of merged records, where there is one.
    """

    kind: str
    columns: Mapping[str, str]
    own: tuple[str, ...] = ()
    followed: Mapping[str, str] = field(default_factory=dict)
    merged_ids: str = ""

    @property
    def properties(self) -> list[str]:
        """All properties to ask for."""
        merged = [self.merged_ids] if self.merged_ids else []
        return list(dict.fromkeys([*self.columns.values(), *self.own, *merged]))

    @property
    def histories(self) -> list[str]:
        """The properties whose former values to ask for."""
        if self.kind not in WITH_HISTORY:
            return []
        merged = [self.merged_ids] if self.merged_ids else []
        return list(dict.fromkeys([*self.followed.values(), *merged]))

    @property
    def plan(self) -> dict[str, str]:
        """What has to be read anew where it was another before."""
        return {**self.columns, **{f"history of {name}": of for name, of in self.followed.items()}}

    def rows(self, records: Sequence[Told]) -> dict[str, list[Row]]:
        """The rows of a page, by table."""
        table = "engagements" if self.kind in ENGAGEMENTS else self.kind
        rows: dict[str, list[Row]] = {table: [self._row(record) for record in records]}
        if self.kind in WITH_HISTORY:
            rows["property_history"] = [row for record in records for row in self._history(record)]
        if self.merged_ids:
            rows["merges"] = [row for record in records for row in self._merges(record)]
        return rows

    def _row(self, record: Told) -> Row:
        told = record["properties"]
        row: dict[str, Any] = {name: told.get(of) for name, of in self.columns.items()}
        row["created_at"], row["updated_at"] = record["createdAt"], record["updatedAt"]
        row[IDS[self.kind]] = record["id"]
        if self.kind in ENGAGEMENTS:
            row["kind"] = self.kind
        else:
            row["custom"] = {name: told[name] for name in self.own if told.get(name)}
        for to in ASSOCIATED.get(self.kind, ()):
            others = (record.get("associations") or {}).get(to, {}).get("results", ())
            row[f"{_SINGULAR[to]}_ids"] = sorted({str(other["id"]) for other in others})
        return row

    def _history(self, record: Told) -> Iterator[Row]:
        told = record.get("propertiesWithHistory") or {}
        for name, of in self.followed.items():
            # a record without history is no reason to leave out the others; they are told latest
            # first, and of two in one instant the latest counts
            for entry in reversed(told.get(of) or ()):
                yield {
                    "kind": self.kind,
                    "record_id": record["id"],
                    "property": name,
                    "changed_at": entry["timestamp"],
                    "value": entry["value"],
                    "source_type": entry.get("sourceType"),
                    "source_id": entry.get("sourceId"),
                }

    def _merges(self, record: Told) -> Iterator[Row]:
        """Each id that became part of the record, since when it has been named."""
        history = (record.get("propertiesWithHistory") or {}).get(self.merged_ids) or ()
        current = record["properties"].get(self.merged_ids) or ""
        since: dict[str, str | None] = dict.fromkeys(_ids(current))
        for entry in sorted(history, key=lambda entry: str(entry["timestamp"])):
            for merged in _ids(entry["value"]):
                since[merged] = since.get(merged) or entry["timestamp"]
        for merged, at in since.items():
            yield {
                "kind": self.kind,
                "merged_id": merged,
                "surviving_id": record["id"],
                "merged_at": at,
            }


def fixed_columns(kind: str) -> dict[str, str]:
    """The columns of a kind that every account fills from the same property."""
    if kind in ENGAGEMENTS:
        common = {"happened_at": "hs_timestamp", "owner_id": "hubspot_owner_id"}
        return common | _OF_ENGAGEMENTS[kind]
    return dict(_FIXED[kind])


def followed_columns(kind: str, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns of a kind whose former values matter, with their properties: of a contact all."""
    if kind == "contacts":
        return dict(columns)
    return {name: columns[name] for name in _HISTORY_OF_DEALS} if kind == "deals" else {}


def _ids(text: str | None) -> list[str]:
    return [one for one in (text or "").split(";") if one]
