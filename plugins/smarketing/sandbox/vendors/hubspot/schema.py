"""What the fictional company's HubSpot account is set up with: objects, properties, pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smarketing.sandbox.clock import AGREEMENT_ZONE
from smarketing.sandbox.company import SALES_TEAMS
from smarketing.sandbox.prospects import CHANNELS, PERSONAS
from smarketing.sandbox.stages import REASONS, UNMAPPED_WORDS, WORDS

PORTAL_ID = 48_151_623
ZONE = AGREEMENT_ZONE

# the objects by the name in their paths, and the type id that means the same
KINDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "notes": "0-46",
    "meetings": "0-47",
    "calls": "0-48",
    "emails": "0-49",
    "tasks": "0-27",
    "communications": "0-18",
}
ENGAGEMENTS = ("calls", "emails", "meetings", "tasks", "communications", "notes")
SINGULAR = {
    kind: "company" if kind == "companies" else kind.removesuffix("s") for kind in KINDS
}  # fmt: skip
_NAMES = {
    **{kind: kind for kind in KINDS},
    **{type_id: kind for kind, type_id in KINDS.items()},
    **{singular: kind for kind, singular in SINGULAR.items()},
}

# (from, to): type id and label; an unlabelled type stands beside every labelled one
ASSOCIATIONS: dict[tuple[str, str], tuple[tuple[int, str | None], ...]] = {
    ("contacts", "companies"): ((279, None), (1, "Primary")),
    ("companies", "contacts"): ((280, None), (2, "Primary")),
    ("contacts", "deals"): ((4, None),),
    ("deals", "contacts"): ((3, None),),
    ("contacts", "calls"): ((193, None),),
    ("calls", "contacts"): ((194, None),),
    ("contacts", "emails"): ((197, None),),
    ("emails", "contacts"): ((198, None),),
    ("contacts", "meetings"): ((199, None),),
    ("meetings", "contacts"): ((200, None),),
    ("contacts", "notes"): ((201, None),),
    ("notes", "contacts"): ((202, None),),
    ("contacts", "tasks"): ((203, None),),
    ("tasks", "contacts"): ((204, None),),
    ("contacts", "communications"): ((82, None),),
    ("communications", "contacts"): ((81, None),),
}


def kind_of(name: str) -> str | None:
    """The object that a path means: by its name, singular or plural, or by its type id."""
    return _NAMES.get(name)


@dataclass(frozen=True)
class Property:
    """A property of an object; ``options`` are the values of an enumeration with their labels."""

    name: str
    label: str
    type: str = "string"
    options: tuple[tuple[str, str], ...] = ()
    is_calculated: bool = False
    is_custom: bool = False
    sensitivity: str = "non_sensitive"

    def as_json(self) -> dict[str, Any]:
        """The property as the properties endpoint tells it."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": _FIELD_TYPES[self.type],
            "description": "",
            "groupName": "information",
            "options": [
                {"label": label, "value": value, "displayOrder": order, "hidden": False}
                for order, (value, label) in enumerate(self.options)
            ],
            "displayOrder": -1,
            "calculated": self.is_calculated,
            "externalOptions": self.name == "hubspot_owner_id",
            "hasUniqueValue": False,
            "hidden": False,
            "hubspotDefined": not self.is_custom,
            "formField": False,
            "dataSensitivity": self.sensitivity,
            "archived": False,
            "modificationMetadata": {
                "archivable": self.is_custom,
                "readOnlyDefinition": not self.is_custom,
                "readOnlyValue": self.is_calculated,
            },
        }


_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
}

# our stage: the id and the label of HubSpot's; ids of stages that somebody added are numbers
LIFECYCLE = {
    "subscriber": ("subscriber", "Subscriber"),
    "lead": ("lead", "Lead"),
    "mql": ("marketingqualifiedlead", "Marketing Qualified Lead"),
    "sal": ("209147001", WORDS["sal"]),
    "sql": ("salesqualifiedlead", "Sales Qualified Lead"),
    "opportunity": ("opportunity", "Opportunity"),
    "customer": ("customer", "Customer"),
    "recycled": ("209147002", WORDS["recycled"]),
    "disqualified": ("209147003", WORDS["disqualified"]),
    "lost": ("209147004", WORDS["lost"]),
    UNMAPPED_WORDS[0]: ("209147005", UNMAPPED_WORDS[0]),
    UNMAPPED_WORDS[1]: ("209147006", UNMAPPED_WORDS[1]),
}
STAGE_ORDER = {stage_id: order for order, (stage_id, _) in enumerate(LIFECYCLE.values())}

