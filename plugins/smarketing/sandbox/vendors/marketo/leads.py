"""Marketo's leads over HTTP: their fields, reads by id and by value, members of programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smarketing.sandbox.clock import DAY, as_text
from smarketing.sandbox.vendors.marketo import schema
from smarketing.sandbox.vendors.marketo.call import Call, Endpoints, instant, page
from smarketing.sandbox.vendors.marketo.errors import RefusedError, invalid, missing
from smarketing.sandbox.vendors.marketo.records import Instance, Lead, Membership

MOST_FOUND, MOST_VALUES = 1_000, 300
# the longest range of a read of members by their last change
_RANGE = 7 * DAY

MEMBER_FIELDS = {
    "acquiredBy": "boolean",
    "createdAt": "datetime",
    "isExhausted": "boolean",
    "leadId": "integer",
    "membershipDate": "datetime",
    "nurtureCadence": "string",
    "program": "string",
    "programId": "integer",
    "reachedSuccess": "boolean",
    "reachedSuccessDate": "datetime",
    "statusName": "string",
    "statusReason": "string",
    "trackName": "string",
    "updatedAt": "datetime",
}
_MEMBER_DEFAULTS = ("acquiredBy", "leadId", "membershipDate", "programId", "reachedSuccess")


class Leads:
    """The endpoints of leads and of the members of programs."""

    def __init__(self, instance: Instance, programs: dict[int, str]) -> None:
        self._instance = instance
        self._programs = programs

    def endpoints(self) -> Endpoints:
        """All of them."""
        return [
            ("GET", self._describe, "/rest/v1/leads/describe.json"),
            ("GET", self._describe2, "/rest/v1/leads/describe2.json"),
            ("GET", self._read, "/rest/v1/lead/{number}.json"),
            ("GET", self._find, "/rest/v1/leads.json"),
            ("GET", self._leads_of_program, "/rest/v1/leads/programs/{number}.json"),
            ("GET", self._describe_members, "/rest/v1/programs/members/describe.json"),
            ("GET", self._members, "/rest/v1/programs/{number}/members.json"),
        ]

    def _describe(self, _: Call) -> dict[str, Any]:
        return {"result": [one.as_json() for one in self._instance.fields.values()]}

    def _describe2(self, _: Call) -> dict[str, Any]:
        fields = self._instance.fields.values()
        lead = {
            "name": "API Lead",
            "searchableFields": [[one.name] for one in fields if one.is_searchable],
            "fields": [one.as_json2() for one in fields],
        }
        return {"result": [lead]}

    def _read(self, call: Call) -> dict[str, Any]:
        lead = self._instance.find(call.number, call.now)
        if lead is None:
            raise RefusedError(1004, f"Lead '{call.number}' not found")
        return {"result": [self._told(lead, self._wanted(call), call.now)]}

    def _find(self, call: Call) -> dict[str, Any]:
        name, values = call.needed("filterType"), call.names("filterValues")
        if not values:
            raise missing("filterValues")
        if len(values) > MOST_VALUES:
            raise invalid(f"Too many filterValues: at most {MOST_VALUES}")
        field = self._instance.fields.get(name)
        if field is None:
            raise RefusedError(1006, f"Field '{name}' not found")
        if not field.is_searchable:
            raise RefusedError(1011, f"Field '{name}' not supported")
        wanted = self._wanted(call)
        found = self._with(name, values, call.now)
        if len(found) > MOST_FOUND:
            raise invalid("Too many results match the filter")
        told = page(call, found)
        told["result"] = [self._told(lead, wanted, call.now) for lead in told["result"]]
        return told

    def _with(self, name: str, values: Iterable[str], at: int) -> list[Lead]:
        """The live leads that have one of the values, by id."""
        found = {}
        for value in values:
            if name == "id":
                lead = self._instance.find(int(value), at) if value.isdigit() else None
                found.update({lead.id: lead} if lead else {})
            else:
                found.update({lead.id: lead for lead in self._instance.holding(name, value, at)})
        return [found[number] for number in sorted(found)]

    def _wanted(self, call: Call) -> list[str]:
        """The names of the fields that a call asks for, and always the id."""
        fields = self._instance.fields
        names = call.names("fields") or [name for name in schema.DEFAULTS if name in fields]
        for name in names:
            if name not in fields:
                raise RefusedError(1006, f"Field '{name}' not found")
        return ["id", *names]

    def _told(self, lead: Lead, names: Iterable[str], at: int) -> dict[str, Any]:
        """Fields of a lead; those without a value are null."""
        values, fields = lead.values(at), self._instance.fields
        return {name: fields[name].typed(values.get(name, "")) for name in names}

    # members of programs

    def _leads_of_program(self, call: Call) -> dict[str, Any]:
        told, wanted = page(call, self._joined(call)), self._wanted(call)
        rows = []
        for lead, membership in told["result"]:
            about = {
                "progressionStatus": schema.MEMBER.name,
                "isExhausted": False,
                "acquiredBy": True,
                "reachedSuccess": False,
                "membershipDate": as_text(membership.at),
            }
            rows.append(self._told(lead, wanted, call.now) | {"membership": about})
        return told | {"result": rows}

    def _describe_members(self, _: Call) -> dict[str, Any]:
        fields = [
            {
                "name": name,
                "displayName": name,
                "dataType": type_,
                **({"length": 255} if type_ == "string" else {}),
                "updateable": False,
                "crmManaged": False,
            }
            for name, type_ in MEMBER_FIELDS.items()
        ]
        about = {
            "name": "API Program Membership",
            "description": "Map for API program membership fields",
            "dedupeFields": ["leadId", "programId"],
            "searchableFields": [["leadId"], ["reachedSuccess"], ["statusName"]],
            "fields": fields,
        }
        return {"result": [about]}

    def _members(self, call: Call) -> dict[str, Any]:
        name = call.needed("filterType")
        rows = [member_values(lead, one, self._programs) for lead, one in self._joined(call)]
        if name == "updatedAt":
            since, until = instant(call.needed("startAt")), instant(call.needed("endAt"))
            if until - since > _RANGE:
                raise invalid("Date range is longer than 7 days")
            rows = [row for row in rows if since <= instant(row["updatedAt"]) <= until]
        elif name in ("leadId", "statusName", "reachedSuccess"):
            wanted = {value.lower() for value in call.names("filterValues")}
            rows = [row for row in rows if str(row[name]).lower() in wanted]
        else:
            raise RefusedError(1011, f"Field '{name}' not supported")
        wanted_fields = call.names("fields") or _MEMBER_DEFAULTS
        for field in wanted_fields:
            if field not in MEMBER_FIELDS:
                raise RefusedError(1006, f"Field '{field}' not found")
        told = page(call, rows)
        told["result"] = [
            {"seq": seq, **{field: row[field] for field in ("leadId", *wanted_fields)}}
            for seq, row in enumerate(told["result"])
        ]
        return told

    def _joined(self, call: Call) -> list[tuple[Lead, Membership]]:
        if call.number not in self._programs:
            raise RefusedError(1013, f"Program '{call.number}' not found")
        return members_of(self._instance, call.number, call.now)


def members_of(instance: Instance, program: int, at: int) -> list[tuple[Lead, Membership]]:
    """The live leads that are members of a program, by id, with those that came with merges."""
    leads = {
        lead.id: lead
        for membership in instance.members[program]
        if membership.at <= at and (lead := membership.lead.present(at)).is_live(at)
    }
    return [(leads[number], leads[number].joined(at)[program]) for number in sorted(leads)]


def member_values(lead: Lead, membership: Membership, programs: dict[int, str]) -> dict[str, Any]:
    """A membership as its fields tell it."""
    values = dict.fromkeys(MEMBER_FIELDS)
    joined = as_text(membership.at)
    return values | {
        "acquiredBy": True,
        "createdAt": joined,
        "isExhausted": False,
        "leadId": lead.id,
        "membershipDate": joined,
        "program": programs[membership.program],
        "programId": membership.program,
        "reachedSuccess": False,
        "statusName": schema.MEMBER.name,
        "updatedAt": joined,
    }
