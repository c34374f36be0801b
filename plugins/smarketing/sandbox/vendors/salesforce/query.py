"""Queries over REST: pages, and the locators that lead from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from starlette.responses import Response

from smarketing.sandbox.clock import DAY
from smarketing.sandbox.vendors.salesforce.call import Call, Endpoint, told
from smarketing.sandbox.vendors.salesforce.errors import RefusedError, malformed, refused
from smarketing.sandbox.vendors.salesforce.ids import id_of
from smarketing.sandbox.vendors.salesforce.records import Org, Row
from smarketing.sandbox.vendors.salesforce.schema import Schema
from smarketing.sandbox.vendors.salesforce.select import Selection
from smarketing.sandbox.vendors.salesforce.soql import parse

LONGEST_PAGE, SHORTEST_PAGE = 2_000, 200
# how many values are told in one page at most: wide rows come in shorter ones
MOST_VALUES = 40_000
# locators last two days, whatever their number (Salesforce, API query cursor limits)
LOCATOR_DAYS = 2


@dataclass(frozen=True)
class Cursor:
    """The rows that a query found; whose values are read when their page is asked for."""

    session: str
    made: int
    selection: Selection
    rows: list[Row]
    size: int


class Queries:
    """The endpoints of queries."""

    def __init__(self, org: Org, schema: Schema) -> None:
        self._org = org
        self._schema = schema
        self._cursors: dict[str, Cursor] = {}
        self._numbers = count(1)

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return [
            ("GET", "query", self._query),
            ("GET", "queryAll", self._query_all),
            ("GET", "query/{locator}", self._more),
            ("GET", "queryAll/{locator}", self._more),
        ]

    async def _query(self, call: Call) -> Response:
        return self._first(call, with_deleted=False)

    async def _query_all(self, call: Call) -> Response:
        return self._first(call, with_deleted=True)

    def _first(self, call: Call, *, with_deleted: bool) -> Response:
        text = call.option("q")
        if not text:
            raise malformed("SOQL statements cannot be empty or null")
        selection = Selection(self._org, self._schema, parse(text), with_deleted=with_deleted)
        rows = selection.find(call.now)
        if selection.is_count:
            return told({"totalSize": len(rows), "done": True, "records": []})
        size = max(SHORTEST_PAGE, min(_wanted(call), MOST_VALUES // len(selection.columns)))
        cursor = Cursor(call.session, call.now, selection, rows, size)
        locator = id_of("0r8", next(self._numbers))
        if len(rows) > size:
            self._cursors[locator] = cursor
        return self._page(call, locator, cursor, 0)

    async def _more(self, call: Call) -> Response:
        locator, _, begin = call.part("locator").partition("-")
        cursor = self._cursors.get(locator)
        if (
            cursor is None
            or call.now - cursor.made >= LOCATOR_DAYS * DAY
            or not begin.isdigit()
            or int(begin) >= len(cursor.rows)
        ):
            raise RefusedError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if cursor.session != call.session:
            # a locator ends with the session that made it
            raise refused(401)
        return self._page(call, locator, cursor, int(begin))

    def _page(self, call: Call, locator: str, cursor: Cursor, begin: int) -> Response:
        ends = begin + cursor.size
        page: dict[str, Any] = {
            "totalSize": len(cursor.rows),
            "done": ends >= len(cursor.rows),
        }
        if not page["done"]:
            page["nextRecordsUrl"] = f"{call.base}/query/{locator}-{ends}"
        page["records"] = [
            cursor.selection.as_json(row, call.now, call.base)
            for row in cursor.rows[begin:ends]
            # somebody may have deleted it since the query ran
            if cursor.selection.is_seen(row, call.now)
        ]
        return told(page)


def _wanted(call: Call) -> int:
    """The length of a page that a call asks for."""
    for option in call.request.headers.get("sforce-query-options", "").split(","):
        name, _, value = option.strip().partition("=")
        if name == "batchSize" and value.isdigit():
            return min(int(value), LONGEST_PAGE)
    return LONGEST_PAGE
