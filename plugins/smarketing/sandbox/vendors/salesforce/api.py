"""Salesforce's API over HTTP: OAuth, REST, and the Bulk API 2.0's queries."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from itertools import count
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
from smarketing.sandbox.stages import WORDS
from smarketing.sandbox.vendors.clock import SECOND, Clock
from smarketing.sandbox.vendors.salesforce import schema
from smarketing.sandbox.vendors.salesforce.bulk import Jobs
from smarketing.sandbox.vendors.salesforce.call import NEWEST, OLDEST, Answer, Call
from smarketing.sandbox.vendors.salesforce.errors import RefusedError, refusal, refused
from smarketing.sandbox.vendors.salesforce.fill import fill
from smarketing.sandbox.vendors.salesforce.ids import id_of
from smarketing.sandbox.vendors.salesforce.objects import Objects
from smarketing.sandbox.vendors.salesforce.person import INTEGRATION, QUEUE
from smarketing.sandbox.vendors.salesforce.query import Queries
from smarketing.sandbox.vendors.salesforce.records import Row, Value
from smarketing.sandbox.vendors.salesforce.select import as_text
from smarketing.sandbox.vendors.salesforce.sessions import ALLOCATION, Keys, Limits

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 (a path)


class Salesforce:
    """One org of Salesforce's that holds the fictional company (`faults.Vendor`).

    ``allocation`` is the number of calls in 24 hours; ``throttled=False`` lifts that limit and
    completes query jobs at once, for measurements.
    """

    rows = "records"

    def __init__(
        self,
        company: Company,
        clock: Clock,
        *,
        throttled: bool = True,
        allocation: int = ALLOCATION,
    ) -> None:
        self.keys = Keys(clock)
        self._clock = clock
        self._throttled = throttled
        self._limits = Limits(clock, allocation, throttled=throttled)
        self._schema = schema.Schema()
        self._made = company.starts_at
        self._org = fill(company)
        # above all numbers of what the stories tell
        self._numbers = count(10**16)
        self.app: ASGIApp = Starlette(
            routes=self._routes(), exception_handlers={HTTPException: self._unknown}
        )

    def failure(self, path: str, status: int) -> bytes:
        """Give the body of a refusal with that status."""
        if path == TOKEN_PATH and status < 500:
            return orjson.dumps(_no_grant())
        return refusal(status)

    def expire_tokens(self) -> None:
        """End all sessions."""
        self.keys.expire()

    def edit(self, path: str, rows: list[Any]) -> None:
        """Change the records of a page: a bulk edit between two pages."""
        for row in rows:
            record = self._org.find(row.get("Id"))
            if record and "Description" in self._schema.objects[record.object]:
                self._touch(record, {})

    def happen(self, event: str, **details: Any) -> None:
        """Let something happen now that the stories do not tell.

        - ``import``: ``count`` leads are created in one second;
        - ``bulk_edit``: all live rows of an ``object`` get ``values`` in one second;
        - ``late_commit``: a lead is created whose stamp is ``seconds`` old already;
        - ``quota``: other apps use up the allocation;
        - ``new_field``, ``drop_field``, ``retype_field``: an ``object`` gets, loses or changes the
          field ``name``, now of ``type``.
        """
        now = self._clock.now() // SECOND
        fields = self._schema.objects.get(details.get("object", ""), {})
        if event == "import":
            for turn in range(int(details["count"])):
                self._add_lead(f"Import, row {turn + 1}", now, now)
        elif event == "bulk_edit" and "Description" in fields:
            for row in self._org.rows(details["object"]):
                if row.is_seen(now):
                    self._touch(row, details.get("values", {}))
        elif event == "late_commit":
            self._add_lead("Late", now - int(details["seconds"]), now)
        elif event == "quota":
            self._limits.use_up()
        elif not self._change_schema(event, now, **details):
            raise ValueError(
                "event: import, bulk_edit, late_commit, quota, new_field, drop_field or "
                f"retype_field, not {event} with {details}"
            )

    def _change_schema(self, event: str, now: int, **details: Any) -> bool:
        """Change the fields of an object; says whether that is possible."""
        object_, name, type_ = (str(details.get(key)) for key in ("object", "name", "type"))
        fields = self._schema.objects.get(object_)
        if fields is None:
            return False
        is_known, is_type = name in fields, type_ in schema.TYPES
        if event == "new_field" and not is_known and is_type:
            self._schema.add(object_, schema.Field(name, type_), now)
        elif event == "drop_field" and is_known:
            self._schema.drop(object_, name, now)
        elif event == "retype_field" and is_known and is_type:
            self._schema.retype(object_, name, type_, now)
        else:
            return False
        return True

    def _touch(self, row: Row, values: dict[str, Value]) -> None:
        now = self._clock.now() // SECOND
        note: dict[str, Value] = {"Description": f"Edited at {as_text(now)}"}
        self._org.save(row, now, note | values, INTEGRATION)

    def _add_lead(self, company: str, at: int, committed: int) -> None:
        values: dict[str, Value] = {
            "LastName": "[not provided]",
            "Name": "[not provided]",
            "Company": company,
            "Status": WORDS["lead"],
            "OwnerId": QUEUE,
            "IsConverted": False,
        }
        lead = id_of("00Q", next(self._numbers))
        self._org.add(schema.LEAD, lead, at, values, INTEGRATION, committed=committed)

    # the way in

    def _routes(self) -> list[Route]:
        groups = (
            Queries(self._org, self._schema),
            Objects(self._org, self._schema, self._limits, self._made),
            Jobs(self._org, self._schema, prompt=not self._throttled),
        )
        routes = [Route(TOKEN_PATH, self._token, methods=["POST"])]
        for group in groups:
            for method, path, answer in group.endpoints():
                endpoint, full = self._admitted(answer), f"/services/data/v{{version}}/{path}"
                # some clients write the slash
                routes.append(Route(full, endpoint, methods=[method]))
                routes.append(Route(f"{full}/", endpoint, methods=[method]))
        return routes

    def _admitted(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that answers those who may call, as often as they may."""

        async def endpoint(request: Request) -> Response:
            try:
                session = self.keys.session_of(request.headers.get("authorization", ""))
                if session is None:
                    raise refused(401)
                if self._limits.is_used_up:
                    raise refused(403)
                self._limits.count()
                _check_version(request.path_params["version"])
                response = await answer(Call(request, session, self._clock.now() // SECOND))
            except RefusedError as refused_call:
                response = _json(refused_call.content, refused_call.status)
            response.headers.update(self._limits.header())
            return response

        return endpoint

    async def _unknown(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return Response(refusal(status), status, media_type="application/json")

    async def _token(self, request: Request) -> Response:
        if self._limits.is_used_up:
            # the same refusal as that of any call
            return _json(refused(403).content, 403)
        form = dict(parse_qsl((await request.body()).decode()))
        granted = self.keys.grant(form, str(request.base_url).rstrip("/"))
        return _json(_no_grant(), 400) if granted is None else _json(granted)


def _check_version(text: str) -> None:
    if not re.fullmatch(r"\d\d\.0", text) or not OLDEST <= float(text) <= NEWEST:
        raise refused(404)


def _no_grant() -> dict[str, str]:
    return {"error": "invalid_grant", "error_description": "authentication failure"}


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
