"""HubSpot's marketing over HTTP: campaigns with their spend, forms, marketing e-mails."""

from __future__ import annotations

from typing import Any

from smarketing.sandbox.company import CURRENCY
from smarketing.sandbox.market import Campaign
from smarketing.sandbox.vendors.clock import HOUR, SECOND, as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.call import Call, Endpoint, both, page, whole_number
from smarketing.sandbox.vendors.hubspot.errors import RefusedError
from smarketing.sandbox.vendors.hubspot.fill import FORMS, Content, guid, midnight, number_of
from smarketing.sandbox.vendors.hubspot.records import Record

_DAY = 24 * HOUR


class Marketing:
    """The endpoints of what marketing does."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._company = content.company

    def endpoints(self) -> list[Endpoint]:
        """All of them; of forms, submissions and marketing e-mails there are no dated paths yet."""
        campaigns = "marketing/v3/campaigns"
        return [
            ("GET", self._campaigns, both(campaigns)),
            ("GET", self._campaign, both(campaigns, "{guid}")),
            ("GET", self._budget, both(campaigns, "{guid}/budget/totals")),
            ("GET", self._forms, ("/marketing/v3/forms",)),
            ("GET", self._submissions, ("/form-integrations/v1/submissions/forms/{guid}",)),
            ("GET", self._mailings, ("/email/public/v1/events",)),
        ]

    async def _campaigns(self, call: Call) -> Any:
        started = [one for one in self._content.campaigns if midnight(one.started) <= call.now]
        rows = [self._as_campaign(call, campaign) for campaign in started]
        return {"total": len(rows), **page(call, rows, default=50, most=100)}

    async def _campaign(self, call: Call) -> Any:
        return self._as_campaign(call, self._find_campaign(call))

    async def _budget(self, call: Call) -> Any:
        campaign = self._find_campaign(call)
        spent = [
            spend
            for spend in self._content.spend[campaign.campaign_id]
            if midnight(spend.day) + _DAY <= call.now
        ]
        items = [
            {
                "id": str(number_of(f"{campaign.campaign_id}-{spend.day}")),
                "name": spend.day.isoformat(),
                "order": order,
                "amount": spend.amount,
                "createdAt": midnight(spend.day) + _DAY,
                "updatedAt": midnight(spend.day) + _DAY,
            }
            for order, spend in enumerate(spent)
        ]
        total = round(sum(spend.amount for spend in spent), 2)
        return {
            "currencyCode": CURRENCY,
            "budgetItems": [],
            "spendItems": items,
            "spendTotal": total,
            "remainingBudget": -total,
        }

    def _find_campaign(self, call: Call) -> Campaign:
        wanted = call.request.path_params["guid"]
        for campaign in self._content.campaigns:
            has_started = midnight(campaign.started) <= call.now
            if has_started and guid(self._company, campaign.campaign_id) == wanted:
                return campaign
        raise RefusedError(404, "OBJECT_NOT_FOUND", f"Campaign not found: {wanted}")

    def _as_campaign(self, call: Call, campaign: Campaign) -> dict[str, Any]:
        values = {
            "hs_name": campaign.name,
            "hs_start_date": campaign.started.isoformat(),
            "hs_end_date": campaign.ended.isoformat(),
            "hs_utm": campaign.channel,
            "hs_currency_code": CURRENCY,
        }
        wanted = call.names("properties")
        created = as_text(midnight(campaign.started))
        return {
            "id": guid(self._company, campaign.campaign_id),
            "properties": {name: value for name, value in values.items() if name in wanted},
            "createdAt": created,
            "updatedAt": created,
            "businessUnits": [],
        }

    async def _forms(self, call: Call) -> Any:
        created = as_text(self._company.starts_at * SECOND)
        rows = [
            {
                "formType": "hubspot",
                "id": guid(self._company, name),
                "name": name,
                "createdAt": created,
                "updatedAt": created,
                "archived": False,
                "fieldGroups": [],
                "configuration": {"language": "en"},
                "displayOptions": {"theme": "default_style"},
                "legalConsentOptions": {"type": "none"},
            }
            for name in FORMS
        ]
        return page(call, rows, default=50, most=100)

    async def _submissions(self, call: Call) -> Any:
        """Latest first, by what was typed: no record is named (HubSpot, forms)."""
        wanted = call.request.path_params["guid"]
        form = next((name for name in FORMS if guid(self._company, name) == wanted), None)
        if form is None:
            raise RefusedError(404, "OBJECT_NOT_FOUND", f"Form not found: {wanted}")
        found = [
            one
            for one in reversed(self._content.submissions)
            if one.form == form and _is_known(one.contact, one.at, call.now)
        ]
        told = page(call, found, default=20, most=50)
        told["results"] = [
            {
                "conversionId": guid(self._company, f"submission {one.number}"),
                "submittedAt": one.at,
                "values": [{"name": "email", "value": one.email, "objectTypeId": "0-1"}],
                "pageUrl": "https://almenara.example/contact",
            }
            for one in told["results"]
        ]
        return told

    async def _mailings(self, call: Call) -> Any:
        """Events of marketing e-mails, latest first (HubSpot, e-mail events)."""
        since, until = (
            call.whole_number(name, default)
            for name, default in (("startTimestamp", 0), ("endTimestamp", call.now))
        )
        type_ = call.option("eventType")
        found = [
            one
            for one in reversed(self._content.mailings)
            if since <= one.at <= until
            and type_ in ("", one.type)
            and _is_known(one.contact, one.at, call.now)
        ]
        begin = whole_number("offset", call.option("offset", "o0").removeprefix("o"))
        limit = min(call.whole_number("limit", 10), 1_000)
        events = [
            {
                "id": guid(self._company, f"mailing {one.number}"),
                "type": one.type,
                "created": one.at,
                "recipient": one.recipient,
                "portalId": schema.PORTAL_ID,
                "appId": 113,
                "emailCampaignId": 1,
            }
            for one in found[begin : begin + limit]
        ]
        has_more = begin + limit < len(found)
        return {"hasMore": has_more, "offset": f"o{begin + len(events)}", "events": events}


def _is_known(contact: Record, at: int, now: int) -> bool:
    """Whether an event of a contact is told: it has happened, and the person is not erased."""
    erased = contact.present(now).erased
    return at <= now and not (erased is not None and erased <= now)
