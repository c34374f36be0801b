"""The raw tables of Marketo: what is kept of it, column by column."""

from __future__ import annotations

from typing import Final

from smarketing.sources.api.tables import Column, Table

MAPPED: Final = (
    Column("phone", "text", "telephone number"),
    Column("company", "text", "company name, as somebody typed it"),
    Column("country", "text", "country"),
    Column("region", "text", "sales region"),
    Column("persona", "text", "buyer persona"),
    Column("channel", "text", "what brought the lead: its source"),
    Column("program_id", "text", "id of the program that acquired the lead"),
    Column("score", "number", "lead score"),
    Column("arrived_on", "date", "the day of arrival, where a person imported it later"),
    Column("lifecycle_stage", "text", "life-cycle stage, where a field of the lead holds it"),
    Column("lead_status", "text", "lead status"),
    Column("sfdc_lead_id", "text", "id of the lead in Salesforce, 18 characters"),
    Column("sfdc_contact_id", "text", "id of the contact in Salesforce, once it was converted"),
    Column("sfdc_type", "text", "Lead or Contact: what the record is in Salesforce"),
)
"""Columns of a lead that are fields of each instance's own choosing (``marketo.yml``)."""

LEADS: Final = Table(
    "leads", ("lead_id",), "Leads, as told last: see `deletions` and `merges` for those gone.",
    (
        Column("lead_id", "text", "id of the lead", required=True),
        Column("email", "text", "address; several leads may have the same"),
        *MAPPED,
        Column("custom", "json", "the instance's own fields that have a value, by name, as text"),
        Column("created_at", "instant", "when the lead was created"),
        Column("updated_at", "instant", "when a standard field was changed last"),
    ),
)  # fmt: skip
ACTIVITIES: Final = Table(
    "activities", ("activity_id",), "Marketo's log, which it purges itself after a while.",
    (
        Column("activity_id", "text", "marketoGUID", required=True),
        Column("lead_id", "text", "whose it is; after a merge the winner's", required=True),
        Column("type_id", "integer", "what happened, by number; see `activity_types`", True),
        Column("happened_at", "instant", "when", required=True),
        Column("primary_attribute_id", "text", "id of the mailing, form, program, field ..."),
        Column("primary_attribute_value", "text", "its name"),
        Column("campaign_id", "text", "id of the smart campaign that acted"),
        Column("attributes", "json", "what else was noted, by name; differs from type to type"),
    ),
)  # fmt: skip
ACTIVITY_TYPES: Final = Table(
    "activity_types", ("type_id",), "What the log tells of.",
    (
        Column("type_id", "integer", "number of the type", required=True),
        Column("name", "text", "what users see"),
        Column("primary_attribute", "text", "what the primary attribute of the type is"),
        Column("is_read", "boolean", "whether its activities are read"),
    ),
)  # fmt: skip
PROGRAMS: Final = Table(
    "programs", ("program_id",), "Programs: campaigns of marketing, events, mailings.",
    (
        Column("program_id", "text", "id of the program", required=True),
        Column("name", "text", "name"),
        Column("type", "text", "Default, Event, Email, Engagement ..."),
        Column("channel", "text", "channel"),
        Column("status", "text", "status; not all types have one"),
        Column("workspace", "text", "workspace"),
        Column("started_at", "instant", "beginning, of events and mailings"),
        Column("ended_at", "instant", "end, of events and mailings"),
        Column("created_at", "instant", "when the program was created"),
        Column("updated_at", "instant", "when the program was changed last"),
    ),
)  # fmt: skip
SPEND: Final = Table(
    "spend", ("program_id", "month"), "Costs of programs by month; 0 once they are taken back.",
    (
        Column("program_id", "text", "id of the program", required=True),
        Column("month", "date", "first day of the month", required=True),
        Column("amount", "number", "money, in its currency"),
        Column("currency", "text", "ISO 4217 code, from `marketo.yml`"),
    ),
)  # fmt: skip
MEMBERS: Final = Table(
    "program_members", ("program_id", "lead_id"), "Leads in programs.",
    (
        Column("program_id", "text", "id of the program", required=True),
        Column("lead_id", "text", "id of the lead", required=True),
        Column("status", "text", "status in the program's channel"),
        Column("member_since", "instant", "when the lead became a member"),
        Column("is_success", "boolean", "whether the status counts as a success"),
        Column("succeeded_at", "instant", "since when it does"),
        Column("is_acquired", "boolean", "whether the program acquired the lead"),
        Column("updated_at", "instant", "when the membership was changed last"),
    ),
)  # fmt: skip
MERGES: Final = Table(
    "merges", ("merged_id",), "Leads that became part of another.",
    (
        Column("merged_id", "text", "the lead that vanished", required=True),
        Column("surviving_id", "text", "the lead it became part of", required=True),
        Column("merged_at", "instant", "when"),
    ),
)  # fmt: skip
DELETIONS: Final = Table(
    "deletions", ("lead_id",), "Leads that were deleted.",
    (
        Column("lead_id", "text", "id of the lead", required=True),
        Column("deleted_at", "instant", "when; of vanished ones the night that missed them"),
        Column("how", "text", "deleted, or vanished: gone without a word of it in the log"),
    ),
)  # fmt: skip
FIELDS: Final = Table(
    "fields", ("name",), "What the instance can say of a lead.",
    (
        Column("name", "text", "REST API name", required=True),
        Column("label", "text", "what users see"),
        Column("type", "text", "Marketo's type"),
        Column("fills", "text", "our column of a lead that is filled from it"),
        Column("is_own", "boolean", "no standard field: made for this instance"),
        Column("is_read", "boolean", "whether its values are read"),
    ),
)  # fmt: skip

TABLES: Final = (
    LEADS, ACTIVITIES, ACTIVITY_TYPES, PROGRAMS, SPEND, MEMBERS, MERGES, DELETIONS, FIELDS,
)  # fmt: skip
