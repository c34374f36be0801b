"""Salesforce's manners: who may call, how often, and what its refusals mean."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

import httpx
import orjson
from smarketing.sources.api.client import Again, Client, Refused, Renew, Verdict
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.errors import SourceError
from smarketing.sources.salesforce.settings import Settings

LOGIN_URL: Final = "https://login.salesforce.com"

_TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 (a path)
_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Salesforce refuses those that end more than five minutes ahead
_JWT_SECONDS: Final = 180
_USAGE: Final = re.compile(r"\bapi-usage=(\d+)/(\d+)")
_USED_UP: Final = (
    "They are counted over 24 hours. What was read is kept, and the next run goes on from there."
)
_PASSING_CODES: Final = frozenset(
    {
        "QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "UNABLE_TO_LOCK_ROW",
        "REQUEST_RUNNING_TOO_LONG",
    }
)  # fmt: skip
_PASSING: Final = frozenset({408, 420, 429, 500, 502, 503, 504})
_BY_CODE: Final = {
    "INVALID_FIELD": "Give the integration's user access to the field, or correct the mapping.",
    "INVALID_TYPE": "Give the integration's user access to the object.",
    "NOT_FOUND": "Give the integration's user access to the object.",
    "INSUFFICIENT_ACCESS": "Give the integration's user access to the object.",
    "API_DISABLED_FOR_ORG": "The org's edition has no API, or the user lacks API Enabled.",
}

log = logging.getLogger(__name__)


class Salesforce:
    """Salesforce, as one connected app may call it."""

    name = "Salesforce"

    def __init__(
        self,
        settings: Settings,
        connection: VendorConnection,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection = connection
        self._share = settings.share_of_calls
        self._clock = clock
        self._login_url = connection.base_url or LOGIN_URL
        self._refresh_token = str(connection.extra.get("refresh_token") or "")
        self._token = ""
        self._used = (0, 1)
        self._lock = Lock()

    def before(self, path: str) -> None:
        """Stop ahead of the refusal: what is left of the org's calls is for its other apps."""
        used, allowed = self._used
        if used >= allowed * self._share:
            raise SourceError(
                [
                    f"{self.name}, {path}: {used:,} of the org's {allowed:,} calls are used; "
                    f"beyond {self._share:.0%} they are left to others. {_USED_UP}"
                ]
            )

    def headers(self, client: Client) -> Mapping[str, str]:
        """The bearer token. Nobody says when it ends: it is used until it is refused."""
        with self._lock:
            if not self._token:
                self._ask_for_token(client)
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Forget the token: there is always a way to ask for another one."""
        with self._lock:
            self._token = ""
        return True

    def judge(self, answer: httpx.Response) -> Verdict | None:
        """Salesforce's errors, by their code."""
        status = answer.status_code
        if used := _USAGE.search(answer.headers.get("Sforce-Limit-Info", "")):
            self._used = int(used[1]), int(used[2])
        # 304: as it was
        if status < 300 or status == 304:
            return None
        code, message = _error(answer)
        reason = f"status {status}, {code}: {message}"
        if status == 401:
            sent = answer.request.headers.get("Authorization")
            with self._lock:
                is_new = bool(self._token) and sent != f"Bearer {self._token}"
            # another thread has already asked for a new one
            return Again(reason, 0.0) if is_new else Renew(reason)
        if code == "REQUEST_LIMIT_EXCEEDED":
            return Refused(reason, f"The org's calls are used up. {_USED_UP}", code)
        if status in _PASSING or code in _PASSING_CODES:
            return Again(reason)
        advice = "This is a fault of the extraction: report it with this line."
        return Refused(reason, _BY_CODE.get(code, advice), code)

    def _ask_for_token(self, client: Client) -> None:
        granted = client.post_for_token(f"{self._login_url}{_TOKEN_PATH}", self._form(), _no_token)
        self._token = str(granted["access_token"])
        client.call_at(str(granted["instance_url"]))
        rotated = granted.get("refresh_token")
        if self._refresh_token and rotated and rotated != self._refresh_token:
            self._refresh_token = str(rotated)
            log.warning(
                "Salesforce gave a new refresh token and ended the one in the Airflow connection "
                "%s. This run uses the new one; the next run will be refused. Turn off the "
                "rotation of refresh tokens for this app, or let it use client credentials or a "
                "JWT; then put a new token into the connection.",
                self._connection.name,
            )

    def _form(self) -> dict[str, str]:
        """What proves who asks, by what the connection holds."""
        extra = self._connection.extra
        if extra.get("private_key"):
            return {"grant_type": _JWT_GRANT, "assertion": self._assertion()}
        form = {"client_id": self._connection.require("client_id", "consumer key of the app")}
        if self._refresh_token:
            # an app may go without a secret here
            secret = extra.get("client_secret")
            return form | {
                "grant_type": "refresh_token",
                "refresh_token": self._refresh_token,
                **({"client_secret": str(secret)} if secret else {}),
            }
        secret = self._connection.require("client_secret", "consumer secret of the app")
        if not self._connection.base_url:
            raise SourceError(
                [
                    f"Airflow connection {self._connection.name}: client credentials are taken by "
                    "the org's own host only. Put its My Domain host into the connection."
                ]
            )
        return form | {"grant_type": "client_credentials", "client_secret": secret}

    def _assertion(self) -> str:
        import jwt

        claims = {
            "iss": self._connection.require("client_id", "consumer key of the app"),
            "sub": self._connection.require("username", "user that the app acts for"),
            "aud": self._connection.extra.get("audience") or self._login_url,
            "exp": int(self._clock()) + _JWT_SECONDS,
        }
        key = self._connection.require("private_key", "PEM that fits the app's certificate")
        try:
            return jwt.encode(claims, key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # the error may hold parts of the key
            raise SourceError(
                [
                    f"Airflow connection {self._connection.name}: private_key is no RSA key in "
                    "PEM. Put the whole file there, its line breaks as \\n."
                ]
            ) from None


def _no_token(answer: httpx.Response) -> Verdict | None:
    """Refusals of a token that are not for the credentials."""
    code, _ = _error(answer)
    if code == "REQUEST_LIMIT_EXCEEDED":
        reason = f"no access token was given (status {answer.status_code}, {code})"
        return Refused(reason, f"The org's calls are used up. {_USED_UP}", code)
    return None


def _error(answer: httpx.Response) -> tuple[str, str]:
    """The code and the message of a refusal: an array of errors, as a rule of one."""
    try:
        told: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return "no code", "no message"
    first = told[0] if isinstance(told, list) and told else told
    if not isinstance(first, dict):
        return "no code", "no message"
    code = first.get("errorCode") or first.get("error") or "no code"
    return str(code), str(first.get("message", "no message"))
