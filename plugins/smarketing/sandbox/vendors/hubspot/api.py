"""HubSpot's API over HTTP: the dated paths, and the legacy ones with the same bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from smarketing.sandbox.company import CURRENCY, MARKETING, SALES_TEAMS, STAFF, Company, Owner
from smarketing.sandbox.market import Campaign
from smarketing.sandbox.vendors.clock import SECOND, Clock, as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.errors import RefusedError, over_limit, refusal
from smarketing.sandbox.vendors.hubspot.fill import (
    FORMS,
    fill,
    guid,
    midnight,
    number_of,
    owner_number,
)
from smarketing.sandbox.vendors.hubspot.limits import App, Area, Keys, Limits
from smarketing.sandbox.vendors.hubspot.records import Change, Record
from smarketing.sandbox.vendors.hubspot.search import search

DATED = "2026-09"

# how long the search index takes to see a change ("a few moments": HubSpot, search guide)
INDEX_LAG = 8 * SECOND
MOST_FOUND = 10_000
LONGEST_SEARCH = 3_000
# HubSpot does not say from where on; others met 414 with some 900 properties in a URI
LONGEST_URI = 16_000
BATCH = 100

_TEAMS = {team: str(number) for number, team in enumerate((MARKETING, *SALES_TEAMS.values()), 901)}
_DAY = 86_400 * SECOND


@dataclass(frozen=True)
class Call:
    """A call that is admitted: its request, and the instant at which it is answered."""

    request: Request
    now: int

    @property
    def kind(self) -> str:
        """The object that the path names."""
        return _kind(self.request.path_params["kind"])

    @property
    def number(self) -> int:
        """The record that the path names; -1 where that is no number."""
        text = self.request.path_params["number"]
        return int(text) if text.isdigit() else -1

    def option(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query_params.get(name, default)

    @property
    def wants_archived(self) -> bool:
        """Whether the call asks for what was archived, and for nothing else."""
        return self.option("archived").lower() == "true"

    def names(self, name: str) -> list[str]:
        """A query parameter that is a list, by commas or by repetition."""
        given = ",".join(self.request.query_params.getlist(name))
        return [one for one in given.split(",") if one]

    def whole_number(self, name: str, default: int) -> int:
        """A query parameter that is a whole number."""
        return _whole_number(name, self.option(name, str(default)))

    async def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        try:
            content = orjson.loads(await self.request.body())
        except orjson.JSONDecodeError as error:
            raise _invalid(f"Invalid input JSON: {error}") from error
        if not isinstance(content, dict):
            raise _invalid("Invalid input JSON: an object was expected")
        return content

    def paging(self, after: object) -> dict[str, Any]:
        """The way to the next page; the link is on the host that was asked."""
        link = str(self.request.url.include_query_params(after=after))
        return {"next": {"after": str(after), "link": link}}


Answer = Callable[[Call], Awaitable[Any]]


class HubSpot:
    """One account of HubSpot's that holds the fictional company (`faults.Vendor`).

    ``throttled=False`` lifts the limits on the number of calls, for measurements.
    """

    rows = "results"

    def __init__(self, company: Company, clock: Clock, *, throttled: bool = True) -> None:
        self.company = company
        self.content = fill(company)
        self.account = self.content.account
        self.keys = Keys(clock)
        self._clock = clock
        self._limits = Limits(clock) if throttled else None
        self._found: tuple[object, list[Record]] = (None, [])
        self.app: ASGIApp = Starlette(routes=self._routes())

    def failure(self, path: str, status: int) -> bytes:
        """Give the body of a refusal with that status."""
        if status != 429:
            return refusal(status)
        return orjson.dumps(
            over_limit("SECONDLY" if _area(path) == "search" else "TEN_SECONDLY_ROLLING")
        )

    def expire_tokens(self) -> None:
        """End every access token of the OAuth app; a private app's key does not end."""
        self.keys.expire()

    def edit(self, path: str, rows: list[Any]) -> None:
        """Change the records of a page: a bulk edit that comes between two pages."""
        kind = next(kind for part in path.split("/") if (kind := schema.kind_of(part)))
        for row in rows:
            if record := self.account.find(kind, int(row["id"]), self._clock.now()):
                self._stamp(record)

    def happen(self, event: str, **details: Any) -> None:
        """Let something happen now that the stories do not tell.

        - ``import``: ``count`` contacts are created in one instant;
        - ``bulk_edit``: all live records of a ``kind`` are changed in one instant.
        """
        now = self._clock.now()
        if event == "import":
            for turn in range(int(details["count"])):
                values = {"company": f"Import, row {turn + 1}", "lifecyclestage": "lead"}
                changes = [Change(now, name, value, "IMPORT") for name, value in values.items()]
                self.account.add("contacts", self.account.fresh_id(), now, changes)
        elif event == "bulk_edit":
            for record in self.account.since(_kind(details["kind"]), -1, now):
                self._stamp(record)
        else:
            raise ValueError(f"event: import or bulk_edit, not {event}")

    def _stamp(self, record: Record) -> None:
        now = self._clock.now()
        self.account.change(record, now, "last_bulk_edit", as_text(now), "CRM_UI")

    # the way in

    def _routes(self) -> list[Route]:
        routes = [Route(path, self._token, methods=["POST"]) for path in _both("oauth/v1", "token")]

        def add(method: str, answer: Answer, *paths: str) -> None:
            for path in paths:
                endpoint = self._admitted(answer)
                routes.append(Route(path, endpoint, methods=[method]))
                # some clients write it so
                routes.append(Route(f"{path}/", endpoint, methods=[method]))

        for base in ("/crm/v3/objects", f"/crm/objects/{DATED}"):
            objects = f"{base}/{{kind}}"
            add("POST", self._search, f"{objects}/search")
            add("POST", self._batch_read, f"{objects}/batch/read")
            add("POST", self._merge, f"{objects}/merge")
            add("POST", self._erase, f"{objects}/gdpr-delete")
            add("GET", self._list, objects)
            add("GET", self._read, f"{objects}/{{number}}")
            add("DELETE", self._archive, f"{objects}/{{number}}")
        add(
            "POST", self._batch_associations,
            "/crm/v4/associations/{kind}/{to}/batch/read",
            f"/crm/associations/{DATED}/{{kind}}/{{to}}/batch/read",
        )  # fmt: skip
        add("GET", self._associations, "/crm/v4/objects/{kind}/{number}/associations/{to}")
        add("GET", self._properties, *_both("crm/v3/properties", "{kind}"))
        add("GET", self._property, *_both("crm/v3/properties", "{kind}/{name}"))
        add("GET", self._pipelines, *_both("crm/v3/pipelines", "{kind}"))
        add("GET", self._owners, *_both("crm/v3/owners"))
        add("GET", self._owner, *_both("crm/v3/owners", "{number}"))
        add("GET", self._campaigns, *_both("marketing/v3/campaigns"))
        add("GET", self._campaign, *_both("marketing/v3/campaigns", "{guid}"))
        add("GET", self._budget, *_both("marketing/v3/campaigns", "{guid}/budget/totals"))
        # of forms, submissions and marketing e-mails there are no dated paths yet
        add("GET", self._forms, "/marketing/v3/forms")
        add("GET", self._submissions, "/form-integrations/v1/submissions/forms/{guid}")
        add("GET", self._mailings, "/email/public/v1/events")
        add("GET", self._details, *_both("account-info/v3", "details"))
        return routes

    def _admitted(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that answers those who may call, as often as they may."""

        async def endpoint(request: Request) -> Response:
            headers: dict[str, str] = {}
            try:
                if len(str(request.url)) > LONGEST_URI:
                    raise RefusedError(414, "VALIDATION_ERROR", "URI too long")
                app = self._caller(request)
                if self._limits:
                    refused, headers = self._limits.admit(app, _area(request.url.path))
                    if refused:
                        return _json(over_limit(refused), 429, headers)
                content = await answer(Call(request, self._clock.now()))
            except RefusedError as refused_call:
                return _json(refused_call.content, refused_call.status, headers)
            if content is None:
                return Response(status_code=204, headers=headers)
            status = 207 if isinstance(content, dict) and "numErrors" in content else 200
            return _json(content, status, headers)

        return endpoint

    def _caller(self, request: Request) -> App:
        app = self.keys.app_of(request.headers.get("authorization", ""))
        if app is None:
            raise RefusedError(
                401, "INVALID_AUTHENTICATION", "Authentication credentials not found."
            )
        if app == "expired":
            raise RefusedError(401, "EXPIRED_AUTHENTICATION", "The OAuth token used has expired.")
        return app

    async def _token(self, request: Request) -> Response:
        granted = self.keys.refresh(dict(parse_qsl((await request.body()).decode())))
        if granted is None:
            refused = RefusedError(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
            return _json(refused.content, refused.status)
        return _json(granted)

    # records

    async def _list(self, call: Call) -> Any:
        """Pages in the order of ids: what comes into being under the cursor is not seen."""
        histories = call.names("propertiesWithHistory")
        most = 50 if histories else 100
        limit = call.whole_number("limit", 10)
        if not 1 <= limit <= most:
            raise _invalid(f"limit: 1 to {most}, not {limit}")
        after = call.whole_number("after", -1)
        found = self.account.since(call.kind, after, call.now, archived=call.wants_archived)
        records = list(islice(found, limit + 1))
        page: dict[str, Any] = {"results": [self._told(call, record) for record in records[:limit]]}
        if len(records) > limit:
            page["paging"] = call.paging(records[limit - 1].id)
        return page

    async def _read(self, call: Call) -> Any:
        record = self._find(call, call.kind, call.number)
        return self._told(call, record, is_complete=True)

    async def _batch_read(self, call: Call) -> Any:
        body = await call.body()
        names, histories = body.get("properties") or [], body.get("propertiesWithHistory") or []
        wanted = _inputs(body, 50 if histories else BATCH)
        found: dict[int, Record] = {}
        missing = []
        for text in wanted:
            try:
                record = self._find(call, call.kind, int(text) if text.isdigit() else -1)
                found[record.id] = record
            except RefusedError:
                missing.append(text)
        kind = schema.SINGULAR[call.kind].upper()
        errors = [
            _error(
                "OBJECT_NOT_FOUND",
                f"Could not get some {kind} objects, they may be deleted or not exist.",
                ids=missing,
            )
        ]
        results = [
            _as_json(record, call.now, names, histories, is_complete=True)
            for record in found.values()
        ]
        return _batch(call, results, errors if missing else [])

    async def _search(self, call: Call) -> Any:
        """What the index knows: a while behind, without the archived, 10,000 of it at most."""
        if len((await call.request.body()).decode()) > LONGEST_SEARCH:
            raise _invalid(f"the body is longer than {LONGEST_SEARCH} characters")
        body = await call.body()
        limit = _whole_number("limit", body.get("limit", 10))
        after = _whole_number("after", body.get("after") or 0)
        if not 1 <= limit <= 200:
            raise _invalid(f"limit: 1 to 200, not {limit}")
        if after >= MOST_FOUND:
            raise _invalid(f"paging past {MOST_FOUND} results is not supported")
        at = call.now - INDEX_LAG
        found = self._look_up(call, body, at)
        ends = min(after + limit, MOST_FOUND)
        names = body.get("properties") or []
        page: dict[str, Any] = {
            "total": len(found),
            "results": [
                _as_json(record, at, names, (), is_complete=True) for record in found[after:ends]
            ],
        }
        if ends < len(found):
            page["paging"] = {"next": {"after": str(ends)}}
        return page

    def _look_up(self, call: Call, body: dict[str, Any], at: int) -> list[Record]:
        """The records that a search finds; those of the last one are kept for its next page."""
        wish = {name: body.get(name) for name in ("filterGroups", "sorts", "query")}
        key = (call.kind, at, self.account.revision, orjson.dumps(wish))
        if self._found[0] != key:
            indexed = self.account.since(call.kind, -1, at)
            live = (record for record in indexed if record.is_live(call.now))
            self._found = key, search(live, call.kind, body, at)
        return self._found[1]

    async def _merge(self, call: Call) -> Any:
        body = await call.body()
        primary, other = (
            self._find(call, call.kind, _whole_number(name, body.get(name)))
            for name in ("primaryObjectId", "objectIdToMerge")
        )
        if primary is other or primary.ended or other.ended:
            raise _invalid("these records cannot be merged")
        merged = self.account.merge(primary, other, call.now, self.account.fresh_id())
        return _as_json(merged, call.now, (), (), is_complete=True)

    async def _erase(self, call: Call) -> Any:
        number = _whole_number("objectId", (await call.body()).get("objectId"))
        if record := self.account.find(call.kind, number, call.now):
            self.account.erase(record, call.now)

    async def _archive(self, call: Call) -> Any:
        if record := self.account.find(call.kind, call.number, call.now):
            self.account.archive(record, call.now)

    def _find(self, call: Call, kind: str, number: int) -> Record:
        record = self.account.find(kind, number, call.now)
        if record is None or record.is_archived(call.now) != call.wants_archived:
            raise RefusedError(404, "OBJECT_NOT_FOUND", f"Object not found. objectId: {number}")
        return record

    def _told(self, call: Call, record: Record, *, is_complete: bool = False) -> dict[str, Any]:
        told = _as_json(
            record,
            call.now,
            call.names("properties"),
            call.names("propertiesWithHistory"),
            is_complete=is_complete,
        )
        associations = {}
        for name in call.names("associations"):
            kind = _kind(name)
            if others := record.linked(kind, call.now):
                way = f"{schema.SINGULAR[record.kind]}_to_{schema.SINGULAR[kind]}"
                results = [{"id": str(other.id), "type": way} for other in others]
                associations[kind] = {"results": results}
        return told | {"associations": associations} if associations else told

    async def _batch_associations(self, call: Call) -> Any:
        to = _kind(call.request.path_params["to"])
        results, errors = [], []
        for text in _inputs(await call.body(), BATCH):
            number = int(text) if text.isdigit() else -1
            record = self.account.find(call.kind, number, call.now)
            others = record.linked(to, call.now) if record and record.is_live(call.now) else []
            if record and others:
                told = [_association(record, other) for other in others]
                results.append({"from": {"id": str(record.id)}, "to": told})
            else:
                message = f"No {to} is associated with {call.kind} {text}."
                errors.append(_error("OBJECT_NOT_FOUND", message, ids=[text]))
        return _batch(call, results, errors)

    async def _associations(self, call: Call) -> Any:
        record = self._find(call, call.kind, call.number)
        others = record.linked(_kind(call.request.path_params["to"]), call.now)
        return _page(call, [_association(record, other) for other in others], default=500, most=500)

    # what the account is set up with

    async def _properties(self, call: Call) -> Any:
        properties = schema.PROPERTIES[call.kind].values()
        return {"results": [one.as_json() for one in properties]}

    async def _property(self, call: Call) -> Any:
        name = call.request.path_params["name"]
        if name not in schema.PROPERTIES[call.kind]:
            raise RefusedError(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
        return schema.PROPERTIES[call.kind][name].as_json()

    async def _pipelines(self, call: Call) -> Any:
        return {"results": schema.pipelines(call.kind)}

    async def _owners(self, call: Call) -> Any:
        email = call.option("email")
        rows = [
            row
            for row in self._all_owners(call)
            if row["archived"] == call.wants_archived and email in ("", row["email"])
        ]
        return _page(call, rows, default=100, most=500)

    async def _owner(self, call: Call) -> Any:
        for row in self._all_owners(call):
            if row["id"] == str(call.number) and row["archived"] == call.wants_archived:
                return row
        raise RefusedError(404, "OBJECT_NOT_FOUND", f"Owner not found: {call.number}")

    def _all_owners(self, call: Call) -> Iterable[dict[str, Any]]:
        for owner in STAFF:
            joined = self.company.at_share(owner.joined) * SECOND
            if joined <= call.now:
                yield self._as_owner(owner, joined, call.now)

    def _as_owner(self, owner: Owner, joined: int, now: int) -> dict[str, Any]:
        left = None if owner.left is None else self.company.at_share(owner.left) * SECOND
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

    # marketing

    async def _campaigns(self, call: Call) -> Any:
        started = [one for one in self.content.campaigns if midnight(one.started) <= call.now]
        rows = [self._as_campaign(call, campaign) for campaign in started]
        return {"total": len(rows), **_page(call, rows, default=50, most=100)}

    async def _campaign(self, call: Call) -> Any:
        return self._as_campaign(call, self._find_campaign(call))

    async def _budget(self, call: Call) -> Any:
        campaign = self._find_campaign(call)
        spent = [
            spend
            for spend in self.content.spend[campaign.campaign_id]
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
        for campaign in self.content.campaigns:
            has_started = midnight(campaign.started) <= call.now
            if has_started and guid(self.company, campaign.campaign_id) == wanted:
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
            "id": guid(self.company, campaign.campaign_id),
            "properties": {name: value for name, value in values.items() if name in wanted},
            "createdAt": created,
            "updatedAt": created,
            "businessUnits": [],
        }

    async def _forms(self, call: Call) -> Any:
        created = as_text(self.company.starts_at * SECOND)
        rows = [
            {
                "formType": "hubspot",
                "id": guid(self.company, name),
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
        return _page(call, rows, default=50, most=100)

    async def _submissions(self, call: Call) -> Any:
        """Latest first, by what was typed: no record is named (HubSpot, forms)."""
        wanted = call.request.path_params["guid"]
        if wanted not in [guid(self.company, name) for name in FORMS]:
            raise RefusedError(404, "OBJECT_NOT_FOUND", f"Form not found: {wanted}")
        rows = [
            {
                "conversionId": guid(self.company, f"submission {one.number}"),
                "submittedAt": one.at,
                "values": [{"name": "email", "value": one.email, "objectTypeId": "0-1"}],
                "pageUrl": "https://almenara.example/contact",
            }
            for one in reversed(self.content.submissions)
            if guid(self.company, one.form) == wanted and _is_known(one.contact, one.at, call.now)
        ]
        return _page(call, rows, default=20, most=50)

    async def _mailings(self, call: Call) -> Any:
        """Events of marketing e-mails, latest first (HubSpot, e-mail events)."""
        since, until = (
            call.whole_number(name, default)
            for name, default in (("startTimestamp", 0), ("endTimestamp", call.now))
        )
        type_ = call.option("eventType")
        found = [
            one
            for one in reversed(self.content.mailings)
            if since <= one.at <= until
            and type_ in ("", one.type)
            and _is_known(one.contact, one.at, call.now)
        ]
        begin = _whole_number("offset", call.option("offset", "o0").removeprefix("o"))
        limit = min(call.whole_number("limit", 10), 1_000)
        events = [
            {
                "id": guid(self.company, f"mailing {one.number}"),
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


def _as_json(
    record: Record,
    at: int,
    names: Sequence[str],
    histories: Sequence[str],
    *,
    is_complete: bool,
) -> dict[str, Any]:
    """A record as HubSpot tells it: every value is text, and unknown names are passed over.

    A property without a value is left out, or null where the answer is ``complete``.
    """
    kind = record.kind
    values, known = record.values(at), schema.PROPERTIES[kind]
    always = ("hs_object_id", schema.CREATED[kind], schema.MODIFIED[kind])
    properties: dict[str, str | None] = {}
    for name in (*always, *(names or schema.DEFAULTS.get(kind, ()))):
        if value := values.get(name):
            properties[name] = value
        elif is_complete and name in known:
            properties[name] = None
    told: dict[str, Any] = {
        "id": str(record.id),
        "properties": properties,
        "createdAt": as_text(record.created),
        "updatedAt": as_text(record.modified(at)),
        "archived": record.is_archived(at),
    }
    if record.archived is not None and record.is_archived(at):
        told["archivedAt"] = as_text(record.archived)
    if histories:
        told["propertiesWithHistory"] = {
            name: [
                {
                    "value": change.value,
                    "timestamp": as_text(change.at),
                    "sourceType": change.source,
                }
                for change in record.history(name, at)
            ]
            for name in histories
            if name in known
        }
    return told


def _association(record: Record, other: Record) -> dict[str, Any]:
    types = schema.ASSOCIATIONS[record.kind, other.kind]
    return {
        "toObjectId": str(other.id),
        "associationTypes": [
            {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}
            for type_id, label in types
        ],
    }


def _page(call: Call, rows: list[Any], *, default: int, most: int) -> dict[str, Any]:
    """One page of rows; the cursor counts them."""
    limit = call.whole_number("limit", default)
    if not 1 <= limit <= most:
        raise _invalid(f"limit: 1 to {most}, not {limit}")
    begin = call.whole_number("after", 0)
    page: dict[str, Any] = {"results": rows[begin : begin + limit]}
    if begin + limit < len(rows):
        page["paging"] = call.paging(begin + limit)
    return page


def _batch(call: Call, results: list[Any], errors: list[Any]) -> dict[str, Any]:
    """The answer to a batch; with errors it is a 207."""
    now = as_text(call.now)
    told = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    return told | {"numErrors": len(errors), "errors": errors} if errors else told


def _inputs(body: dict[str, Any], most: int) -> list[str]:
    inputs = body.get("inputs") or []
    if len(inputs) > most:
        raise _invalid(f"at most {most} inputs, not {len(inputs)}")
    return [str(one.get("id")) for one in inputs]


def _error(category: str, message: str, **context: list[str]) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "context": context}


def _kind(name: str) -> str:
    kind = schema.kind_of(name)
    if kind is None:
        raise _invalid(f"Unable to infer object type from: {name}")
    return kind


def _area(path: str) -> Area:
    if path.rstrip("/").endswith("/search"):
        return "search"
    return "associations" if "/associations/" in path else "core"


def _is_known(contact: Record, at: int, now: int) -> bool:
    """Whether an event of a contact is told: it has happened, and the person is not erased."""
    erased = contact.present(now).erased
    return at <= now and not (erased is not None and erased <= now)


def _whole_number(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise _invalid(f"{name}: a whole number, not {value!r}") from error


def _invalid(message: str) -> RefusedError:
    return RefusedError(400, "VALIDATION_ERROR", message)


def _both(legacy: str, rest: str = "") -> tuple[str, str]:
    """A path in its legacy form and in its dated one, where the date stands for the version."""
    parts = legacy.split("/")
    area = "/".join(part for part in parts if part not in ("v1", "v3"))
    tail = f"/{rest}" if rest else ""
    return f"/{legacy}{tail}", f"/{area}/{DATED}{tail}"


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
