"""What is personal in the raw tables, column by column: the one list that an erasure goes by.

A table that says nothing of people is in ``OTHERS``. A test compares both with the raw tables, so
that a column that somebody adds has to be thought about before it holds anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Treatment = Literal[
    "keep", "person", "people", "other_id", "email", "phone", "company", "word", "clear", "told",
    "attributes", "place", "account",
]  # fmt: skip
"""What becomes of a text in a row of somebody who is erased.

``keep`` stays: kinds, stages, owners, dimensions that closed periods are counted by. ``person`` is
the id of a person's record, ``people`` a JSON list of such ids, ``other_id`` what may be one.
``email``, ``phone``, ``company`` get a stand-in that keeps what rules ask of them, ``word`` stays
if enough others are told by the same word. ``told`` is a value of a history, treated as the field
that it is of; ``attributes`` are those of Marketo's log. ``clear`` goes, ``place`` (file and line)
too. ``account`` is a company record, which is exchanged for a nameless one.
"""


@dataclass(frozen=True)
class Place:
    """A raw table that says something of people.

    ``columns``: every text column with its treatment. ``people_where``: the rows in which a
    ``person`` column names a person, by the value of another column. ``own``: the columns that
    name an event which is one person's alone; the last of them is its id, and gets a new one.
    ``touch_key``: what the marts call such an event. ``is_lasting``: what the row tells goes on
    when the person is gone (a deal), so that later versions are still read, about nobody.
    ``field_column`` says which field a value of a history is of. ``by_address``: an address alone
    says whose a row is. ``linked_by``: the column through which the people's parts in a deal name
    it.
    """

    schema: str
    table: str
    columns: Mapping[str, Treatment]
    people_where: tuple[str, frozenset[str]] | None = None
    own: tuple[str, ...] = ()
    touch_key: str = ""
    is_person: bool = False
    is_lasting: bool = False
    field_column: str = ""
    by_address: bool = False
    linked_by: str = ""

    @property
    def name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"

    def treated(self, *treatments: Treatment) -> list[str]:
        """The columns that get one of these treatments."""
        return [name for name, treatment in self.columns.items() if treatment in treatments]

    def is_of_people(self, told: Callable[[str], Any]) -> bool:
        """Whether a row, of which ``told`` gives the columns, is one that names people."""
        if self.people_where is None:
            return True
        column, values = self.people_where
        return told(column) in values

    @property
    def id(self) -> str:
        """Of a table of people: the column with the record's id."""
        return self.treated("person")[0]


def _columns(**columns: str) -> dict[str, Treatment]:
    """Treatments by column, written the other way round: which columns get each."""
    return {
        name: treatment  # type: ignore[misc]
        for treatment, names in columns.items()
        for name in names.split()
    }


_CONTACTS: Final = ("kind", frozenset({"contacts"}))
_PEOPLE: Final = ("object", frozenset({"Lead", "Contact"}))

