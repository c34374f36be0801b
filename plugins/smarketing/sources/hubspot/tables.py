"""The raw tables of HubSpot: what is kept of it, column by column."""

from __future__ import annotations

from typing import Final

from smarketing.sources.api.tables import Column, Table

MAPPED: Final = (
    Column("phone", "text", "telephone number"),
    Column("company", "text", "company name, as somebody typed it"),
    Column("country", "text", "country"),
    Column("region", "text", "sales region"),
    Column("persona", "text", "buyer persona"),
    Column("channel", "text", "marketing channel that brought the lead"),
    Column("campaign_id", "text", "GUID of the campaign that brought the lead"),
    Column("score", "number", "lead score"),
    Column("second_email", "text", "another address of the same person"),
    Column("arrived_on", "date", "the day of arrival, where a person imported it later"),
    Column("reason", "text", "why the lead left the path"),
)
"""Columns of a contact that are properties of each account's own choosing (``hubspot.yml``)."""

_MODIFIED: Final = (
    Column("created_at", "instant", "when the record was created"),
    Column("updated_at", "instant", "when a property was changed last"),
)

OWNERS: Final = Table(
    "owners", ("owner_id",), "Users who can own records, those who left included.",
    (
        Column("owner_id", "text", "id of the owner", required=True),
        Column("user_id", "text", "id of the user, as history names who changed something"),
        Column("email", "text", "address of the user"),
        Column("name", "text", "first and last name"),
        Column("team", "text", "the primary team"),
        Column("is_active", "boolean", "false once the user is archived"),
        *_MODIFIED,
    ),
)  # fmt: skip
CONTACTS: Final = Table(
    "contacts", ("contact_id",), "Contacts, live ones only: see `deletions` and `merges`.",
    (
        Column("contact_id", "text", "id of the record", required=True),
        Column("email", "text", "the address that is this contact's alone"),
        Column("lifecycle_stage", "text", "id of the life-cycle stage; its label in `stages`"),
        Column("lead_status", "text", "lead status"),
        Column("owner_id", "text", "owner"),
        *MAPPED,
        Column("company_ids", "json", "ids of the associated companies"),
        Column("custom", "json", "the account's own properties, by name"),
        *_MODIFIED,
    ),
)  # fmt: skip
COMPANIES: Final = Table(
    "companies", ("company_id",), "Companies.",
    (
        Column("company_id", "text", "id of the record", required=True),
        Column("name", "text", "name"),
        Column("domain", "text", "web domain"),
        Column("country", "text", "country"),
        Column("owner_id", "text", "owner"),
        Column("custom", "json", "the account's own properties, by name"),
        *_MODIFIED,
    ),
)  # fmt: skip
DEALS: Final = Table(
    "deals", ("deal_id",), "Deals.",
    (
        Column("deal_id", "text", "id of the record", required=True),
        Column("name", "text", "name"),
        Column("pipeline", "text", "id of the pipeline"),
        Column("stage", "text", "id of the stage; its label in `stages`"),
        Column("amount", "number", "value, in its currency"),
        Column("currency", "text", "ISO 4217 code"),
        Column("closed_at", "instant", "when it was closed, or is expected to be"),
        Column("owner_id", "text", "owner"),
        Column("contact_ids", "json", "ids of the associated contacts"),
        Column("company_ids", "json", "ids of the associated companies"),
        Column("custom", "json", "the account's own properties, by name"),
        *_MODIFIED,
    ),
)  # fmt: skip
ENGAGEMENTS: Final = Table(
    "engagements", ("kind", "engagement_id"), "Calls, e-mails, meetings, tasks, messages, notes.",
    (
        Column("engagement_id", "text", "id of the record", required=True),
        Column("kind", "text", "calls, emails, meetings, tasks, communications or notes", True),
        Column("happened_at", "instant", "when it took place, as the user says"),
        Column("owner_id", "text", "who acted"),
        Column("direction", "text", "of calls and e-mails, in HubSpot's words"),
        Column("outcome", "text", "of calls an id, of meetings and tasks a word"),
        Column("contact_ids", "json", "ids of the associated contacts"),
        Column("company_ids", "json", "ids of the associated companies"),
        Column("deal_ids", "json", "ids of the associated deals"),
        *_MODIFIED,
    ),
)  # fmt: skip
PROPERTY_HISTORY: Final = Table(
    "property_history", ("kind", "record_id", "property", "changed_at"),
    "Every value that a property of interest had; what HubSpot forgets is kept.",
    (
        Column("kind", "text", "contacts or deals", required=True),
        Column("record_id", "text", "id of the record that told it", required=True),
        Column("property", "text", "our column, where the property fills one", required=True),
        Column("changed_at", "instant", "since when it had the value", required=True),
        Column("value", "text", "the value; empty: cleared"),
        Column("source_type", "text", "how it was changed: CRM_UI, IMPORT, FORM, API ..."),
        Column("source_id", "text", "who or what changed it"),
    ),
)  # fmt: skip
STAGES: Final = Table(
    "stages", ("kind", "pipeline", "stage"), "Stages of contacts and deals, with their labels.",
    (
        Column("kind", "text", "contacts or deals", required=True),
        Column("pipeline", "text", "id of the pipeline", required=True),
        Column("stage", "text", "id of the stage", required=True),
        Column("label", "text", "what users see"),
        Column("position", "integer", "place in the pipeline, from 0"),
        Column("is_closed", "boolean", "of deals: nothing follows"),
        Column("probability", "number", "of deals: 1 won, 0 lost"),
    ),
)  # fmt: skip
PROPERTIES: Final = Table(
    "properties", ("kind", "name"), "What the account can say of a record.",
    (
        Column("kind", "text", "contacts, companies or deals", required=True),
        Column("name", "text", "internal name", required=True),
        Column("label", "text", "what users see"),
        Column("type", "text", "HubSpot's type"),
        Column("is_own", "boolean", "made by the account, not by HubSpot"),
        Column("is_read", "boolean", "whether its values are read"),
    ),
)  # fmt: skip
CAMPAIGNS: Final = Table(
    "campaigns", ("campaign_id",), "Marketing campaigns.",
    (
        Column("campaign_id", "text", "GUID", required=True),
        Column("name", "text", "name"),
        Column("channel", "text", "marketing channel (UTM)"),
        Column("started_on", "date", "first day"),
        Column("ended_on", "date", "last day"),
        *_MODIFIED,
    ),
)  # fmt: skip
SPEND: Final = Table(
    "spend", ("campaign_id", "item_id"), "Money spent on campaigns.",
    (
        Column("campaign_id", "text", "GUID of the campaign", required=True),
        Column("item_id", "text", "id of the item of spend", required=True),
        Column("name", "text", "what the item is called"),
        Column("amount", "number", "money, in its currency"),
        Column("currency", "text", "ISO 4217 code"),
        Column("booked_at", "instant", "when the item was entered"),
    ),
)  # fmt: skip
FORMS: Final = Table(
    "forms", ("form_id",), "Forms on web pages.",
    (
        Column("form_id", "text", "GUID", required=True),
        Column("name", "text", "name"),
        *_MODIFIED,
    ),
)  # fmt: skip
SUBMISSIONS: Final = Table(
    "form_submissions", ("form_id", "submission_id"), "Forms filled in.",
    (
        Column("form_id", "text", "GUID of the form", required=True),
        Column("submission_id", "text", "id of the submission", required=True),
        Column("submitted_at", "instant", "when", required=True),
        Column("email", "text", "the address that was typed"),
    ),
)  # fmt: skip
EMAIL_EVENTS: Final = Table(
    "email_events", ("event_id",), "What became of marketing e-mails.",
    (
        Column("event_id", "text", "GUID", required=True),
        Column("type", "text", "SENT, DELIVERED, OPEN, CLICK, BOUNCE ...", required=True),
        Column("happened_at", "instant", "when", required=True),
        Column("recipient", "text", "the address"),
        Column("mailing_id", "text", "id of the mailing"),
    ),
)  # fmt: skip
MERGES: Final = Table(
    "merges", ("kind", "merged_id"), "Records that became part of another.",
    (
        Column("kind", "text", "contacts, companies or deals", required=True),
        Column("merged_id", "text", "the record that vanished", required=True),
        Column("surviving_id", "text", "the record it became part of", required=True),
        Column("merged_at", "instant", "when"),
    ),
)  # fmt: skip
DELETIONS: Final = Table(
    "deletions", ("kind", "record_id"), "Records archived or erased.",
    (
        Column("kind", "text", "contacts, companies, deals, calls ...", required=True),
        Column("record_id", "text", "id of the record", required=True),
        Column("deleted_at", "instant", "when; of vanished ones the night that missed them"),
        Column("how", "text", "archived, or vanished: erased for privacy, or purged"),
    ),
)  # fmt: skip

TABLES: Final = (
    OWNERS, CONTACTS, COMPANIES, DEALS, ENGAGEMENTS, PROPERTY_HISTORY, STAGES, PROPERTIES,
    CAMPAIGNS, SPEND, FORMS, SUBMISSIONS, EMAIL_EVENTS, MERGES, DELETIONS,
)  # fmt: skip
