"""What the fictional company's Marketo is set up with: fields, activity types, channels, forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from smarketing.sandbox.prospects import CHANNELS
from smarketing.sandbox.stages import WORDS

# the days of all quotas; the documentation says CST, and means the clocks on the wall
CENTRAL = ZoneInfo("America/Chicago")

# the stages of marketing's part of the path: the others are told by the CRM
STAGES = {stage: WORDS[stage] for stage in ("subscriber", "lead")}


@dataclass(frozen=True)
class Field:
    """A field of a lead. What `is_formula` has no value of its own, and is not exported."""

    id: int
    name: str
    label: str
    type: str = "string"
    is_custom: bool = False
    is_read_only: bool = False
    is_searchable: bool = False
    is_crm_managed: bool = False
    is_formula: bool = False

    def typed(self, value: str) -> Any:
        """A value as JSON tells it; nothing for the empty one."""
        if not value:
            return None
        if self.type == "integer":
            return int(value)
        if self.type == "float":
            return float(value)
        return value

    @property
    def length(self) -> dict[str, int]:
        """The field's length in characters, for those that have one."""
        return {"length": 255} if self.type in ("string", "email", "phone") else {}

    def as_json(self) -> dict[str, Any]:
        """The field as Describe Lead tells it."""
        names = {"name": self.name, "readOnly": self.is_read_only}
        return {
            "id": self.id,
            "displayName": self.label,
            "dataType": self.type,
            **self.length,
            "rest": names,
        }

    def as_json2(self) -> dict[str, Any]:
        """The field as Describe Lead2 tells it."""
        return {
            "name": self.name,
            "displayName": self.label,
            "dataType": self.type,
            **self.length,
            "updateable": not self.is_read_only,
            "crmManaged": self.is_crm_managed,
        }


_LEAD = [
    Field(48, "id", "Id", "integer", is_read_only=True, is_searchable=True),
    Field(51, "email", "Email Address", "email", is_searchable=True),
    Field(52, "firstName", "First Name"),
    Field(53, "lastName", "Last Name"),
    Field(54, "phone", "Phone Number", "phone"),
    Field(4, "company", "Company Name"),
    Field(16, "country", "Country"),
    Field(60, "createdAt", "Created At", "datetime", is_read_only=True),
    Field(61, "updatedAt", "Updated At", "datetime", is_read_only=True),
    Field(62, "leadSource", "Lead Source"),
    Field(63, "leadScore", "Lead Score", "integer"),
    Field(64, "leadStatus", "Lead Status"),
    Field(65, "acquisitionProgramId", "Acquisition Program", "integer"),
    Field(70, "sfdcLeadId", "SFDC Lead Id", is_read_only=True, is_searchable=True,
          is_crm_managed=True),
    Field(71, "sfdcContactId", "SFDC Contact Id", is_read_only=True, is_searchable=True,
          is_crm_managed=True),
    Field(72, "sfdcType", "SFDC Type", is_read_only=True, is_crm_managed=True),
    Field(1001, "region", "Region", is_custom=True, is_searchable=True),
    Field(1002, "persona", "Persona", is_custom=True, is_searchable=True),
    Field(1003, "arrivedOn", "Arrived On", "date", is_custom=True),
    Field(1004, "lifecycleStage", "Lifecycle Stage", is_custom=True, is_searchable=True),
    Field(1005, "fullName", "Full Name", "formula", is_custom=True, is_read_only=True,
          is_formula=True),
    Field(1006, "lastBulkEdit", "Last Bulk Edit", "datetime", is_custom=True),
]  # fmt: skip
FIELDS = {field.name: field for field in _LEAD}

# told where a call names no fields
DEFAULTS = ("id", "email", "updatedAt", "createdAt", "firstName", "lastName")


