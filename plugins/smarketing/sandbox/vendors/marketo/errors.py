"""Refusals in Marketo's words: nearly all of them stand in the body of a 200.

(Marketo, error codes.) The message alone tells the three meanings of 1029 apart.
"""

from __future__ import annotations

from itertools import count
from typing import Any

_CALLS = count(0x14272)

_MESSAGES = {
    500: "Internal Server error",
    502: "Bad Gateway",
    601: "Access token invalid",
    602: "Access token expired",
    603: "Access denied",
    604: "Request timed out",
    605: "HTTP Method not supported",
    606: "Max rate limit '100' exceeded with in '20' secs",
    607: "Daily quota reached",
    608: "API Temporarily Unavailable",
    609: "Invalid JSON",
    610: "Requested resource not found",
    611: "System error",
    614: "Invalid Subscription",
    615: "Concurrent access limit reached",
    702: "No data found",
    713: "Transient Error",
    1029: "Too many jobs in queue",
    1035: "Unsupported filter type for target subscription",
}


class RefusedError(Exception):
    """A call that Marketo refuses with a code of its own, in the body of a 200."""

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.message = message or _MESSAGES.get(code, _MESSAGES[611])
        super().__init__(self.message)


class HttpRefusalError(Exception):
    """A call that Marketo refuses by HTTP's own status, in plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def invalid(message: str) -> RefusedError:
    """The refusal of a call that asks for what cannot be."""
    return RefusedError(1003, message)


def missing(name: str) -> RefusedError:
    """The refusal of a call without a parameter that it needs."""
    return RefusedError(1002, f"Missing value for the required parameter '{name}'")


def refusal(error: RefusedError) -> dict[str, Any]:
    """The body of a refusal."""
    told = {"code": str(error.code), "message": error.message}
    return {"requestId": request_id(), "success": False, "errors": [told]}


def request_id() -> str:
    """An id for a call."""
    number = next(_CALLS)
    return f"{number % 0xFFFF:x}#{number * 0x9E37 % 2**44:x}"
