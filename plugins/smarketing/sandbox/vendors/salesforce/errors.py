"""Refusals in Salesforce's words: an array of errors, each with a code in capitals."""

from __future__ import annotations

import orjson

_MESSAGES = {
    400: ("MALFORMED_QUERY", "unexpected token: <EOF>"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed."),
    500: ("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId."),
    503: ("SERVER_UNAVAILABLE", "The server is unavailable to handle the request."),
}


class RefusedError(Exception):
    """A call that Salesforce refuses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.content = [{"message": message, "errorCode": code}]


def refused(status: int) -> RefusedError:
    """A refusal of which there is no more to say than its status."""
    return RefusedError(status, *_MESSAGES.get(status, _MESSAGES[500]))


def refusal(status: int) -> bytes:
    """The body of a refusal of which there is no more to say."""
    return orjson.dumps(refused(status).content)


def malformed(message: str) -> RefusedError:
    """The refusal of a query that cannot be read."""
    return RefusedError(400, "MALFORMED_QUERY", message)
