"""Refusals in HubSpot's words (HubSpot, error handling): every field of a body is optional."""

from __future__ import annotations

import uuid
from itertools import count
from typing import Any

import orjson

_CALLS = count(1)

_MESSAGES = {
    401: ("INVALID_AUTHENTICATION", "Authentication credentials not found."),
    403: ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
    404: ("OBJECT_NOT_FOUND", "resource not found"),
    414: ("VALIDATION_ERROR", "URI too long"),
    423: ("LOCKED", "the resource is locked"),
    500: ("INTERNAL_ERROR", "internal error"),
}


class RefusedError(Exception):
    """A call that HubSpot refuses."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.content = {
            "status": "error",
            "message": message,
            "correlationId": correlation_id(),
            "category": category,
            **more,
        }


def correlation_id() -> str:
    """An id for a call."""
    return str(uuid.UUID(int=next(_CALLS)))


def refused(status: int) -> RefusedError:
    """Any refusal but 429, where there is no more to say than its status."""
    return RefusedError(status, *_MESSAGES.get(status, _MESSAGES[500]))


def invalid(message: str) -> RefusedError:
    """The refusal of a call that asks for what cannot be."""
    return RefusedError(400, "VALIDATION_ERROR", message)


def refusal(status: int) -> bytes:
    """The body of any refusal but 429."""
    return orjson.dumps(refused(status).content)


def over_limit(policy: str) -> dict[str, str]:
    """The body of a 429: ``DAILY``, ``TEN_SECONDLY_ROLLING`` or ``SECONDLY``.

    (HubSpot, usage guidelines.) It has no category, and no header says how long to wait.
    """
    return {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": correlation_id(),
        "policyName": policy,
        "requestId": correlation_id(),
    }
