"""The raw tables of Salesforce: what is kept of it, column by column.

Ids have 18 characters, as Salesforce gives them. All instants are in UTC; days are those that users
put down, by the calendar of their zone.
"""

from __future__ import annotations

from typing import Final

from smarketing.sources.api.tables import Column, Table

_ID: Final = "id of the record"
_MODIFIED: Final = (
    Column("created_at", "instant", "when the record was created"),
    Column("updated_at", "instant", "when a user or a process changed it last (SystemModstamp)"),
)
_PERSON: Final = (
    Column("phone", "text", "telephone number"),
    Column("country", "text", "country"),
    Column("region", "text", "sales region"),
    Column("persona", "text", "buyer persona"),
    Column("channel", "text", "marketing channel that brought the lead"),
    Column("campaign_id", "text", "campaign that brought the lead"),
    Column("score", "number", "lead score"),
    Column("second_email", "text", "another address of the same person"),
    Column("arrived_on", "date", "the day of arrival, where a person imported it later"),
    Column("reason", "text", "why the lead left the path"),
)
_CUSTOM: Final = Column("custom", "json", "the org's own fields, by name; empty ones left out")
_OWNER: Final = Column("owner_id", "text", "owner: a user, or of leads a queue (00G...)")
_CURRENCY: Final = Column("currency", "text", "ISO 4217 code, where the org has several currencies")
_WHO: Final = (
    Column("who_id", "text", "the lead (00Q...) or contact (003...) it was with"),
    Column("what_id", "text", "the opportunity, account or campaign it was about"),
    Column("owner_id", "text", "who acted, or is to act"),
    Column("direction", "text", "inbound or outbound, in Salesforce's words"),
    Column("outcome", "text", "what came of it, in the org's words"),
)

