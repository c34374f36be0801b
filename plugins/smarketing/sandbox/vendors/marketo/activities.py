"""Marketo's log over HTTP (Marketo, activities): by type, changes of values, deletions.

Each call reads on in the log for a while and tells what it was asked for. So a page may be short,
or have no ``result`` at all, while ``moreResult`` says that there is more behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smarketing.sandbox.clock import as_text
from smarketing.sandbox.vendors.marketo.call import Call, Endpoints, instant, place_of, token
from smarketing.sandbox.vendors.marketo.errors import RefusedError, invalid, missing
from smarketing.sandbox.vendors.marketo.records import Activity, Instance
from smarketing.sandbox.vendors.marketo.schema import CHANGE, NEW_LEAD, TYPES

MOST_TYPES, MOST_LEADS = 10, 30
# how many lines of the log a call reads for each that it may tell
_READ_FOR_EACH = 2
# behind all lines of the same second
_LAST = 2**62


class Activities:
    """The endpoints of the log."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def endpoints(self) -> Endpoints:
        """All of them."""
        base = "/rest/v1/activities"
        return [
            ("GET", self._types, f"{base}/types.json"),
            ("GET", self._paging_token, f"{base}/pagingtoken.json"),
            ("GET", self._activities, f"{base}.json"),
            ("GET", self._changes, f"{base}/leadchanges.json"),
            ("GET", self._deletions, f"{base}/deletedleads.json"),
        ]

    def _types(self, _: Call) -> dict[str, Any]:
        return {"result": [one.as_json() for one in TYPES.values()]}

    def _paging_token(self, call: Call) -> dict[str, Any]:
        """The place behind an instant: what happened at it is not told any more."""
        return {"nextPageToken": token(instant(call.needed("sinceDatetime")), _LAST)}

    def _activities(self, call: Call) -> dict[str, Any]:
        types = set(call.numbers("activityTypeIds"))
        if not types:
            raise missing("activityTypeIds")
        if len(types) > MOST_TYPES:
            raise invalid(f"At most {MOST_TYPES} activityTypeIds")
        assets = set(call.numbers("assetIds"))
        if assets and len(types) > 1:
            raise invalid("assetIds needs a single activityTypeId")
        told = self._page(
            call, lambda one: one.type in types and (not assets or one.primary_id in assets)
        )
        return told | _result([as_json(one, call.now) for one in told.pop("result")])

    def _changes(self, call: Call) -> dict[str, Any]:
        names = call.names("fields")
        if not names:
            raise missing("fields")
        for name in names:
            if name not in self._instance.fields:
                raise RefusedError(1006, f"Field '{name}' not found")
        # a change names its field by the field's own id
        fields = {self._instance.fields[name].id: name for name in names}
        told = self._page(
            call,
            lambda one: one.type == NEW_LEAD or (one.type == CHANGE and one.primary_id in fields),
        )
        rows = [_as_change(one, fields, call.now) for one in told.pop("result")]
        return told | _result(rows)

    def _deletions(self, call: Call) -> dict[str, Any]:
        since, number = place_of(call.needed("nextPageToken"))
        size = call.size()
        rows = [
            one
            for one in self._instance.deletions
            if one.place > (since, number)
            and one.at <= call.now
            and self._instance.is_kept(one, call.now)
        ]
        for one in rows[:size]:
            since, number = one.place
        told = {"nextPageToken": token(since, number), "moreResult": len(rows) > size}
        found = [as_json(one, call.now) for one in rows[:size]]
        return told | _result([row | {"activityDate": _plus(row)} for row in found])

    def _page(self, call: Call, is_wanted: Callable[[Activity], bool]) -> dict[str, Any]:
        """The wanted among the next lines of the log, and the place to read on from."""
        if call.option("listId"):
            raise RefusedError(1013, "List not found")
        leads = set(call.numbers("leadIds"))
        if len(leads) > MOST_LEADS:
            raise invalid(f"At most {MOST_LEADS} leadIds")
        since, number = place_of(call.needed("nextPageToken"))
        size = call.size()
        lines, has_more = self._instance.after((since, number), call.now, size * _READ_FOR_EACH)
        found = []
        for read, one in enumerate(lines, start=1):
            since, number = one.place
            is_told = self._instance.is_kept(one, call.now) and is_wanted(one)
            if is_told and (not leads or one.lead.present(call.now).id in leads):
                found.append(one)
            if len(found) == size:
                has_more = has_more or read < len(lines)
                break
        told = {"nextPageToken": token(since, number), "moreResult": has_more}
        return told | {"result": found}


def as_json(activity: Activity, now: int) -> dict[str, Any]:
    """A line of the log. After a merge it is the winner's."""
    told = {
        "id": activity.id,
        "marketoGUID": str(activity.id),
        "leadId": activity.lead.present(now).id,
        "activityDate": as_text(activity.at),
        "activityTypeId": activity.type,
        "primaryAttributeValueId": activity.primary_id,
        "primaryAttributeValue": activity.primary,
        "attributes": [
            {"name": name, "value": value} for name, value in activity.attributes.items()
        ],
    }
    if not activity.primary:
        del told["primaryAttributeValue"]
    return told


def _as_change(activity: Activity, fields: dict[int, str], now: int) -> dict[str, Any]:
    """A change of a value, or a new lead, as the lead changes tell it."""
    row, lead = as_json(activity, now), activity.lead.present(now).id
    about = activity.attributes
    told = {name: row[name] for name in ("id", "marketoGUID", "leadId", "activityTypeId")}
    told |= {"activityDate": _plus(row), "fields": []}
    if activity.type == CHANGE:
        change = {
            "id": activity.primary_id,
            "name": fields[activity.primary_id],
            "newValue": about.get("New Value"),
            "oldValue": about.get("Old Value"),
        }
        told["fields"] = [change]
    rest = {name: value for name, value in about.items() if name not in ("New Value", "Old Value")}
    told["attributes"] = [
        {"name": name, "value": value} for name, value in {**rest, "Lead ID": lead}.items()
    ]
    return told


def _plus(row: dict[str, Any]) -> str:
    """The date in the way of lead changes and deletions."""
    date: str = row["activityDate"]
    return date.replace("Z", "+0000")


def _result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"result": rows} if rows else {}
