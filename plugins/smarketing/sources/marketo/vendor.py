"""Marketo's manners: who may call, how often, and what its refusals mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

import httpx
import orjson
from smarketing.sources.api.client import Again, Client, Refused, Renew, Verdict
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.limits import RollingWindow, Sleep
from smarketing.sources.errors import SourceError
from smarketing.sources.marketo.settings import Settings

WINDOW: Final = 20.0
"""The seconds in which Marketo counts calls."""

QUEUE_FULL: Final = "1029: too many jobs"
QUOTA_USED_UP: Final = "1029: daily quota"
IS_QUEUED: Final = "1029: already queued"
NO_CORONA: Final = "1035"
"""The instance has no filter by time of change (nor by smart list)."""
NO_FILE: Final = "404"

_TOKEN_ENDED: Final = frozenset({"601", "602"})
# 614, an instance that cannot be reached, is there again after a while
_PASSING: Final = frozenset({"502", "604", "608", "611", "614", "615", "713"})
_TOO_FAST: Final = "606"
_DAY_USED_UP: Final = "607"
_NOTHING_FOUND: Final = "702"
_FORBIDDEN: Final = "603"
_JOBS: Final = "1029"

_TOMORROW: Final = (
    "It begins anew at midnight in US Central time (06:00 UTC; while clocks there are set forward "
    "perhaps at 05:00). What was read is kept, and the next run goes on from there."
)


class Marketo:
    """Marketo, as one custom service may call it."""

    name = "Marketo"

    def __init__(
        self,
        settings: Settings,
        connection: VendorConnection,
        *,
        sleep: Sleep = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._calls = RollingWindow(settings.calls_per_20_seconds, WINDOW, sleep=sleep, clock=clock)
        self._token = ""
        self._ends = float("-inf")
        self._lock = Lock()

    def before(self, _: str) -> None:
        """Wait until a call is within the window."""
        self._calls.take()

    def headers(self, client: Client) -> Mapping[str, str]:
        """The bearer token; a new one once the old one has ended.

        Before its end Marketo gives the same one again, so there is no asking early.
        """
        with self._lock:
            if not self._token or self._clock() >= self._ends:
                self._ask_for_token(client)
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Forget the token: another can always be had."""
        self._ends = float("-inf")
        return True

    def judge(self, answer: httpx.Response) -> Verdict | None:
        """Marketo's errors: nearly all of them stand in the body of a 200."""
        status = answer.status_code
        if status >= 300:
            reason = f"status {status}: {answer.text}"
            if status >= 500:
                return Again(reason)
            return Refused(reason, _advice(str(status)), str(status))
        if not answer.headers.get("content-type", "").startswith("application/json"):
            return None
        told = orjson.loads(answer.read())
        if isinstance(told, dict) and told.get("success") is True:
            return None
        error = _error(told)
        code = str(error.get("code", ""))
        reason = f"{code} {error.get('message', 'an answer that says neither yes nor no')}"
        return _verdict(code, reason, is_known=bool(error))

    def _ask_for_token(self, client: Client) -> None:
        login, password = self._connection.login, self._connection.password
        if not login or not password:
            raise SourceError(
                [
                    f"Airflow connection {self._connection.name}: client id and client secret of "
                    "a custom service are needed as login and password. Add them."
                ]
            )
        granted = client.post_for_token(
            "/identity/oauth/token",
            {"grant_type": "client_credentials", "client_id": login, "client_secret": password},
        )
        self._token = str(granted["access_token"])
        self._ends = self._clock() + float(granted["expires_in"])


def base_url(connection: VendorConnection) -> str:
    """Where the instance is reached: Marketo shows its endpoint with ``/rest`` behind it.

    Raises:
        SourceError: the connection does not say.
    """
    if not connection.base_url:
        raise SourceError(
            [
                f"Airflow connection {connection.name}: it has no host. Every instance has its "
                "own: the endpoint under Admin, Web Services, REST API."
            ]
        )
    return connection.base_url.rstrip("/").removesuffix("/rest")


def _verdict(code: str, reason: str, *, is_known: bool) -> Verdict | None:
    if code in _TOKEN_ENDED:
        return Renew(reason)
    if code in _PASSING or not is_known:
        return Again(reason)
    if code == _TOO_FAST:
        return Again(reason, WINDOW)
    if code == _NOTHING_FOUND:
        return None
    if code == _JOBS:
        code = _meaning(reason)
    return Refused(reason, _advice(code), code)


def _meaning(reason: str) -> str:
    """Which of the three things that Marketo calls 1029 is meant; only the message says."""
    message = reason.lower()
    if "quota" in message:
        return QUOTA_USED_UP
    return QUEUE_FULL if "too many" in message else IS_QUEUED


def _advice(code: str) -> str:
    if code == _DAY_USED_UP:
        return f"The calls of the day are used up. {_TOMORROW}"
    if code == QUOTA_USED_UP:
        return f"What may be exported in a day is used up. {_TOMORROW}"
    if code == _FORBIDDEN:
        return (
            "Give the custom service's user a role with read-only access to leads, activities "
            "and assets, and the address of this machine a place in the list of those allowed."
        )
    return "This is a fault of the extraction: report it with this line."


def _error(told: Any) -> Mapping[str, Any]:
    errors = told.get("errors") if isinstance(told, dict) else None
    found = errors[0] if isinstance(errors, list) and errors else {}
    return found if isinstance(found, dict) else {}
