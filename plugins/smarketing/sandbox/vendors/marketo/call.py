"""One call, and the manners that all of Marketo's endpoints share: parameters, tokens, pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from smarketing.sandbox.vendors.marketo.errors import RefusedError, invalid, missing

BATCH = 300


@dataclass(frozen=True)
class Call:
    """A call that is admitted. ``now`` is the instant, in seconds, at which it is answered."""

    request: Request
    now: int
    params: list[tuple[str, str]]
    body: bytes

    def option(self, name: str, default: str = "") -> str:
        """A parameter."""
        return next((value for key, value in self.params if key == name), default)

    def needed(self, name: str) -> str:
        """A parameter that has to be there."""
        value = self.option(name)
        if not value:
            raise missing(name)
        return value

    def names(self, name: str) -> list[str]:
        """A parameter that is a list, by commas or by repetition."""
        given = ",".join(value for key, value in self.params if key == name)
        return [one.strip() for one in given.split(",") if one.strip()]

    def numbers(self, name: str) -> list[int]:
        """A parameter that is a list of whole numbers."""
        return [whole_number(one) for one in self.names(name)]

    def size(self, name: str = "batchSize", *, default: int = BATCH, most: int = BATCH) -> int:
        """The size of a page; none is longer than the endpoint gives."""
        return min(whole_number(self.option(name, str(default))) or default, most)

    @property
    def number(self) -> int:
        """The number that the path names."""
        return whole_number(self.request.path_params["number"])

    def json(self) -> dict[str, Any]:
        """The JSON object that was sent; an empty one where nothing was."""
        try:
            content = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise RefusedError(609) from error
        if not isinstance(content, dict):
            raise RefusedError(609)
        return content


Answer = Callable[[Call], dict[str, Any] | Response]
"""What answers a call: all of an envelope but what every envelope has, or another answer whole."""

Endpoint = tuple[str, Answer, str]
"""A method, what answers it, and its path."""

Endpoints = Sequence[Endpoint]
Handler = Callable[[Request], Awaitable[Response]]


def params_of(request: Request, body: bytes) -> list[tuple[str, str]]:
    """The parameters of a call: in its URI or, of a POST that means GET, in its body too."""
    params = parse_qsl(request.url.query, keep_blank_values=True)
    if "urlencoded" in request.headers.get("content-type", ""):
        params += parse_qsl(body.decode(), keep_blank_values=True)
    return params


def page(call: Call, rows: Sequence[Any]) -> dict[str, Any]:
    """A page of rows; the token is a position among them."""
    begin = position(call.option("nextPageToken"))
    size = call.size()
    told: dict[str, Any] = {"result": list(rows[begin : begin + size])}
    if begin + size < len(rows):
        told |= {"nextPageToken": token(begin + size), "moreResult": True}
    return told


def token(*place: int) -> str:
    """A paging token, which is nobody's business but ours."""
    return base64.b32encode(",".join(map(str, place)).encode()).decode()


def place_of(text: str) -> list[int]:
    """The place that a paging token means."""
    try:
        return [int(part) for part in base64.b32decode(text).decode().split(",")]
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid nextPageToken") from error


def position(text: str) -> int:
    """The position that a token means; the first one without a token."""
    return place_of(text)[0] if text else 0


def instant(text: str) -> int:
    """An instant, in seconds, from ISO 8601 without fractions of a second; UTC if it says none."""
    try:
        if "." in text:
            raise ValueError(text)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedError(704, f"Invalid date format: {text}") from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def whole_number(text: str) -> int:
    """A whole number that is not negative."""
    if not text.isdigit():
        raise RefusedError(1001, f"Invalid value '{text}'. Required of type 'Integer'")
    return int(text)
