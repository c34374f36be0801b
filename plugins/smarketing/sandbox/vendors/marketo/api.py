"""Marketo's API over HTTP: identity, leads and their log, assets, bulk extracts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from smarketing.sandbox.clock import as_text
from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.clock import SECOND, Clock
from smarketing.sandbox.vendors.marketo.activities import Activities
from smarketing.sandbox.vendors.marketo.bulk import Bulk
from smarketing.sandbox.vendors.marketo.call import Answer, Call, Handler, params_of
from smarketing.sandbox.vendors.marketo.errors import (
    HttpRefusalError,
    RefusedError,
    refusal,
    request_id,
)
from smarketing.sandbox.vendors.marketo.extracts import Extracts
from smarketing.sandbox.vendors.marketo.fill import fill, program_number
from smarketing.sandbox.vendors.marketo.leads import Leads
from smarketing.sandbox.vendors.marketo.limits import Keys, Limits
from smarketing.sandbox.vendors.marketo.programs import Programs
from smarketing.sandbox.vendors.marketo.records import Lead
from smarketing.sandbox.vendors.marketo.schema import Field
from smarketing.sandbox.vendors.marketo.usage import Usage

LONGEST_URI = 8_192
LARGEST_BODY = 1_048_576
_EDITED = "lastBulkEdit"


class Marketo:
    """One instance of Marketo's that holds the fictional company (`faults.Vendor`).

    ``throttled=False`` lifts the limits on the number of calls, for measurements. Export jobs then
    complete as soon as they are queued, too, unless ``jobs_wait`` for their turn.
    """

    rows = "result"

    def __init__(
        self,
        company: Company,
        clock: Clock,
        *,
        throttled: bool = True,
        jobs_wait: bool | None = None,
    ) -> None:
        self.keys = Keys(clock)
        self._clock = clock
        self._limits = Limits(clock, throttled=throttled)
        content = fill(company)
        self._instance = content.instance
        programs = {program_number(one.campaign_id): one.name for one in content.campaigns}
        self._extracts = Extracts(self._instance, programs)
        self._bulk = Bulk(
            self._extracts, company.seed, jobs_wait=throttled if jobs_wait is None else jobs_wait
        )
        groups = (
            Leads(self._instance, programs),
            Activities(self._instance),
            Programs(content),
            Usage(self._limits),
            self._bulk,
        )
        routes = [Route("/identity/oauth/token", self._token, methods=["GET", "POST"])]
        routes += [
            Route(path, self._admitted(method, answer), methods=["GET", "POST"])
            for group in groups
            for method, answer, path in group.endpoints()
        ]
        self.app: ASGIApp = Starlette(
            routes=routes, exception_handlers={HTTPException: self._unknown}
        )

    def failure(self, _: str, status: int) -> bytes:
        """Give the body of a refusal: of an HTTP status, or of one of Marketo's own codes."""
        return orjson.dumps(refusal(RefusedError(status)))

    def expire_tokens(self) -> None:
        """End the access token."""
        self.keys.expire()

    def edit(self, path: str, rows: list[Any]) -> None:
        """Change the leads of a page, if it has any: a bulk edit between two pages."""
        if not path.startswith("/rest/v1/"):
            return
        now = self._now
        for row in rows:
            lead = self._instance.find(int(row.get("leadId") or row.get("id") or 0), now)
            if lead is not None:
                self._stamp(lead)

    def happen(self, event: str, **details: Any) -> None:
        """Let something happen now that the stories do not tell.

        - ``import``: ``count`` leads of the Americas are created in one instant;
        - ``bulk_edit``: all live leads are changed in one instant;
        - ``quota``: others use up the day's ``calls`` or ``export`` (``of``);
        - ``no_corona``: no filter by ``updatedAt`` in bulk extracts any more;
        - ``export_failure``: the export jobs that are queued or running fail;
        - ``purge``: from now on Marketo keeps activities only for as long as it says;
        - ``nul``: from now on company names in files have NUL in them;
        - ``new_field``: a field called ``name``, which all live leads have with a ``value``;
        - ``drop_field``, ``retype_field``: the field ``name`` is gone, or is of another ``type``:
          ``string``, or ``float`` where it was ``integer``.
        """
        if event == "import":
            for turn in range(int(details["count"])):
                values = {"company": f"Import, row {turn + 1}", "region": "Americas"}
                self._instance.create(self._now, values)
        elif event == "bulk_edit":
            for lead in list(self._instance.live(self._now)):
                self._stamp(lead)
        elif event == "quota" and details.get("of") == "calls" and self._limits.is_throttled:
            self._limits.use_up()
        elif event == "quota" and details.get("of") == "export":
            self._bulk.use_up(self._now)
        elif event == "export_failure":
            self._bulk.fail(self._now)
        elif event in ("no_corona", "purge", "nul"):
            self._turn(event)
        elif event.endswith("_field"):
            self._redefine(event, details)
        else:
            raise ValueError(f"event: not {event} with {details}")

    def _turn(self, event: str) -> None:
        if event == "no_corona":
            self._extracts.has_corona = False
        elif event == "purge":
            self._instance.purges = True
        else:
            self._extracts.has_nul = True

    def _redefine(self, event: str, details: dict[str, Any]) -> None:
        fields, name = self._instance.fields, str(details["name"])
        type_ = details.get("type", "string")
        if event == "new_field" and name not in fields:
            number = max(field.id for field in fields.values()) + 1
            fields[name] = Field(number, name, name, type_, is_custom=True)
            for lead in list(self._instance.live(self._now)):
                self._instance.edit(lead, self._now, name, str(details["value"]))
        elif event == "drop_field":
            del fields[name]
        elif event == "retype_field" and (
            type_ == "string" or (fields[name].type, type_) == ("integer", "float")
        ):
            fields[name] = replace(fields[name], type=type_)
        else:
            raise ValueError(f"event: not {event} of {name} as {type_}")

    def _stamp(self, lead: Lead) -> None:
        self._instance.edit(lead, self._now, _EDITED, as_text(self._now))

    @property
    def _now(self) -> int:
        return self._clock.now() // SECOND

    # the way in

    def _admitted(self, method: str, answer: Answer) -> Handler:
        """An endpoint that answers those who may call, as often as they may."""

        async def endpoint(request: Request) -> Response:
            self._limits.enter()
            try:
                if len(str(request.url)) > LONGEST_URI:
                    raise HttpRefusalError(414, "Request-URI Too Long")
                self.keys.check(request.headers.get("authorization", ""))
                call = await self._call(request, method)
                self._limits.admit()
                content = answer(call)
            except HttpRefusalError as refused:
                return PlainTextResponse(refused.message, refused.status)
            except RefusedError as refused:
                self._limits.note(refused.code)
                return _json(refusal(refused))
            finally:
                self._limits.leave()
            if isinstance(content, Response):
                return content
            return _json({"requestId": request_id(), "success": True, **content})

        return endpoint

    async def _call(self, request: Request, method: str) -> Call:
        body = await request.body()
        if len(body) > LARGEST_BODY:
            raise HttpRefusalError(413, "Request Entity Too Large")
        params = params_of(request, body)
        is_get = request.method == "GET" or ("_method", "GET") in params
        if is_get != (method == "GET"):
            raise RefusedError(605)
        return Call(request, self._now, params, body)

    async def _unknown(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        code = {404: 610, 405: 605}.get(status, 611)
        self._limits.note(code)
        return _json(refusal(RefusedError(code)))

    async def _token(self, request: Request) -> Response:
        granted = self.keys.grant(dict(params_of(request, await request.body())))
        if granted is None:
            error = {"error": "invalid_client", "error_description": "Bad client credentials"}
            return _json(error, 401)
        return _json(granted)


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
