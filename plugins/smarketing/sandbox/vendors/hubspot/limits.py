"""Who may call, and how often (HubSpot, usage guidelines: Professional)."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from smarketing.sandbox.vendors.clock import MINUTE, SECOND, Clock
from smarketing.sandbox.vendors.hubspot.schema import ZONE

App = Literal["private", "oauth"]
Area = Literal["core", "search", "associations"]

BURST: dict[App, int] = {"private": 190, "oauth": 110}
ASSOCIATIONS = 150
SEARCHES = 5
DAILY = 625_000
TOKEN_LIFE = 30 * MINUTE


class Keys:
    """The credentials that the account accepts.

    A private app's key does not expire. An OAuth app's access token lives for 30 minutes and is
    had for the refresh token; those had before stay good until their own end.
    """

    private = "pat-na1-00000000-5a4d-b0c5-0000-000000000000"
    client_id = "5a4db0c5-0000-0000-0000-000000000001"
    client_secret = "sandbox-secret"  # noqa: S105 (opens nothing but the sandbox)
    refresh_token = "na1-sandbox-refresh-token"  # noqa: S105

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[str, int] = {}

    def refresh(self, form: Mapping[str, object]) -> dict[str, object] | None:
        """Answer a request for an access token; nothing where it proves nothing."""
        proof = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }
        if any(form.get(name) != value for name, value in proof.items()):
            return None
        token = f"na1-sandbox-access-token-{len(self._ends) + 1}"
        self._ends[token] = self._clock.now() + TOKEN_LIFE
        return {
            "access_token": token,
            "refresh_token": self.refresh_token,
            "expires_in": TOKEN_LIFE // SECOND,
            "token_type": "bearer",
        }

    def app_of(self, authorization: str) -> App | Literal["expired"] | None:
        """Whose call it is, by its header; nothing for a stranger's."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if token == self.private:
            return "private"
        if token not in self._ends:
            return None
        return "oauth" if self._clock.now() < self._ends[token] else "expired"

    def expire(self) -> None:
        """End all access tokens of the OAuth app."""
        self._ends = dict.fromkeys(self._ends, 0)


class Limits:
    """Counts calls in rolling windows and by day; those refused do not count.

    Associations and search have counters of their own. A day is one of the account's zone, and
    counts the calls of private apps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._days: defaultdict[date, int] = defaultdict(int)

    def admit(self, app: App, area: Area) -> tuple[str | None, dict[str, str]]:
        """Count a call; gives the policy that refuses it, if one does, and the answer's headers.

        Answers of search have no headers.
        """
        now, today = self._clock.now(), self._today()
        most, span, policy = _window(app, area)
        # search is counted for the account, the rest for the app
        window = self._windows["account" if area == "search" else app, area]
        while window and window[0] <= now - span:
            window.popleft()

        refused = None
        if app == "private" and self._days[today] >= DAILY:
            refused = "DAILY"
        elif len(window) >= most:
            refused = policy
        else:
            window.append(now)
            self._days[today] += app == "private"
        if area == "search":
            return refused, {}
        headers = {
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(most - len(window)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(span),
        }
        if app == "private":
            headers["X-HubSpot-RateLimit-Daily"] = str(DAILY)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(DAILY - self._days[today])
        return refused, headers

    def use_up(self) -> None:
        """Leave no call of this day."""
        self._days[self._today()] = DAILY

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now() / SECOND, ZONE).date()


def _window(app: App, area: Area) -> tuple[int, int, str]:
    """How many calls in how many milliseconds, and what the rule is called."""
    if area == "search":
        return SEARCHES, SECOND, "SECONDLY"
    most = ASSOCIATIONS if area == "associations" else BURST[app]
    return most, 10 * SECOND, "TEN_SECONDLY_ROLLING"
