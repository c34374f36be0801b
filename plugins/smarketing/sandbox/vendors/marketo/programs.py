"""Marketo's programs and channels over HTTP (Marketo, asset API).

A list of programs tells neither costs nor dates: these stand in the program itself. Costs are
whole amounts by month; dates are those of events and e-mail programs alone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time
from typing import Any

from smarketing.sandbox.clock import DAY, as_text
from smarketing.sandbox.market import Campaign
from smarketing.sandbox.vendors.marketo import schema
from smarketing.sandbox.vendors.marketo.call import Call, Endpoints, instant, whole_number
from smarketing.sandbox.vendors.marketo.fill import Content, program_number

NOTHING = {"warnings": ["No assets found for the given search criteria."]}

_DATED = ("Event", "Email")
_CHANNEL_TYPES = {"Default": "program", "Event": "event", "Email": "email"}


class Programs:
    """The endpoints of programs and channels."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._started = content.company.starts_at

    def endpoints(self) -> Endpoints:
        """All of them."""
        base = "/rest/asset/v1"
        return [
            ("GET", self._browse, f"{base}/programs.json"),
            ("GET", self._by_name, f"{base}/program/byName.json"),
            ("GET", self._read, f"{base}/program/{{number}}.json"),
            ("GET", self._channels, f"{base}/channels.json"),
        ]

    def _browse(self, call: Call) -> dict[str, Any]:
        since, until = (
            instant(call.option(name)) if call.option(name) else default
            for name, default in (("earliestUpdatedAt", 0), ("latestUpdatedAt", call.now))
        )
        programs = [one for one in self._known(call) if since <= _midnight(one.started) <= until]
        return _page(call, [_as_json(one) for one in programs])

    def _read(self, call: Call) -> dict[str, Any]:
        found = [one for one in self._known(call) if program_number(one.campaign_id) == call.number]
        return _assets([self._whole(one, call.now, has_costs=True) for one in found])

    def _by_name(self, call: Call) -> dict[str, Any]:
        name, has_costs = call.needed("name"), call.option("includeCosts").lower() == "true"
        found = [one for one in self._known(call) if one.name == name]
        return _assets([self._whole(one, call.now, has_costs=has_costs) for one in found])

    def _channels(self, call: Call) -> dict[str, Any]:
        created = _zoned(self._started)
        statuses = [
            {
                "name": status.name,
                "step": status.step,
                "description": None,
                "hidden": False,
                "success": status.is_success,
            }
            for status in schema.STATUSES
        ]
        rows = [
            {
                "id": number,
                "name": channel,
                "applicableProgramType": _CHANNEL_TYPES[type_],
                "progressionStatuses": statuses,
                "createdAt": created,
                "updatedAt": created,
            }
            for number, (channel, type_) in enumerate(schema.PROGRAM_TYPES.items(), start=1)
        ]
        return _page(call, rows)

    def _known(self, call: Call) -> list[Campaign]:
        return [one for one in self._content.campaigns if _midnight(one.started) <= call.now]

    def _whole(self, campaign: Campaign, now: int, *, has_costs: bool) -> dict[str, Any]:
        told = _as_json(campaign) | {"tags": None, "costs": None}
        if told["type"] in _DATED:
            told["startDate"] = _zoned(_midnight(campaign.started))
            told["endDate"] = _zoned(_midnight(campaign.ended))
        if has_costs:
            told["costs"] = self._costs(campaign, now) or None
        return told

    def _costs(self, campaign: Campaign, now: int) -> list[dict[str, Any]]:
        """What was spent on the days that are over, by month."""
        months: defaultdict[date, float] = defaultdict(float)
        for day, amount in self._content.costs[program_number(campaign.campaign_id)]:
            if _midnight(day) + DAY <= now:
                months[day.replace(day=1)] += amount
        return [
            {"startDate": month.isoformat(), "cost": round(amount)}
            for month, amount in months.items()
        ]


def _as_json(campaign: Campaign) -> dict[str, Any]:
    number, created = program_number(campaign.campaign_id), _zoned(_midnight(campaign.started))
    return {
        "id": number,
        "name": campaign.name,
        "description": "",
        "createdAt": created,
        "updatedAt": created,
        "url": f"https://app-sandbox.marketo.example/#PG{number}A1",
        "type": schema.PROGRAM_TYPES[campaign.channel],
        "channel": campaign.channel,
        "folder": {"type": "Folder", "value": 28, "folderName": "Active"},
        "status": "",
        "workspace": "Default",
        "headStart": False,
    }


def _page(call: Call, rows: list[dict[str, Any]]) -> dict[str, Any]:
    begin = whole_number(call.option("offset", "0"))
    return _assets(rows[begin : begin + call.size("maxReturn", default=20, most=200)])


def _assets(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer of the asset API: nothing found is a success without ``result``."""
    return {"errors": [], **({"warnings": [], "result": rows} if rows else NOTHING)}


def _zoned(at: int) -> str:
    """An instant as assets tell it."""
    return f"{as_text(at)}+0000"


def _midnight(day: date) -> int:
    return round(datetime.combine(day, time(), UTC).timestamp())