_HUBSPOT: Final = (
    Place(
        "raw_hubspot", "contacts",
        _columns(
            person="contact_id",
            email="email second_email",
            phone="phone",
            company="company",
            word="reason",
            keep="lifecycle_stage lead_status owner_id country region persona channel campaign_id",
            clear="company_ids custom",
        ),
        is_person=True,
    ),
    Place(
        "raw_hubspot", "deals",
        _columns(
            people="contact_ids",
            clear="name company_ids custom",
            keep="deal_id pipeline stage currency owner_id",
        ),
        is_lasting=True,
    ),
    Place(
        "raw_hubspot", "engagements",
        _columns(
            people="contact_ids",
            clear="company_ids deal_ids",
            keep="engagement_id kind owner_id direction outcome",
        ),
        own=("kind", "engagement_id"),
        touch_key="{kind}/{engagement_id}",
    ),
    Place(
        "raw_hubspot", "property_history",
        _columns(
            person="record_id", told="value", keep="kind property source_type", clear="source_id"
        ),
        people_where=_CONTACTS,
        field_column="property",
    ),
    Place(
        "raw_hubspot", "form_submissions",
        _columns(email="email", keep="form_id submission_id"),
        own=("form_id", "submission_id"),
        touch_key="forms/{form_id}/{submission_id}",
        by_address=True,
    ),
    Place(
        "raw_hubspot", "email_events",
        _columns(email="recipient", keep="event_id type mailing_id"),
        own=("event_id",),
        touch_key="email_events/{event_id}",
        by_address=True,
    ),
    Place(
        "raw_hubspot", "merges",
        _columns(person="merged_id surviving_id", keep="kind"),
        people_where=_CONTACTS,
    ),
    Place(
        "raw_hubspot", "deletions",
        _columns(person="record_id", keep="kind how"),
        people_where=_CONTACTS,
        own=("kind", "record_id"),
    ),
)  # fmt: skip
_SALESFORCE: Final = (
    Place(
        "raw_salesforce", "leads",
        _columns(
            person="lead_id converted_contact_id",
            email="email second_email",
            phone="phone",
            company="company",
            word="reason",
            keep="status owner_id country region persona channel campaign_id"
            " converted_opportunity_id",
            clear="converted_account_id custom",
        ),
        is_person=True,
    ),
    Place(
        "raw_salesforce", "contacts",
        _columns(
            person="contact_id",
            email="email second_email",
            phone="phone",
            word="reason",
            account="account_id",
            keep="lifecycle_stage owner_id country region persona channel campaign_id",
            clear="custom",
        ),
        is_person=True,
    ),
    Place(
        "raw_salesforce", "field_history",
        _columns(
            person="record_id", told="old new", keep="history_id object field type changed_by"
        ),
        people_where=_PEOPLE,
        own=("history_id",),
        field_column="field",
    ),
    Place(
        "raw_salesforce", "tasks",
        _columns(
            person="who_id",
            clear="what_id",
            keep="task_id type subtype owner_id direction outcome status",
        ),
        own=("task_id",),
        touch_key="{task_id}",
    ),
    Place(
        "raw_salesforce", "events",
        _columns(
            person="who_id", clear="what_id", keep="event_id type owner_id direction outcome"
        ),
        own=("event_id",),
        touch_key="{event_id}",
    ),
    Place(
        "raw_salesforce", "campaign_members",
        _columns(person="lead_id contact_id", keep="member_id campaign_id status"),
        own=("member_id",),
    ),
    Place(
        "raw_salesforce", "opportunity_contact_roles",
        _columns(person="contact_id", keep="role_id opportunity_id role"),
        own=("role_id",),
    ),
    Place(
        "raw_salesforce", "opportunities",
        _columns(
            clear="name custom", keep="opportunity_id account_id stage currency owner_id"
        ),
        is_lasting=True,
        linked_by="opportunity_id",
    ),
    Place(
        "raw_salesforce", "merges",
        _columns(person="merged_id surviving_id", keep="object"),
        people_where=_PEOPLE,
    ),
    Place(
        "raw_salesforce", "deletions",
        _columns(person="record_id", keep="object how"),
        people_where=_PEOPLE,
        own=("record_id",),
    ),
)  # fmt: skip
_MARKETO: Final = (
    Place(
        "raw_marketo", "leads",
        _columns(
            person="lead_id",
            other_id="sfdc_lead_id sfdc_contact_id",
            email="email",
            phone="phone",
            company="company",
            keep="country region persona channel program_id lifecycle_stage lead_status sfdc_type",
            clear="custom",
        ),
        is_person=True,
    ),
    Place(
        "raw_marketo", "activities",
        _columns(
            person="lead_id",
            other_id="primary_attribute_id",
            attributes="primary_attribute_value attributes",
            keep="activity_id campaign_id",
        ),
        own=("activity_id",),
        touch_key="{activity_id}",
    ),
    Place("raw_marketo", "program_members", _columns(person="lead_id", keep="program_id status")),
    Place("raw_marketo", "merges", _columns(person="merged_id surviving_id")),
    Place("raw_marketo", "deletions", _columns(person="lead_id", keep="how")),
)  # fmt: skip
_CSV_EXPORT: Final = (
    Place(
        "raw_csv_export", "leads",
        _columns(
            person="lead_id",
            email="email",
            phone="phone",
            company="company",
            keep="country region persona channel campaign_id owner_id",
            place="_file",
        ),
        is_person=True,
    ),
    Place(
        "raw_csv_export", "stage_changes",
        _columns(person="lead_id", word="reason", keep="stage change_id", place="_file"),
        own=("change_id",),
    ),
    Place(
        "raw_csv_export", "ownership_changes",
        _columns(person="lead_id", keep="owner_id change_id", place="_file"),
        own=("change_id",),
    ),
    Place(
        "raw_csv_export", "touches",
        _columns(
            person="lead_id", keep="touch_id kind direction owner_id outcome", place="_file"
        ),
        own=("touch_id",),
        touch_key="{touch_id}",
    ),
    Place(
        "raw_csv_export", "opportunities",
        _columns(
            person="lead_id", keep="opportunity_id status currency owner_id", place="_file"
        ),
        is_lasting=True,
    ),
    Place("raw_csv_export", "deletions", _columns(person="lead_id", place="_file")),
    Place(
        "raw_csv_export", "merges",
        _columns(person="merged_lead_id surviving_lead_id", place="_file"),
    ),
)  # fmt: skip

