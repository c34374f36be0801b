"""HubSpot's API over HTTP: the dated paths, and the legacy ones with the same bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.clock import Clock, as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.call import Answer, Call, both
from smarketing.sandbox.vendors.hubspot.errors import RefusedError, over_limit, refusal, refused
from smarketing.sandbox.vendors.hubspot.fill import fill
from smarketing.sandbox.vendors.hubspot.limits import App, Area, Keys, Limits
from smarketing.sandbox.vendors.hubspot.marketing import Marketing
from smarketing.sandbox.vendors.hubspot.objects import Objects
from smarketing.sandbox.vendors.hubspot.records import Change, Record
from smarketing.sandbox.vendors.hubspot.settings import Settings

# HubSpot does not say from where on; others met 414 with some 900 properties in a URI
LONGEST_URI = 16_000


class HubSpot:
    """One account of HubSpot's that holds the fictional company (`faults.Vendor`).

    ``throttled=False`` lifts the limits on the number of calls, for measurements.
    """

    rows = "results"

    def __init__(self, company: Company, clock: Clock, *, throttled: bool = True) -> None:
        self.keys = Keys(clock)
        self._clock = clock
        self._limits = Limits(clock) if throttled else None
        self._content = fill(company)
        self._account = self._content.account
        self._events: dict[str, Callable[..., None]] = {
            "import": self._import,
            "bulk_edit": self._bulk_edit,
            "change": self._change,
            "associate": self._associate,
            "restore": self._restore,
            "new_property": self._new_property,
            "retype_property": self._retype_property,
            "drop_property": self._drop_property,
            "quota": self._use_up_quota,
        }
        self.app: ASGIApp = Starlette(
            routes=self._routes(), exception_handlers={HTTPException: self._unknown}
        )

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
        """Change the records of a page, if it has any: a bulk edit between two pages."""
        _, is_of_records, rest = path.partition("/objects/")
        # the kind stands right behind, or behind the date
        kind = next((kind for part in rest.split("/") if (kind := schema.kind_of(part))), None)
        if not is_of_records or kind is None:
            return
        for row in rows:
            record = self._account.find(kind, int(row.get("id", 0)), self._clock.now())
            if record is not None:
                self._stamp(record)

    def happen(self, event: str, **details: Any) -> None:
        """Let something happen now that the stories do not tell.

        - ``import``: ``count`` records of a ``kind``, of contacts if it names none, are created in
          one instant;
        - ``bulk_edit``: all live records of a ``kind`` are changed in one instant;
        - ``change``: the property ``name`` of a ``record`` of a ``kind`` gets a ``value``;
        - ``associate``: it is associated with the record ``other`` of the kind ``to``;
        - ``restore``: it is brought back from the recycle bin;
        - ``new_property``: records of a ``kind`` get a property of a ``name`` and ``value_type``
          (and ``sensitivity``); ``retype_property``: its type changes; ``drop_property``: it goes;
        - ``quota``: other apps use up the day's calls.
        """
        if event not in self._events:
            raise ValueError(f"event: one of {', '.join(self._events)}, not {event}")
        self._events[event](**details)

    # what happens

    def _import(self, count: int, kind: str = "contacts") -> None:
        now = self._clock.now()
        for turn in range(int(count)):
            values = {"company": f"Import, row {turn + 1}", "lifecyclestage": "lead"}
            changes = [Change(now, name, value, "IMPORT") for name, value in values.items()]
            self._account.add(kind, self._account.fresh_id(), now, changes)

    def _bulk_edit(self, kind: str) -> None:
        for record in self._account.since(kind, 0, self._clock.now()):
            self._stamp(record)

    def _change(self, kind: str, record: str, name: str, value: str) -> None:
        self._account.change(self._found(kind, record), self._clock.now(), name, value, "CRM_UI")

    def _associate(self, kind: str, record: str, to: str, other: str) -> None:
        self._account.link(self._found(kind, record), self._found(to, other))

    def _restore(self, kind: str, record: str) -> None:
        self._account.restore(self._found(kind, record))

    def _found(self, kind: str, number: str) -> Record:
        record = self._account.find(kind, int(number), self._clock.now())
        if record is None:
            raise ValueError(f"{kind}: there is no {number}")
        return record

    def _new_property(
        self,
        kind: str,
        name: str,
        value_type: str = "string",
        sensitivity: str = "non_sensitive",
    ) -> None:
        self._account.properties[kind][name] = schema.Property(
            name, name, value_type, is_custom=True, sensitivity=sensitivity
        )

    def _retype_property(self, kind: str, name: str, value_type: str) -> None:
        properties = self._account.properties[kind]
        properties[name] = replace(properties[name], type=value_type)

    def _drop_property(self, kind: str, name: str) -> None:
        del self._account.properties[kind][name]

    def _use_up_quota(self) -> None:
        if not self._limits:
            raise ValueError("quota: there are no limits")
        self._limits.use_up()

    def _stamp(self, record: Record) -> None:
        now = self._clock.now()
        self._account.change(record, now, "last_bulk_edit", as_text(now), "CRM_UI")

    # the way in

    def _routes(self) -> list[Route]:
        content = self._content
        groups = (
            Objects(content.account),
            Settings(content.company, content.account),
            Marketing(content),
        )
        routes = [Route(path, self._token, methods=["POST"]) for path in both("oauth/v1", "token")]
        for group in groups:
            for method, answer, paths in group.endpoints():
                endpoint = self._admitted(answer)
                for path in paths:
                    # some clients write the slash
                    routes.append(Route(path, endpoint, methods=[method]))
                    routes.append(Route(f"{path}/", endpoint, methods=[method]))
        return routes

    def _admitted(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that answers those who may call, as often as they may."""

        async def endpoint(request: Request) -> Response:
            headers: dict[str, str] = {}
            try:
                if len(str(request.url)) > LONGEST_URI:
                    raise refused(414)
                app = self._caller(request)
                if self._limits:
                    policy, headers = self._limits.admit(app, _area(request.url.path))
                    if policy:
                        return _json(over_limit(policy), 429, headers)
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
            raise refused(401)
        if app == "expired":
            raise RefusedError(401, "EXPIRED_AUTHENTICATION", "The OAuth token used has expired.")
        return app

    async def _unknown(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return Response(refusal(status), status, media_type="application/json")

    async def _token(self, request: Request) -> Response:
        granted = self.keys.refresh(dict(parse_qsl((await request.body()).decode())))
        if granted is None:
            error = RefusedError(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
            return _json(error.content, error.status)
        return _json(granted)


def _area(path: str) -> Area:
    if path.rstrip("/").endswith("/search"):
        return "search"
    return "associations" if "/associations/" in path else "core"


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
