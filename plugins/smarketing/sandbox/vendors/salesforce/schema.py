"""What the fictional company's Salesforce is set up with: objects, fields, picklists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from smarketing.sandbox.clock import NEW_YORK
from smarketing.sandbox.company import MARKETING, REGION_ZONES, SALES_TEAMS
from smarketing.sandbox.prospects import CHANNELS, PERSONAS
from smarketing.sandbox.stages import REASONS, UNMAPPED_WORDS, WORDS

ORG_ID = "00DQi0000000001"
# people put down dates by the calendar of the unit in the Americas
ZONE = NEW_YORK
# what a lead has for a status before anybody gives it one
DEFAULT_STATUS = "Open - Not Contacted"

LEAD, CONTACT, ACCOUNT, OPPORTUNITY = "Lead", "Contact", "Account", "Opportunity"
TASK, EVENT, USER, GROUP = "Task", "Event", "User", "Group"
CAMPAIGN, MEMBER, SPEND = "Campaign", "CampaignMember", "Campaign_Spend__c"
ROLE, STAGES = "OpportunityContactRole", "OpportunityHistory"
LEAD_HISTORY, CONTACT_HISTORY = "LeadHistory", "ContactHistory"
DEAL_HISTORY = "OpportunityFieldHistory"

PREFIXES = {
    LEAD: "00Q",
    LEAD_HISTORY: "017",
    CONTACT: "003",
    CONTACT_HISTORY: "017",
    ACCOUNT: "001",
    OPPORTUNITY: "006",
    STAGES: "008",
    DEAL_HISTORY: "017",
    ROLE: "00K",
    TASK: "00T",
    EVENT: "00U",
    USER: "005",
    GROUP: "00G",
    CAMPAIGN: "701",
    MEMBER: "00v",
    SPEND: "a00",
}

# field: what history calls it, and its type there; owners are told twice, by name and by id
TRACKED = {
    LEAD: {"Status": "DynamicEnum", "Score__c": "Double", "Reason__c": "DynamicEnum"},
    CONTACT: {
        "Lifecycle_Stage__c": "DynamicEnum",
        "Score__c": "Double",
        "Reason__c": "DynamicEnum",
    },
    OPPORTUNITY: {"StageName": "DynamicEnum", "Amount": "Currency", "CloseDate": "DateOnly"},
}
HISTORIES = {
    LEAD: (LEAD_HISTORY, "LeadId"),
    CONTACT: (CONTACT_HISTORY, "ContactId"),
    OPPORTUNITY: (DEAL_HISTORY, "OpportunityId"),
}
STAGE_FIELDS = {LEAD: "Status", CONTACT: "Lifecycle_Stage__c"}

# name of a deal's stage: its probability in per cent
DEAL_STAGES = {"Prospecting": 10, "Proposal": 75, "Closed Won": 100, "Closed Lost": 0}
CALL_OUTCOMES = {"connected": "Connected", "no answer": "No Answer"}
MEETING_OUTCOMES = {"held": "Held", "no show": "No Show"}


@dataclass(frozen=True)
class Field:
    """A field of an object; ``to`` are the objects that a reference leads to.

    A retyped field ``is_converted``: its rows hold values of the old type.
    """

    name: str
    type: str = "string"
    options: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    is_calculated: bool = False
    is_filterable: bool = True
    is_nillable: bool = True
    is_converted: bool = False

    @property
    def is_custom(self) -> bool:
        """Whether the company added it."""
        return self.name.endswith("__c")

    @property
    def relationship(self) -> str | None:
        """The name by which a query goes on to what a reference leads to."""
        if not self.to:
            return None
        if self.is_custom:
            return f"{self.name.removesuffix('__c')}__r"
        return self.name.removesuffix("Id")

    def as_json(self) -> dict[str, Any]:
        """The field as describe tells it."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "soapType": _SOAP_TYPES.get(self.type, "xsd:string"),
            "length": _LENGTHS.get(self.type, 0),
            "precision": 18 if self.type in ("double", "currency", "percent") else 0,
            "scale": 2 if self.type in ("double", "currency", "percent") else 0,
            "calculated": self.is_calculated,
            "calculatedFormula": None,
            "createable": not self.is_calculated,
            "updateable": not self.is_calculated and self.name not in _SYSTEM,
            "custom": self.is_custom,
            "filterable": self.is_filterable,
            "sortable": self.is_filterable,
            "groupable": self.type in ("id", "reference", "string", "picklist", "boolean", "date"),
            "nillable": self.is_nillable,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": value, "value": value}
                for value in self.options
            ],
            "referenceTo": list(self.to),
            "relationshipName": self.relationship,
            "restrictedPicklist": False,
            "unique": False,
            "externalId": False,
        }


