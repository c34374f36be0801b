"""One call, and what all of Salesforce's endpoints share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from smarketing.sandbox.vendors.salesforce.errors import RefusedError

OLDEST, NEWEST = 60, 67


@dataclass(frozen=True)
class Call:
    """A call that is admitted: its request and session, and the second it is answered at."""

    request: Request
    session: str
    now: int

    @property
    def version(self) -> str:
        """The version of the API that the path names, such as ``67.0``."""
        return str(self.request.path_params["version"])

    @property
    def base(self) -> str:
        """The path under which this version stands."""
        return f"/services/data/v{self.version}"

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def option(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query_params.get(name, default)

    def instant(self, name: str) -> int:
        """A query parameter that is an instant, in seconds since 1970."""
        # a plus sign that nobody encoded arrives as a space
        text = self.option(name).replace(" ", "+")
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            message = f"{name}: {text} is not a valid value for the type xsd:dateTime"
            raise RefusedError(400, "INVALID_FIELD", message) from error
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())

    async def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        try:
            content = orjson.loads(await self.request.body())
        except orjson.JSONDecodeError as error:
            raise RefusedError(400, "JSON_PARSER_ERROR", str(error)) from error
        if not isinstance(content, dict):
            raise RefusedError(400, "JSON_PARSER_ERROR", "an object was expected")
        return content


Answer = Callable[[Call], Awaitable[Response]]

Endpoint = tuple[str, str, Answer]
"""A method, the path behind the version, and what answers it."""


def told(content: Any, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(content), 200, headers, media_type="application/json")
