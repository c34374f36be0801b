"""Who may call (Salesforce, OAuth flows), and how often (the allocation of 24 hours)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from smarketing.sandbox.clock import HOUR
from smarketing.sandbox.vendors.clock import SECOND, Clock
from smarketing.sandbox.vendors.salesforce.person import INTEGRATION
from smarketing.sandbox.vendors.salesforce.schema import ORG_ID

# without any call for as long, a session ends; each call keeps it alive
SESSION_HOURS = 2
# Enterprise: 100,000 and 1,000 for each of 18 licences
ALLOCATION = 118_000
_DAY_HOURS = 24


class Keys:
    """What a connected app and its user prove themselves with, and the sessions they have.

    The answer to a proof does not say how long a session lasts: nobody knows until it is refused.
    """

    client_id = "3MVG9sandbox.client"
    client_secret = "sandbox-secret"  # noqa: S105 (opens nothing but the sandbox)
    refresh_token = "5Aep861sandbox.refresh"  # noqa: S105
    username = "integration@almenara.example"
    password = "sandbox-password"  # noqa: S105
    assertion = "eyJhbGciOiJSUzI1NiJ9.sandbox.signature"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[str, int] = {}

    def grant(self, form: Mapping[str, str], base_url: str) -> dict[str, str] | None:
        """Open a session at an org's address; nothing where the form proves nothing."""
        app = {"client_id": self.client_id, "client_secret": self.client_secret}
        proofs = {
            "refresh_token": app | {"refresh_token": self.refresh_token},
            "client_credentials": app,
            "password": app | {"username": self.username, "password": self.password},
            "urn:ietf:params:oauth:grant-type:jwt-bearer": {"assertion": self.assertion},
        }
        proof = proofs.get(form.get("grant_type", ""))
        if proof is None or any(form.get(name) != value for name, value in proof.items()):
            return None
        token = f"{ORG_ID}!AQ.sandbox.{len(self._used) + 1}"
        self._used[token] = self._now()
        return {
            "access_token": token,
            "instance_url": base_url,
            "id": f"{base_url}/id/{ORG_ID}/{INTEGRATION}",
            "token_type": "Bearer",
            "scope": "api refresh_token",
            "issued_at": str(self._clock.now()),
            "signature": "c2FuZGJveA==",
        }

    def session_of(self, authorization: str) -> str | None:
        """The session that a call belongs to, which it keeps alive; nothing for none."""
        scheme, _, token = authorization.partition(" ")
        now, used = self._now(), self._used.get(token)
        if scheme.lower() != "bearer" or used is None or now - used >= SESSION_HOURS * HOUR:
            return None
        self._used[token] = now
        return token

    def expire(self) -> None:
        """End all sessions."""
        self._used = dict.fromkeys(self._used, -SESSION_HOURS * HOUR)

    def _now(self) -> int:
        return self._clock.now() // SECOND


class Limits:
    """Counts the org's calls of the last 24 hours; without a limit it only counts."""

    def __init__(self, clock: Clock, allocation: int, *, throttled: bool) -> None:
        self._clock = clock
        self._throttled = throttled
        self.allocation = allocation
        # by hour: calls in it
        self._hours: deque[tuple[int, int]] = deque()

    @property
    def used(self) -> int:
        """The calls that count now."""
        hour = self._hour()
        while self._hours and self._hours[0][0] <= hour - _DAY_HOURS:
            self._hours.popleft()
        return sum(calls for _, calls in self._hours)

    @property
    def is_used_up(self) -> bool:
        """Whether the next call is refused."""
        return self._throttled and self.used >= self.allocation

    def count(self, calls: int = 1) -> None:
        """Count calls that were made now."""
        hour = self._hour()
        if self._hours and self._hours[-1][0] == hour:
            calls += self._hours.pop()[1]
        self._hours.append((hour, calls))

    def use_up(self) -> None:
        """Leave no call."""
        self.count(max(0, self.allocation - self.used))

    def header(self) -> dict[str, str]:
        """What every answer says of it."""
        return {"Sforce-Limit-Info": f"api-usage={self.used}/{self.allocation}"}

    def _hour(self) -> int:
        return self._clock.now() // SECOND // HOUR