PLACES: Final = (*_HUBSPOT, *_SALESFORCE, *_MARKETO, *_CSV_EXPORT)
"""Every raw table that says something of people."""

BY_NAME: Final = {place.name: place for place in PLACES}

PERSONS: Final = tuple(place for place in PLACES if place.is_person)
"""The tables of people's records."""

OTHERS: Final = frozenset(
    {
        # who works for us is no lead: their names belong to the contract of work
        "raw_hubspot.owners", "raw_salesforce.users", "raw_csv_export.owners",
        # a company is no person
        "raw_hubspot.companies", "raw_salesforce.accounts",
        # stages and amounts of a deal
        "raw_salesforce.opportunity_history",
        "raw_hubspot.stages", "raw_hubspot.properties", "raw_hubspot.campaigns",
        "raw_hubspot.spend", "raw_hubspot.forms",
        "raw_salesforce.campaigns", "raw_salesforce.campaign_spend", "raw_salesforce.fields",
        "raw_marketo.activity_types", "raw_marketo.programs", "raw_marketo.spend",
        "raw_marketo.fields",
        "raw_csv_export.campaigns", "raw_csv_export.spend",
    }
)  # fmt: skip
"""The raw tables that say nothing of leads."""

FIELDS: Final[Mapping[str, Treatment]] = {
    "email": "email",
    "second_email": "email",
    "phone": "phone",
    "company": "company",
    "reason": "word",
    **dict.fromkeys(
        (
            "lifecycle_stage", "lead_status", "status", "owner_id", "Owner", "country", "region",
            "persona", "channel", "campaign_id", "program_id", "score", "arrived_on", "created",
            "stage", "amount", "closed_at", "close_on", "probability", "is_converted",
        ),
        "keep",
    ),
}  # fmt: skip
"""How a value of a history is treated, by the field that it is of; any other is cleared."""

LOGGED: Final = frozenset({2, 6, 7, 8, 10, 11, 13, 22, 101, 104})
"""The types of Marketo's activities that are about a thing; the others may name the person."""

DELETION: Final[Mapping[str, Mapping[str, str]]] = {
    "raw_hubspot.contacts": {"kind": "contacts", "id": "record_id"},
    "raw_salesforce.leads": {"object": "Lead", "id": "record_id"},
    "raw_salesforce.contacts": {"object": "Contact", "id": "record_id"},
    "raw_marketo.leads": {"id": "lead_id"},
    "raw_csv_export.leads": {"id": "lead_id"},
}
"""How the deletion of a record is told, by the table of the record."""
