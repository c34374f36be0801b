"""Objects over REST: what they are made of, single rows, and what changed or went."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from starlette.responses import Response

from smarketing.sandbox.clock import DAY, MINUTE
from smarketing.sandbox.vendors.salesforce.call import Call, Endpoint, told
from smarketing.sandbox.vendors.salesforce.errors import RefusedError, refused
from smarketing.sandbox.vendors.salesforce.records import BIN_DAYS, Org
from smarketing.sandbox.vendors.salesforce.schema import Schema
from smarketing.sandbox.vendors.salesforce.select import Selection, as_text
from smarketing.sandbox.vendors.salesforce.sessions import Limits
from smarketing.sandbox.vendors.salesforce.soql import Path, Query

# a transaction may run as long before others see what it wrote
LONGEST_TRANSACTION = 5 * MINUTE
UPDATED_DAYS = 30
MOST_IDS = 600_000


class Objects:
    """The endpoints of objects, and that of the limits."""

    def __init__(self, org: Org, schema: Schema, limits: Limits, made: int) -> None:
        self._org = org
        self._schema = schema
        self._limits = limits
        self._made = made

    def endpoints(self) -> list[Endpoint]:
        """All of them, in the order in which a path is looked up."""
        return [
            ("GET", "limits", self._allocations),
            ("GET", "sobjects", self._list),
            ("GET", "sobjects/{object}", self._summary),
            ("GET", "sobjects/{object}/describe", self._describe),
            ("GET", "sobjects/{object}/deleted", self._deleted),
            ("GET", "sobjects/{object}/updated", self._updated),
            ("GET", "sobjects/{object}/{id}", self._read),
        ]

    async def _allocations(self, call: Call) -> Response:
        most = self._limits.allocation
        return told(
            {"DailyApiRequests": {"Max": most, "Remaining": max(0, most - self._limits.used)}}
        )

    async def _list(self, call: Call) -> Response:
        objects = [self._schema.summary(name, call.base) for name in self._schema.objects]
        return told({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})

    async def _summary(self, call: Call) -> Response:
        summary = self._schema.summary(self._object(call), call.base)
        return told({"objectDescribe": summary, "recentItems": []})

    async def _describe(self, call: Call) -> Response:
        object_ = self._object(call)
        changed = self._schema.changed.get(object_, self._made)
        modified = datetime.fromtimestamp(changed, UTC)
        headers = {"Last-Modified": format_datetime(modified, usegmt=True)}
        known = call.request.headers.get("if-modified-since")
        if known and parsedate_to_datetime(known) >= modified:
            return Response(status_code=304, headers=headers)
        return told(self._schema.describe(object_, call.base), headers)

    async def _read(self, call: Call) -> Response:
        object_, row = self._object(call), self._org.find(call.part("id"))
        if row is None or row.object != object_ or not row.is_seen(call.now):
            raise refused(404)
        wanted = call.option("fields")
        names = wanted.split(",") if wanted else list(self._schema.objects[object_])
        paths = tuple(Path(name.strip(), 0) for name in names)
        query = Query(wanted, Path(object_, 0), paths, None, (), None, 0)
        selection = Selection(self._org, self._schema, query, with_deleted=False)
        return told(selection.as_json(row, call.now, call.base))

    async def _deleted(self, call: Call) -> Response:
        object_, (since, until) = self._object(call), _span(call)
        earliest = call.now - BIN_DAYS * DAY
        found = sorted(
            (row.deleted, row.id)
            for row in self._org.stamped(object_, since, until)
            if row.deleted is not None and max(since, earliest) <= row.deleted < until
            and row.is_deleted(call.now)
        )  # fmt: skip
        _check(len(found))
        deleted = [{"id": row_id, "deletedDate": _json_text(at)} for at, row_id in found]
        return told(
            {
                "deletedRecords": deleted,
                "earliestDateAvailable": _json_text(earliest),
                "latestDateCovered": _json_text(_covered(call, until)),
            }
        )

    async def _updated(self, call: Call) -> Response:
        object_, (since, until) = self._object(call), _span(call)
        earliest = max(since, call.now - UPDATED_DAYS * DAY)
        ids = [
            row.id
            for row in self._org.stamped(object_, since, until)
            if row.is_seen(call.now) and earliest <= row.modified(call.now) < until
        ]
        _check(len(ids))
        return told({"ids": ids, "latestDateCovered": _json_text(_covered(call, until))})

    def _object(self, call: Call) -> str:
        object_ = self._schema.object_named(call.part("object"))
        if object_ is None:
            raise refused(404)
        return object_


def _span(call: Call) -> tuple[int, int]:
    """From when until when a call asks; seconds do not count (Salesforce, getUpdated)."""
    since, until = (call.instant(name) // MINUTE * MINUTE for name in ("start", "end"))
    if since >= until:
        message = "startDate must be before endDate by more than a minute"
        raise RefusedError(400, "INVALID_REPLICATION_DATE", message)
    return since, until


def _covered(call: Call, until: int) -> int:
    """Up to when nothing can be added any more: where to go on from."""
    return min(until, (call.now - LONGEST_TRANSACTION) // MINUTE * MINUTE)


def _check(number: int) -> None:
    if number > MOST_IDS:
        message = f"more than {MOST_IDS} ids were found"
        raise RefusedError(400, "EXCEEDED_ID_LIMIT", message)


def _json_text(at: Any) -> str:
    return f"{as_text(at)}.000+0000"