_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "anyType": "xsd:anyType",
}
_LENGTHS = {
    "id": 18, "reference": 18, "string": 255, "picklist": 255, "email": 80, "phone": 40,
    "textarea": 32_000,
}  # fmt: skip
TYPES = (*_SOAP_TYPES, *_LENGTHS)


def _words(name: str, values: Iterable[str]) -> Field:
    return Field(name, "picklist", tuple(values))


_IDS = [Field("Id", "id", is_nillable=False)]
_DELETED = [Field("IsDeleted", "boolean", is_nillable=False)]
_CREATED = [
    Field("CreatedDate", "datetime", is_nillable=False),
    Field("CreatedById", "reference", to=(USER,), is_nillable=False),
]
_MODIFIED = [
    Field("LastModifiedDate", "datetime", is_nillable=False),
    Field("LastModifiedById", "reference", to=(USER,), is_nillable=False),
    Field("SystemModstamp", "datetime", is_nillable=False),
]
# what Salesforce itself keeps of every row
_SYSTEM = {field.name for field in (*_IDS, *_DELETED, *_CREATED, *_MODIFIED)}
_ALL = [*_IDS, *_DELETED, *_CREATED, *_MODIFIED]
_OWNER = Field("OwnerId", "reference", to=(USER,), is_nillable=False)
_CURRENCY = _words("CurrencyIsoCode", ("EUR",))
_NOTE = Field("Description", "textarea", is_filterable=False)

_STAGES = (*WORDS.values(), *UNMAPPED_WORDS)
_REASONS = sorted({reason for reasons in REASONS.values() for reason in reasons})
_PERSON = [
    *_ALL,
    Field("FirstName"),
    Field("LastName", is_nillable=False),
    Field("Name", is_nillable=False),
    Field("Email", "email"),
    Field("Phone", "phone"),
    _words("LeadSource", CHANNELS),
    _words("Region__c", SALES_TEAMS),
    _words("Persona__c", PERSONAS),
    Field("Score__c", "double"),
    Field("First_Campaign__c", "reference", to=(CAMPAIGN,)),
    Field("Arrived_On__c", "date"),
    _words("Reason__c", _REASONS),
    _NOTE,
]
_ACTIVITY = [
    *_ALL,
    Field("Subject"),
    Field("ActivityDate", "date"),
    Field("WhoId", "reference", to=(CONTACT, LEAD)),
    Field("WhatId", "reference", to=(ACCOUNT, CAMPAIGN, OPPORTUNITY)),
    _OWNER,
    _words("Direction__c", ("Inbound", "Outbound")),
    _NOTE,
]


def _history(parent: str, names: Iterable[str]) -> list[Field]:
    """A history has no ``SystemModstamp``, and its values cannot be filtered."""
    return [
        *_IDS,
        *_DELETED,
        *_CREATED,
        Field(f"{parent}Id", "reference", to=(parent,), is_nillable=False),
        _words("Field", names),
        _words("DataType", ("Currency", "DateOnly", "Double", "DynamicEnum", "EntityId", "Text")),
        Field("OldValue", "anyType", is_filterable=False),
        Field("NewValue", "anyType", is_filterable=False),
    ]


