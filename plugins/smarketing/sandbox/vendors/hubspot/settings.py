"""What HubSpot tells of the account itself: properties, pipelines, owners, its zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from smarketing.sandbox.company import CURRENCY, MARKETING, SALES_TEAMS, STAFF, Company, Owner
from smarketing.sandbox.vendors.clock import SECOND, as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.call import Call, Endpoint, both, page
from smarketing.sandbox.vendors.hubspot.errors import RefusedError
from smarketing.sandbox.vendors.hubspot.fill import number_of, owner_number
from smarketing.sandbox.vendors.hubspot.records import Account

_TEAMS = {team: str(number) for number, team in enumerate((MARKETING, *SALES_TEAMS.values()), 901)}


class Settings:
    """The endpoints of what the account is set up with."""

    def __init__(self, company: Company, account: Account) -> None:
        self._company = company
        self._account = account

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return [
            ("GET", self._properties, both("crm/v3/properties", "{kind}")),
            ("GET", self._property, both("crm/v3/properties", "{kind}/{name}")),
            ("GET", self._pipelines, both("crm/v3/pipelines", "{kind}")),
            ("GET", self._owners, both("crm/v3/owners")),
            ("GET", self._owner, both("crm/v3/owners", "{number}")),
            ("GET", self._details, both("account-info/v3", "details")),
        ]

    async def _properties(self, call: Call) -> Any:
        properties = self._account.properties[call.kind].values()
        return {"results": [one.as_json() for one in properties]}

    async def _property(self, call: Call) -> Any:
        name = call.request.path_params["name"]
        properties = self._account.properties[call.kind]
        if name not in properties:
            raise RefusedError(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
        return properties[name].as_json()

    async def _pipelines(self, call: Call) -> Any:
        return {"results": schema.pipelines(call.kind)}

    async def _owners(self, call: Call) -> Any:
        email = call.option("email")
        rows = [
            row
            for row in self._all_owners(call)
            if row["archived"] == call.wants_archived and email in ("", row["email"])
        ]
        return page(call, rows, default=100, most=500)

    async def _owner(self, call: Call) -> Any:
        for row in self._all_owners(call):
            if row["id"] == str(call.number) and row["archived"] == call.wants_archived:
                return row
        raise RefusedError(404, "OBJECT_NOT_FOUND", f"Owner not found: {call.number}")

    def _all_owners(self, call: Call) -> Iterable[dict[str, Any]]:
        for owner in STAFF:
            joined = self._company.at_share(owner.joined) * SECOND
            if joined <= call.now:
                yield self._as_owner(owner, joined, call.now)

    def _as_owner(self, owner: Owner, joined: int, now: int) -> dict[str, Any]:
        left = None if owner.left is None else self._company.at_share(owner.left) * SECOND
        is_archived = left is not None and left <= now
        first, _, last = owner.name.partition(" ")
        told = {
            "id": owner_number(owner.owner_id),
            "email": f"{owner.owner_id.lower()}@almenara.example",
            "type": "PERSON",
            "firstName": first,
            "lastName": last,
            "userIdIncludingInactive": number_of(owner.owner_id) + 70_000,
            "createdAt": as_text(joined),
            "updatedAt": as_text(left if left is not None and is_archived else joined),
            "archived": is_archived,
            "teams": [{"id": _TEAMS[owner.team], "name": owner.team, "primary": True}],
        }
        # a user who has left is no user any more
        return told if is_archived else told | {"userId": number_of(owner.owner_id) + 70_000}

    async def _details(self, call: Call) -> Any:
        offset = datetime.fromtimestamp(call.now / SECOND, schema.ZONE).utcoffset()
        assert offset is not None
        hours, minutes = divmod(int(offset.total_seconds()) // 60, 60)
        return {
            "portalId": schema.PORTAL_ID,
            "accountType": "STANDARD",
            "timeZone": schema.ZONE.key,
            "companyCurrency": CURRENCY,
            "additionalCurrencies": [],
            "utcOffset": f"{hours:+03d}:{minutes:02d}",
            "utcOffsetMilliseconds": int(offset.total_seconds()) * SECOND,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "eu1",
        }