USERS: Final = Table(
    "users", ("user_id",), "Users, those who left included.",
    (
        Column("user_id", "text", _ID, required=True),
        Column("username", "text", "login"),
        Column("email", "text", "address"),
        Column("name", "text", "first and last name"),
        Column("team", "text", "team"),
        Column("time_zone", "text", "IANA name of the user's zone"),
        Column("kind", "text", "Standard for people; else an integration, a site ..."),
        Column("is_active", "boolean", "may log in"),
        *_MODIFIED,
    ),
)  # fmt: skip
LEADS: Final = Table(
    "leads", ("lead_id",), "Leads, converted ones included; for those gone see `deletions`.",
    (
        Column("lead_id", "text", _ID, required=True),
        Column("email", "text", "address; several leads may have one"),
        Column("status", "text", "lead status"),
        _OWNER,
        Column("company", "text", "company name, as somebody typed it"),
        *_PERSON,
        Column("is_converted", "boolean", "became a contact, which carries on the journey"),
        Column("converted_on", "date", "the day of conversion"),
        Column("converted_contact_id", "text", "the contact it became, or was merged into"),
        Column("converted_account_id", "text", "the account of that contact"),
        Column("converted_opportunity_id", "text", "the opportunity that came with it"),
        _CUSTOM,
        *_MODIFIED,
    ),
)  # fmt: skip
CONTACTS: Final = Table(
    "contacts", ("contact_id",), "Contacts; for those gone see `deletions`.",
    (
        Column("contact_id", "text", _ID, required=True),
        Column("email", "text", "address; several contacts may have one"),
        Column("lifecycle_stage", "text", "stage on the path, where the org keeps it here"),
        _OWNER,
        Column("account_id", "text", "the account it works for"),
        *_PERSON,
        _CUSTOM,
        *_MODIFIED,
    ),
)  # fmt: skip
ACCOUNTS: Final = Table(
    "accounts", ("account_id",), "Companies.",
    (
        Column("account_id", "text", _ID, required=True),
        Column("name", "text", "name"),
        Column("domain", "text", "web site"),
        Column("country", "text", "country of the billing address"),
        Column("region", "text", "sales region"),
        _OWNER,
        _CUSTOM,
        *_MODIFIED,
    ),
)  # fmt: skip
OPPORTUNITIES: Final = Table(
    "opportunities", ("opportunity_id",), "Deals.",
    (
        Column("opportunity_id", "text", _ID, required=True),
        Column("name", "text", "name"),
        Column("account_id", "text", "account"),
        Column("stage", "text", "stage"),
        Column("amount", "number", "value, in its currency"),
        _CURRENCY,
        Column("probability", "number", "per cent"),
        Column("close_on", "date", "the day it was closed, or is expected to be"),
        Column("is_closed", "boolean", "won or lost"),
        Column("is_won", "boolean", "won"),
        _OWNER,
        _CUSTOM,
        *_MODIFIED,
    ),
)  # fmt: skip
OPPORTUNITY_HISTORY: Final = Table(
    "opportunity_history", ("history_id",),
    "The values of an opportunity after each change of stage, amount, probability or day.",
    (
        Column("history_id", "text", _ID, required=True),
        Column("opportunity_id", "text", "the opportunity", required=True),
        Column("stage", "text", "stage from then on"),
        Column("amount", "number", "value, in its currency"),
        _CURRENCY,
        Column("probability", "number", "per cent"),
        Column("close_on", "date", "the day it was closed, or was expected to be"),
        Column("changed_at", "instant", "when", required=True),
        Column("changed_by", "text", "user who changed it"),
    ),
)  # fmt: skip
FIELD_HISTORY: Final = Table(
    "field_history", ("history_id",),
    "Changes of tracked fields; what Salesforce forgets after 18 months is kept.",
    (
        Column("history_id", "text", _ID, required=True),
        Column("object", "text", "Lead, Contact or Opportunity", required=True),
        Column("record_id", "text", "the record that changed", required=True),
        Column("field", "text", "our column, where the field fills one; owner_id tells ids, Owner"
               " names; Salesforce's own: created, leadConverted, leadMerged ...", required=True),
        Column("type", "text", "Salesforce's type of the values"),
        Column("old", "text", "the value before; empty: none"),
        Column("new", "text", "the value since; empty: none"),
        Column("changed_at", "instant", "when", required=True),
        Column("changed_by", "text", "user who changed it"),
    ),
)  # fmt: skip
TASKS: Final = Table(
    "tasks", ("task_id",), "Calls, e-mails, messages, notes, and what is to be done.",
    (
        Column("task_id", "text", _ID, required=True),
        Column("type", "text", "Call, Email ..., a picklist of the org's"),
        Column("subtype", "text", "Task, Call, Email, LinkedIn ..., Salesforce's own"),
        *_WHO,
        Column("status", "text", "status"),
        Column("is_closed", "boolean", "done"),
        Column("due_on", "date", "the day it is due, or of a call took place"),
        Column("completed_at", "instant", "when it was done"),
        *_MODIFIED,
    ),
)  # fmt: skip
EVENTS: Final = Table(
    "events", ("event_id",), "Meetings.",
    (
        Column("event_id", "text", _ID, required=True),
        Column("type", "text", "a picklist of the org's"),
        *_WHO,
        Column("starts_at", "instant", "begin"),
        Column("ends_at", "instant", "end"),
        *_MODIFIED,
    ),
)  # fmt: skip
CAMPAIGNS: Final = Table(
    "campaigns", ("campaign_id",), "Marketing campaigns.",
    (
        Column("campaign_id", "text", _ID, required=True),
        Column("name", "text", "name"),
        Column("channel", "text", "kind of campaign (Type)"),
        Column("status", "text", "status"),
        Column("is_active", "boolean", "runs"),
        Column("started_on", "date", "first day"),
        Column("ended_on", "date", "last day"),
        Column("actual_cost", "number", "money spent so far, in its currency"),
        _CURRENCY,
        *_MODIFIED,
    ),
)  # fmt: skip
CAMPAIGN_MEMBERS: Final = Table(
    "campaign_members", ("member_id",), "Who was in a campaign.",
    (
        Column("member_id", "text", _ID, required=True),
        Column("campaign_id", "text", "the campaign"),
        Column("lead_id", "text", "the lead"),
        Column("contact_id", "text", "the contact; beside lead_id that of the converted lead"),
        Column("status", "text", "status"),
        Column("has_responded", "boolean", "responded"),
        *_MODIFIED,
    ),
)  # fmt: skip
CAMPAIGN_SPEND: Final = Table(
    "campaign_spend", ("spend_id",), "Money spent on campaigns, day by day.",
    (
        Column("spend_id", "text", _ID, required=True),
        Column("campaign_id", "text", "the campaign"),
        Column("day", "date", "the day it was spent"),
        Column("amount", "number", "money, in its currency"),
        _CURRENCY,
        *_MODIFIED,
    ),
)  # fmt: skip
ROLES: Final = Table(
    "opportunity_contact_roles", ("role_id",), "Which contacts take part in an opportunity.",
    (
        Column("role_id", "text", _ID, required=True),
        Column("opportunity_id", "text", "the opportunity"),
        Column("contact_id", "text", "the contact"),
        Column("role", "text", "part"),
        Column("is_primary", "boolean", "the main contact"),
        *_MODIFIED,
    ),
)  # fmt: skip
FIELDS: Final = Table(
    "fields", ("object", "name"), "What the org can say of a record.",
    (
        Column("object", "text", "Salesforce's name of the kind of record", required=True),
        Column("name", "text", "API name", required=True),
        Column("label", "text", "what users see"),
        Column("type", "text", "Salesforce's type"),
        Column("is_own", "boolean", "made by the org, not by Salesforce"),
        Column("is_read", "boolean", "whether its values are read"),
    ),
)  # fmt: skip
DELETIONS: Final = Table(
    "deletions", ("object", "record_id"), "Records that are gone, merged ones included.",
    (
        Column("object", "text", "Salesforce's name of the kind of record", required=True),
        Column("record_id", "text", "id of the record", required=True),
        Column("deleted_at", "instant", "when; of vanished ones the night that missed them"),
        Column("how", "text", "deleted; vanished: purged, or hidden from us; restored: back"),
    ),
)  # fmt: skip
MERGES: Final = Table(
    "merges", ("object", "merged_id"), "Records that became part of another one of their kind.",
    (
        Column("object", "text", "Lead, Contact or Account", required=True),
        Column("merged_id", "text", "the record that vanished", required=True),
        Column("surviving_id", "text", "the record it became part of", required=True),
        Column("merged_at", "instant", "when"),
    ),
)  # fmt: skip

TABLES: Final = (
    USERS, LEADS, CONTACTS, ACCOUNTS, OPPORTUNITIES, OPPORTUNITY_HISTORY, FIELD_HISTORY, TASKS,
    EVENTS, CAMPAIGNS, CAMPAIGN_MEMBERS, CAMPAIGN_SPEND, ROLES, FIELDS, DELETIONS, MERGES,
)  # fmt: skip