# the status that a lead is given when it enters a stage
LEAD_STATUS = {
    "mql": "NEW",
    "sal": "OPEN",
    "sql": "IN_PROGRESS",
    "opportunity": "OPEN_DEAL",
    "recycled": "BAD_TIMING",
    "disqualified": "UNQUALIFIED",
}
_LEAD_STATUSES = (
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In Progress"),
    ("OPEN_DEAL", "Open Deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("BAD_TIMING", "Bad Timing"),
)

DEAL_STAGES = {
    "appointmentscheduled": ("Appointment Scheduled", 0.2),
    "contractsent": ("Contract Sent", 0.9),
    "closedwon": ("Closed Won", 1.0),
    "closedlost": ("Closed Lost", 0.0),
}
DEAL_PIPELINE = "default"

CALL_OUTCOMES = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
}
MEETING_OUTCOMES = {"held": "COMPLETED", "no show": "NO_SHOW"}

# of old ids; found by its label, for the name is nowhere documented
MERGED_IDS = "hs_merged_object_ids"


def entered(stage: str) -> str:
    """The calculated property that says when a stage was entered last."""
    return f"hs_v2_date_entered_{stage}"


def exited(stage: str) -> str:
    """The calculated property that says when a stage was left last."""
    return f"hs_v2_date_exited_{stage}"


def _stamps(stages: dict[str, str]) -> list[Property]:
    return [
        Property(name(stage), f"Date {word} “{label}”", "datetime", is_calculated=True)
        for stage, label in stages.items()
        for name, word in ((entered, "entered"), (exited, "exited"))
    ]


def _options(values: Any) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


def _of_every_kind(created: str, modified: str) -> list[Property]:
    return [
        Property("hs_object_id", "Record ID", "number"),
        Property(created, "Create date", "datetime"),
        Property(modified, "Last modified date", "datetime"),
        Property("hubspot_owner_id", "Owner", "enumeration"),
        Property(MERGED_IDS, "Merged record IDs"),
        Property("last_bulk_edit", "Last bulk edit", "datetime", is_custom=True),
    ]


