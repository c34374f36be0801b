"""One call, and the manners that all of HubSpot's endpoints share: cursors, batches, paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from smarketing.sandbox.vendors.clock import as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.errors import invalid

DATED = "2026-09"


@dataclass(frozen=True)
class Call:
    """A call that is admitted: its request, and the instant at which it is answered."""

    request: Request
    now: int

    @property
    def kind(self) -> str:
        """The object that the path names."""
        return kind_of_path(self.request.path_params["kind"])

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
        return whole_number(name, self.option(name, str(default)))

    async def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        try:
            content = orjson.loads(await self.request.body())
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid input JSON: {error}") from error
        if not isinstance(content, dict):
            raise invalid("Invalid input JSON: an object was expected")
        return content

    def paging(self, after: object) -> dict[str, Any]:
        """The way to the next page; the link is on the host that was asked."""
        link = str(self.request.url.include_query_params(after=after))
        return {"next": {"after": str(after), "link": link}}


Answer = Callable[[Call], Awaitable[Any]]
"""What answers a call: with content, or with nothing where HubSpot says no more than that."""

Endpoint = tuple[str, Answer, tuple[str, ...]]
"""A method, what answers it, and the paths at which it is found."""


def page(call: Call, rows: list[Any], *, default: int, most: int) -> dict[str, Any]:
    """One page of rows; the cursor counts them."""
    limit = within(call.whole_number("limit", default), most)
    begin = call.whole_number("after", 0)
    page: dict[str, Any] = {"results": rows[begin : begin + limit]}
    if begin + limit < len(rows):
        page["paging"] = call.paging(begin + limit)
    return page


def within(limit: int, most: int) -> int:
    """A page's size, if the endpoint gives pages as long."""
    if not 1 <= limit <= most:
        raise invalid(f"limit: 1 to {most}, not {limit}")
    return limit


def batch(call: Call, results: list[Any], errors: list[Any]) -> dict[str, Any]:
    """The answer to a batch; with errors it is a 207."""
    now = as_text(call.now)
    told = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    return told | {"numErrors": len(errors), "errors": errors} if errors else told


def inputs(body: dict[str, Any], most: int) -> list[str]:
    inputs = body.get("inputs") or []
    if len(inputs) > most:
        raise invalid(f"at most {most} inputs, not {len(inputs)}")
    return [str(one.get("id")) for one in inputs]


def error(category: str, message: str, **context: list[str]) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "context": context}


def kind_of_path(name: str) -> str:
    kind = schema.kind_of(name)
    if kind is None:
        raise invalid(f"Unable to infer object type from: {name}")
    return kind


def whole_number(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise invalid(f"{name}: a whole number, not {value!r}")
    return number


def both(legacy: str, rest: str = "") -> tuple[str, str]:
    """A path in its legacy form and in its dated one, where the date stands for the version."""
    parts = legacy.split("/")
    area = "/".join(part for part in parts if part not in ("v1", "v3"))
    tail = f"/{rest}" if rest else ""
    return f"/{legacy}{tail}", f"/{area}/{DATED}{tail}"