_OBJECTS: dict[str, list[Field]] = {
    LEAD: [
        *_PERSON,
        Field("Company", is_nillable=False),
        Field("Country"),
        replace(_words("Status", (DEFAULT_STATUS, *_STAGES)), is_nillable=False),
        replace(_OWNER, to=(GROUP, USER)),
        Field("MasterRecordId", "reference", to=(LEAD,)),
        Field("IsConverted", "boolean", is_nillable=False),
        Field("ConvertedDate", "date"),
        Field("ConvertedContactId", "reference", to=(CONTACT,)),
        Field("ConvertedAccountId", "reference", to=(ACCOUNT,)),
        Field("ConvertedOpportunityId", "reference", to=(OPPORTUNITY,)),
        Field("Days_Open__c", "double", is_calculated=True),
    ],
    LEAD_HISTORY: _history(
        LEAD, ("created", "leadConverted", "leadMerged", "Owner", *TRACKED[LEAD])
    ),
    CONTACT: [
        *_PERSON,
        _words("Lifecycle_Stage__c", (DEFAULT_STATUS, *_STAGES)),
        Field("AccountId", "reference", to=(ACCOUNT,)),
        Field("MailingCountry"),
        _OWNER,
        Field("MasterRecordId", "reference", to=(CONTACT,)),
    ],
    CONTACT_HISTORY: _history(
        CONTACT,
        (
            "contactCreatedFromLead", "contactMerged", "contactUpdatedByLead", "Owner",
            *TRACKED[CONTACT],
        ),
    ),
    ACCOUNT: [
        *_ALL,
        Field("Name", is_nillable=False),
        Field("Website"),
        Field("BillingCountry"),
        _words("Region__c", SALES_TEAMS),
        Field("MasterRecordId", "reference", to=(ACCOUNT,)),
        _OWNER,
        _NOTE,
    ],
    OPPORTUNITY: [
        *_ALL,
        Field("Name", is_nillable=False),
        Field("AccountId", "reference", to=(ACCOUNT,)),
        Field("Amount", "currency"),
        _CURRENCY,
        replace(_words("StageName", DEAL_STAGES), is_nillable=False),
        Field("Probability", "percent"),
        Field("CloseDate", "date", is_nillable=False),
        Field("IsClosed", "boolean", is_nillable=False),
        Field("IsWon", "boolean", is_nillable=False),
        _OWNER,
        _NOTE,
    ],
    STAGES: [
        *_IDS,
        *_DELETED,
        *_CREATED,
        _MODIFIED[-1],
        Field("OpportunityId", "reference", to=(OPPORTUNITY,), is_nillable=False),
        _words("StageName", DEAL_STAGES),
        Field("Amount", "currency"),
        Field("ExpectedRevenue", "currency"),
        Field("Probability", "percent"),
        Field("CloseDate", "date"),
        _CURRENCY,
    ],
    DEAL_HISTORY: _history(
        OPPORTUNITY, ("created", "opportunityCreatedFromLead", *TRACKED[OPPORTUNITY])
    ),
    ROLE: [
        *_ALL,
        Field("OpportunityId", "reference", to=(OPPORTUNITY,), is_nillable=False),
        Field("ContactId", "reference", to=(CONTACT,), is_nillable=False),
        Field("Role"),
        Field("IsPrimary", "boolean", is_nillable=False),
    ],
    TASK: [
        *_ACTIVITY,
        _words("Status", ("Not Started", "Completed")),
        _words("Priority", ("Normal",)),
        _words("Type", ("Call", "Email", "Message", "Note", "To Do")),
        _words("TaskSubtype", ("Task", "Email", "Call", "LinkedIn")),
        _words("CallType", ("Inbound", "Outbound")),
        Field("CallDisposition"),
        Field("CompletedDateTime", "datetime"),
        Field("IsClosed", "boolean", is_nillable=False),
    ],
    EVENT: [
        *_ACTIVITY,
        Field("StartDateTime", "datetime"),
        Field("EndDateTime", "datetime"),
        Field("DurationInMinutes", "int"),
        _words("Outcome__c", MEETING_OUTCOMES.values()),
    ],
    USER: [
        *_IDS,
        *_CREATED,
        *_MODIFIED,
        Field("Username", is_nillable=False),
        Field("FirstName"),
        Field("LastName", is_nillable=False),
        Field("Name", is_nillable=False),
        Field("Email", "email", is_nillable=False),
        Field("IsActive", "boolean", is_nillable=False),
        _words("UserType", ("Standard", "CloudIntegrationUser")),
        _words("TimeZoneSidKey", sorted({zone.key for zone in REGION_ZONES.values()})),
        Field("Department"),
        _words("Team__c", (MARKETING, *SALES_TEAMS.values())),
    ],
    GROUP: [*_IDS, *_CREATED, *_MODIFIED, Field("Name"), _words("Type", ("Queue",))],
    CAMPAIGN: [
        *_ALL,
        Field("Name", is_nillable=False),
        _words("Type", CHANNELS),
        _words("Status", ("In Progress", "Completed")),
        Field("IsActive", "boolean", is_nillable=False),
        Field("StartDate", "date"),
        Field("EndDate", "date"),
        Field("ActualCost", "currency"),
        _CURRENCY,
        _OWNER,
        _NOTE,
    ],
    MEMBER: [
        *_ALL,
        Field("CampaignId", "reference", to=(CAMPAIGN,), is_nillable=False),
        Field("LeadId", "reference", to=(LEAD,)),
        Field("ContactId", "reference", to=(CONTACT,)),
        _words("Status", ("Responded",)),
        Field("HasResponded", "boolean", is_nillable=False),
    ],
    SPEND: [
        *_ALL,
        Field("Name", is_nillable=False),
        Field("Campaign__c", "reference", to=(CAMPAIGN,), is_nillable=False),
        Field("Day__c", "date"),
        Field("Amount__c", "currency"),
        _CURRENCY,
    ],
}  # fmt: skip