class ActivityType(NamedTuple):
    """A type of activity. ``days`` are those that Marketo keeps it for, once it purges.

    (Marketo, activities retention policy.)
    """

    id: int
    name: str
    primary: str
    attributes: tuple[tuple[str, str], ...]
    days: int = 760

    def as_json(self) -> dict[str, Any]:
        """The type as its endpoint tells it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.name,
            "primaryAttribute": {"name": self.primary, "dataType": "integer"},
            "attributes": [{"name": name, "dataType": type_} for name, type_ in self.attributes],
        }


VISIT, FORM, SEND, DELIVERED, BOUNCED, OPEN, CLICK, NEW_LEAD = 1, 2, 6, 7, 8, 10, 11, 12
CHANGE, SCORE, MERGE, DELETE, STAGE, STATUS = 13, 22, 32, 37, 101, 104

_REASON = (("Reason", "string"), ("Source", "string"))
_OLD_AND_NEW = (("New Value", "text"), ("Old Value", "text"))
TYPES = {
    one.id: one
    for one in (
        ActivityType(VISIT, "Visit Webpage", "Webpage ID", (("Webpage URL", "string"),), 90),
        ActivityType(FORM, "Fill Out Form", "Webform ID", (("Form Fields", "text"),)),
        ActivityType(SEND, "Send Email", "Mailing ID", (("Campaign Run ID", "integer"),), 90),
        ActivityType(DELIVERED, "Email Delivered", "Mailing ID", (), 90),
        ActivityType(
            BOUNCED, "Email Bounced", "Mailing ID",
            (("Category", "string"), ("Details", "string"), ("Email", "string")),
        ),
        ActivityType(OPEN, "Open Email", "Mailing ID", (("Device", "string"),)),
        ActivityType(CLICK, "Click Email", "Mailing ID", (("Link", "string"),)),
        ActivityType(NEW_LEAD, "New Lead", "Lead ID", (("Source Type", "string"),), 36_500),
        ActivityType(CHANGE, "Change Data Value", "Attribute Name", (*_OLD_AND_NEW, *_REASON), 90),
        ActivityType(
            SCORE, "Change Score", "Attribute Name",
            (("Change Value", "string"), *_OLD_AND_NEW, ("Reason", "string")), 90,
        ),
        ActivityType(
            MERGE, "Merge Leads", "Lead ID",
            (
                ("Master Updated", "boolean"), ("Merge IDs", "string"), ("Merge Source", "string"),
                ("Merged in Sales", "boolean"),
            ),
        ),
        ActivityType(DELETE, "Delete Lead", "Lead ID", (), 14),
        ActivityType(
            STAGE, "Change Revenue Stage", "Model ID",
            (("New Stage", "string"), ("Old Stage", "string")),
        ),
        ActivityType(
            STATUS, "Change Status in Progression", "Program ID",
            (
                ("Acquired By", "boolean"), ("New Status", "string"), ("New Status ID", "integer"),
                ("Old Status", "string"), ("Old Status ID", "integer"),
                ("Program Member ID", "integer"), ("Success", "boolean"),
            ),
        ),
    )
}  # fmt: skip

MODEL = (1, "Revenue Model")


class Asset(NamedTuple):
    """A form, an e-mail or a page, as activities name it."""

    id: int
    name: str


FORMS = (Asset(3001, "Talk to us"), Asset(3002, "Get the guide"))
MAILINGS = (Asset(2001, "Product news"), Asset(2002, "Invitation"))
PAGES = (
    Asset(71, "almenara.example/pricing"),
    Asset(72, "almenara.example/product"),
    Asset(73, "almenara.example/blog"),
)


class Status(NamedTuple):
    """A status of a program's members."""

    id: int
    name: str
    step: int
    is_success: bool = False


NOT_IN_PROGRAM, MEMBER = Status(20, "Not in Program", 0), Status(21, "Member", 10)
STATUSES = (NOT_IN_PROGRAM, MEMBER, Status(22, "Engaged", 20, is_success=True))

# the channels of programs, and the program type that each applies to
PROGRAM_TYPES = {
    channel: {"events": "Event", "e-mail": "Email"}.get(channel, "Default") for channel in CHANNELS
}
