"""HubSpot's manners: who may call, how often, and what its refusals mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final

import httpx
import orjson
from smarketing.sources.api.client import Again, Client, Refused, Renew, Verdict
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.limits import RollingWindow, Sleep
from smarketing.sources.hubspot.settings import Settings

BASE_URL: Final = "https://api.hubapi.com"

# HubSpot, usage guidelines: associations have a counter of their own, and OAuth apps have less
_ASSOCIATIONS: Final = 150
_OF_OAUTH_APPS: Final = 110
# before its end, as a call may take a while on its way
_RENEW_EARLY: Final = 120.0
_LONGEST_MOVE: Final = 3600.0


class HubSpot:
    """HubSpot, as one account's app may call it."""

    name = "HubSpot"

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
        self._is_dated = settings.api == "dated"

        def window(calls: int, seconds: float) -> RollingWindow:
            return RollingWindow(calls, seconds, sleep=sleep, clock=clock)

        calls = settings.calls_per_10_seconds
        if not connection.password:
            calls = min(calls, _OF_OAUTH_APPS)
        self._searches = window(settings.searches_per_second, 1)
        self._associations = window(min(_ASSOCIATIONS, calls), 10)
        self._others = window(calls, 10)
        self._token = connection.password
        self._ends = float("inf")
        self._lock = Lock()

    def before(self, path: str) -> None:
        """Wait for the counter that a path is counted by."""
        if path.endswith("/search"):
            self._searches.take()
        elif "/associations/" in path:
            self._associations.take()
        else:
            self._others.take()

    def headers(self, client: Client) -> Mapping[str, str]:
        """The bearer token; of an OAuth app a new one shortly before the old one ends."""
        with self._lock:
            if not self._connection.password and (not self._token or self._clock() > self._ends):
                self._ask_for_token(client)
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Forget the OAuth app's token. The key of a private app is all there is."""
        self._ends = float("-inf")
        return not self._connection.password

    def judge(self, answer: httpx.Response) -> Verdict | None:
        """HubSpot's errors, by status and policy."""
        status = answer.status_code
        if status < 300:
            return None
        told = _content(answer)
        reason = f"status {status}: {told.get('message', 'no message')}"
        if status == 401:
            return Renew(reason)
        if status == 429:
            # some answers name the policy, some only describe it
            policy = f"{told.get('policyName', '')} {told.get('message', '')}".lower()
            if "daily" in policy:
                return Refused(
                    reason,
                    "The account's calls of the day are used up; they begin anew at midnight in "
                    "its zone. What was read is kept, and the next run goes on from there.",
                    is_of_all=True,
                )
            is_of_a_second = "secondly" in policy and "ten_secondly" not in policy
            return Again(reason, 1.0 if is_of_a_second else 10.0)
        if status == 423:
            return Again(reason, 2.0)
        if status == 477:
            # an account on its way to another data centre: up to a day
            return Again(reason, _seconds(answer.headers.get("Retry-After"), _LONGEST_MOVE))
        if status == 408 or status >= 500:
            return Again(reason)
        advice = "This is a fault of the extraction: report it with this line."
        if status == 403:
            advice = "Give the app the scopes that HubSpot names, or leave the stream out."
        return Refused(reason, advice)

    def _ask_for_token(self, client: Client) -> None:
        form = {
            "grant_type": "refresh_token",
            **{
                name: self._connection.require(name, "OAuth app; or give a key as the password")
                for name in ("client_id", "client_secret", "refresh_token")
            },
        }
        path = "/oauth/2026-09/token" if self._is_dated else "/oauth/v1/token"
        granted = client.post_for_token(path, form)
        self._token = str(granted.get("access_token", ""))
        life = _seconds(granted.get("expires_in"), 0)
        self._ends = self._clock() + life - min(_RENEW_EARLY, life / 2)


def _seconds(told: object, otherwise: float) -> float:
    try:
        return float(str(told))
    except ValueError:
        return otherwise


def _content(answer: httpx.Response) -> Mapping[str, str]:
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
