"""Which objects of Salesforce's are read, and which fields fill our columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from smarketing.sources.salesforce.settings import Settings

_MODIFIED: Final = {"created_at": "CreatedDate", "updated_at": "SystemModstamp"}
_CURRENCY: Final = {"currency": "CurrencyIsoCode"}
_WHO: Final = {"who_id": "WhoId", "what_id": "WhatId", "owner_id": "OwnerId"}


@dataclass(frozen=True)
class Kind:
    """An object, the table it fills, and the fields that fill the columns.

    ``optional`` names columns that not every org can fill. ``is_mortal``: records can be deleted,
    and we are to know; ``is_archived``: old ones are only told to those who ask for all.
    ``has_own``: the org's own fields are read as well.
    """

    object: str
    table: str
    id: str
    columns: Mapping[str, str]
    optional: frozenset[str] = frozenset({"currency"})
    is_mortal: bool = True
    is_archived: bool = False
    has_own: bool = False


@dataclass(frozen=True)
class History(Kind):
    """The history of an object's fields. ``of`` is the object, ``names`` our columns by field."""

    of: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def kinds(settings: Settings) -> list[Kind]:
    """Everything that is read as records, by the settings of an org."""
    leads = Kind(
        "Lead", "leads", "lead_id",
        {
            "lead_id": "Id",
            "email": "Email",
            "status": "Status",
            "owner_id": "OwnerId",
            "phone": "Phone",
            "company": "Company",
            "country": "Country",
            "channel": "LeadSource",
            **settings.leads,
            "is_converted": "IsConverted",
            "converted_on": "ConvertedDate",
            "converted_contact_id": "ConvertedContactId",
            "converted_account_id": "ConvertedAccountId",
            "converted_opportunity_id": "ConvertedOpportunityId",
            **_MODIFIED,
        },
        has_own=True,
    )  # fmt: skip
    contacts = Kind(
        "Contact", "contacts", "contact_id",
        {
            "contact_id": "Id",
            "email": "Email",
            "owner_id": "OwnerId",
            "account_id": "AccountId",
            "phone": "Phone",
            "country": "MailingCountry",
            "channel": "LeadSource",
            **settings.contacts,
            **_MODIFIED,
        },
        has_own=True,
    )  # fmt: skip
    opportunities = Kind(
        "Opportunity", "opportunities", "opportunity_id",
        {
            "opportunity_id": "Id",
            "name": "Name",
            "account_id": "AccountId",
            "stage": "StageName",
            "amount": "Amount",
            "probability": "Probability",
            "close_on": "CloseDate",
            "is_closed": "IsClosed",
            "is_won": "IsWon",
            "owner_id": "OwnerId",
            **_CURRENCY,
            **_MODIFIED,
        },
        has_own=True,
    )  # fmt: skip
    return [
        leads,
        contacts,
        opportunities,
        *(_history(kind) for kind in (leads, contacts, opportunities)),
        *_others(settings),
        *_activities(settings),
        *_campaigns(settings),
    ]


def _history(kind: Kind) -> History:
    fields = "OpportunityField" if kind.object == "Opportunity" else kind.object
    names = {name: column for column, name in kind.columns.items()}
    return History(
        f"{fields}History", "field_history", "history_id",
        {
            "history_id": "Id",
            "record_id": f"{kind.object}Id",
            "field": "Field",
            "type": "DataType",
            "old": "OldValue",
            "new": "NewValue",
            "changed_at": "CreatedDate",
            "changed_by": "CreatedById",
        },
        optional=frozenset({"type"}),
        is_mortal=False,
        of=kind.object,
        # history calls references by another name than queries do
        names=names | {name.removesuffix("Id"): names[name] for name in ("OwnerId", "AccountId")
                       if name in names},
    )  # fmt: skip


def _others(settings: Settings) -> list[Kind]:
    return [
        Kind(
            "User", "users", "user_id",
            {
                "user_id": "Id",
                "username": "Username",
                "email": "Email",
                "name": "Name",
                "team": "Department",
                **settings.users,
                "time_zone": "TimeZoneSidKey",
                "kind": "UserType",
                "is_active": "IsActive",
                **_MODIFIED,
            },
            is_mortal=False,
        ),
        Kind(
            "Account", "accounts", "account_id",
            {
                "account_id": "Id",
                "name": "Name",
                "domain": "Website",
                "country": "BillingCountry",
                **settings.accounts,
                "owner_id": "OwnerId",
                **_MODIFIED,
            },
            has_own=True,
        ),
        Kind(
            "OpportunityHistory", "opportunity_history", "history_id",
            {
                "history_id": "Id",
                "opportunity_id": "OpportunityId",
                "stage": "StageName",
                "amount": "Amount",
                "probability": "Probability",
                "close_on": "CloseDate",
                "changed_at": "CreatedDate",
                "changed_by": "CreatedById",
                **_CURRENCY,
            },
            is_mortal=False,
        ),
        Kind(
            "OpportunityContactRole", "opportunity_contact_roles", "role_id",
            {
                "role_id": "Id",
                "opportunity_id": "OpportunityId",
                "contact_id": "ContactId",
                "role": "Role",
                "is_primary": "IsPrimary",
                **_MODIFIED,
            },
        ),
    ]  # fmt: skip


def _activities(settings: Settings) -> list[Kind]:
    return [
        Kind(
            "Task", "tasks", "task_id",
            {
                "task_id": "Id",
                "type": "Type",
                "subtype": "TaskSubtype",
                **_WHO,
                "direction": "CallType",
                "outcome": "CallDisposition",
                **settings.tasks,
                "status": "Status",
                "is_closed": "IsClosed",
                "due_on": "ActivityDate",
                "completed_at": "CompletedDateTime",
                **_MODIFIED,
            },
            optional=frozenset({"type", "direction", "outcome"} - settings.tasks.keys()),
            is_archived=True,
        ),
        Kind(
            "Event", "events", "event_id",
            {
                "event_id": "Id",
                "type": "Type",
                **_WHO,
                **settings.events,
                "starts_at": "StartDateTime",
                "ends_at": "EndDateTime",
                **_MODIFIED,
            },
            optional=frozenset({"type"}),
            is_archived=True,
        ),
    ]  # fmt: skip


def _campaigns(settings: Settings) -> list[Kind]:
    found = [
        Kind(
            "Campaign", "campaigns", "campaign_id",
            {
                "campaign_id": "Id",
                "name": "Name",
                "channel": "Type",
                "status": "Status",
                "is_active": "IsActive",
                "started_on": "StartDate",
                "ended_on": "EndDate",
                "actual_cost": "ActualCost",
                **_CURRENCY,
                **_MODIFIED,
            },
        ),
        Kind(
            "CampaignMember", "campaign_members", "member_id",
            {
                "member_id": "Id",
                "campaign_id": "CampaignId",
                "lead_id": "LeadId",
                "contact_id": "ContactId",
                "status": "Status",
                "has_responded": "HasResponded",
                **_MODIFIED,
            },
        ),
    ]  # fmt: skip
    if spend := settings.spend:
        found.append(
            Kind(
                spend.object, "campaign_spend", "spend_id",
                {
                    "spend_id": "Id",
                    "campaign_id": spend.campaign_id,
                    "day": spend.day,
                    "amount": spend.amount,
                    **_CURRENCY,
                    **_MODIFIED,
                },
            )
        )  # fmt: skip
    return found