class Schema:
    """The objects of one org and their fields, which somebody may change."""

    def __init__(self) -> None:
        self.objects = {
            name: {field.name: field for field in fields} for name, fields in _OBJECTS.items()
        }
        self.changed: dict[str, int] = {}
        """When an object was changed last, in seconds since 1970."""

    def object_named(self, name: str) -> str | None:
        """The object of a name, however it is capitalised."""
        return next((own for own in self.objects if own.lower() == name.lower()), None)

    def field_named(self, object_: str, name: str) -> Field | None:
        """The field of a name, however it is capitalised."""
        fields = self.objects[object_]
        if name in fields:
            return fields[name]
        return next((fields[own] for own in fields if own.lower() == name.lower()), None)

    def reference_named(self, object_: str, relationship: str) -> Field | None:
        """The reference by which a query goes on to another object."""
        for field in self.objects[object_].values():
            if field.relationship and field.relationship.lower() == relationship.lower():
                return field
        return None

    def add(self, object_: str, field: Field, at: int) -> None:
        """Give an object a new field, which is empty."""
        self.objects[object_][field.name] = field
        self.changed[object_] = at

    def drop(self, object_: str, name: str, at: int) -> None:
        """Take a field away with all its values."""
        del self.objects[object_][name]
        self.changed[object_] = at

    def retype(self, object_: str, name: str, type_: str, at: int) -> None:
        """Give a field another type; values that do not fit it are lost."""
        old = self.objects[object_][name]
        self.objects[object_][name] = replace(old, type=type_, options=(), is_converted=True)
        self.changed[object_] = at

    def describe(self, object_: str, base: str) -> dict[str, Any]:
        """What describe tells of an object."""
        fields = self.objects[object_]
        return self.summary(object_, base) | {
            "fields": [field.as_json() for field in fields.values()]
        }

    def summary(self, object_: str, base: str) -> dict[str, Any]:
        """What the list of all objects tells of one."""
        fields, url = self.objects[object_], f"{base}/sobjects/{object_}"
        is_history = object_ in (LEAD_HISTORY, CONTACT_HISTORY, DEAL_HISTORY, STAGES)
        return {
            "name": object_,
            "label": object_.removesuffix("__c").replace("_", " "),
            "keyPrefix": PREFIXES[object_],
            "custom": object_.endswith("__c"),
            "queryable": True,
            "retrieveable": True,
            "replicateable": "SystemModstamp" in fields or is_history,
            "createable": not is_history,
            "updateable": not is_history,
            "deletable": "IsDeleted" in fields,
            "undeletable": "IsDeleted" in fields,
            "mergeable": object_ in (LEAD, CONTACT, ACCOUNT),
            "urls": {
                "sobject": url,
                "describe": f"{url}/describe",
                "rowTemplate": f"{url}/{{ID}}",
            },
        }