_CONTACTS = [
    *_of_every_kind("createdate", "lastmodifieddate"),
    Property("email", "Email"),
    Property("work_email", "Work email"),
    Property("firstname", "First name"),
    Property("lastname", "Last name"),
    Property("phone", "Phone number"),
    Property("company", "Company name"),
    Property("country", "Country"),
    Property(
        "lifecyclestage", "Lifecycle stage", "enumeration",
        tuple(LIFECYCLE.values()),
    ),
    Property("hs_lead_status", "Lead status", "enumeration", _LEAD_STATUSES),
    Property("sales_region", "Sales region", "enumeration", _options(SALES_TEAMS), is_custom=True),
    Property("buyer_persona", "Buyer persona", "enumeration", _options(PERSONAS), is_custom=True),
    Property("first_channel", "First channel", "enumeration", _options(CHANNELS), is_custom=True),
    Property("first_campaign", "First campaign", is_custom=True),
    Property("lead_score", "Lead score", "number", is_custom=True),
    Property("met_on", "Met on", "date", is_custom=True),
    Property(
        "reason_left", "Reason for leaving", "enumeration",
        _options(sorted({reason for reasons in REASONS.values() for reason in reasons})),
        is_custom=True,
    ),
    *_stamps(dict(LIFECYCLE.values())),
]  # fmt: skip
_COMPANIES = [
    *_of_every_kind("createdate", "hs_lastmodifieddate"),
    Property("name", "Company name"),
    Property("domain", "Company domain name"),
    Property("country", "Country"),
    Property("sales_region", "Sales region", "enumeration", _options(SALES_TEAMS), is_custom=True),
]
_DEALS = [
    *_of_every_kind("createdate", "hs_lastmodifieddate"),
    Property("dealname", "Deal name"),
    Property("amount", "Amount", "number"),
    Property("deal_currency_code", "Currency"),
    Property("closedate", "Close date", "datetime"),
    Property("pipeline", "Pipeline", "enumeration", ((DEAL_PIPELINE, "Sales Pipeline"),)),
    Property(
        "dealstage", "Deal stage", "enumeration",
        tuple((stage, label) for stage, (label, _) in DEAL_STAGES.items()),
    ),
    *_stamps({stage: label for stage, (label, _) in DEAL_STAGES.items()}),
]  # fmt: skip
_OF_ENGAGEMENTS = {
    "calls": [
        Property(
            "hs_call_direction", "Call direction", "enumeration",
            (("INBOUND", "Inbound"), ("OUTBOUND", "Outbound")),
        ),
        Property(
            "hs_call_disposition", "Call outcome", "enumeration",
            ((CALL_OUTCOMES["connected"], "Connected"), (CALL_OUTCOMES["no answer"], "No answer")),
        ),
    ],
    "emails": [
        Property(
            "hs_email_direction", "Email direction", "enumeration",
            (("EMAIL", "Email"), ("INCOMING_EMAIL", "Incoming email")),
        ),
        Property("hs_email_status", "Email send status", "enumeration", (("SENT", "Sent"),)),
    ],
    "meetings": [
        Property(
            "hs_meeting_outcome", "Meeting outcome", "enumeration",
            (("COMPLETED", "Completed"), ("NO_SHOW", "No show")),
        ),
    ],
    "tasks": [
        Property(
            "hs_task_status", "Task status", "enumeration", (("NOT_STARTED", "Not started"),)
        ),
    ],
    "communications": [
        Property(
            "hs_communication_channel_type", "Channel type", "enumeration",
            (("LINKEDIN_MESSAGE", "LinkedIn message"),),
        ),
    ],
    "notes": [Property("hs_note_body", "Note body")],
}  # fmt: skip

PROPERTIES: dict[str, dict[str, Property]] = {
    kind: {one.name: one for one in properties}
    for kind, properties in {
        "contacts": _CONTACTS,
        "companies": _COMPANIES,
        "deals": _DEALS,
        **{
            kind: [
                *_of_every_kind("hs_createdate", "hs_lastmodifieddate"),
                Property("hs_timestamp", "Activity date", "datetime"),
                *properties,
            ]
            for kind, properties in _OF_ENGAGEMENTS.items()
        },
    }.items()
}

# told where a call names no properties, and always these first three
CREATED = {kind: "hs_createdate" if kind in ENGAGEMENTS else "createdate" for kind in KINDS}
MODIFIED = {
    kind: "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate" for kind in KINDS
}
DEFAULTS = {
    "contacts": ("email", "firstname", "lastname"),
    "companies": ("name", "domain"),
    "deals": ("dealname", "amount", "closedate", "dealstage", "pipeline"),
}
_NEVER = "1970-01-01T00:00:00Z"


def pipelines(kind: str) -> list[dict[str, Any]]:
    """The pipelines of an object, as their endpoint tells them.

    Default pipelines were created at 0 (HubSpot, a recorded answer).
    """
    if kind == "deals":
        stages = [
            (stage, label, {"isClosed": str(share in (0, 1)).lower(), "probability": str(share)})
            for stage, (label, share) in DEAL_STAGES.items()
        ]
        return [_pipeline(DEAL_PIPELINE, "Sales Pipeline", stages)]
    if kind == "contacts":
        stages = [(stage, label, {}) for stage, label in LIFECYCLE.values()]
        return [_pipeline("contacts-lifecycle-pipeline", "Lifecycle Stage Pipeline", stages)]
    return []


def _pipeline(
    pipeline_id: str, label: str, stages: list[tuple[str, str, dict[str, str]]]
) -> dict[str, Any]:
    common = {"createdAt": _NEVER, "updatedAt": _NEVER, "archived": False}
    return {
        "id": pipeline_id,
        "label": label,
        "displayOrder": 0,
        "stages": [
            {"id": stage, "label": name, "displayOrder": order, "metadata": metadata, **common}
            for order, (stage, name, metadata) in enumerate(stages)
        ],
        **common,
    }
