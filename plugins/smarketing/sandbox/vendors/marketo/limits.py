"""Who may call, and how often (Marketo, authentication and integration best practices)."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import date, datetime

from smarketing.sandbox.vendors.clock import HOUR, SECOND, Clock
from smarketing.sandbox.vendors.marketo.errors import RefusedError
from smarketing.sandbox.vendors.marketo.schema import CENTRAL

RATE, WINDOW = 100, 20 * SECOND
CONCURRENT = 10
DAILY = 50_000
TOKEN_LIFE = HOUR


class Keys:
    """The credentials of the instance's one custom service, and its access token."""

    client_id = "5a4db0c5-0000-0000-0000-00000000ad0b"
    client_secret = "sandbox-secret"  # noqa: S105 (opens nothing but the sandbox)
    user = "integration@almenara.example"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[str, int] = {}

    def grant(self, form: Mapping[str, str]) -> dict[str, object] | None:
        """Answer a request for an access token; nothing where it proves nothing.

        While a token lives it is told again, with what is left of it in seconds.
        """
        proof = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        if any(form.get(name) != value for name, value in proof.items()):
            return None
        now = self._clock.now()
        token = next((token for token, ends in self._ends.items() if now < ends), "")
        if not token:
            token = f"{len(self._ends) + 1:08x}-5a4d-b0c5-0000-000000000000:sj"
            self._ends[token] = now + TOKEN_LIFE
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": max(0, (self._ends[token] - now) // SECOND - 1),
            "scope": self.user,
        }

    def check(self, authorization: str) -> None:
        """Raise the refusal of a call that shows no good token in its header."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token not in self._ends:
            raise RefusedError(601)
        if self._clock.now() >= self._ends[token]:
            raise RefusedError(602)

    def expire(self) -> None:
        """End the access token."""
        self._ends = dict.fromkeys(self._ends, 0)


class Limits:
    """Counts the calls of the instance: at one time, in 20 seconds, and by day.

    A refused call counts, but for those without a good token. A day is one of US Central time.
    """

    def __init__(self, clock: Clock, *, throttled: bool) -> None:
        self._clock = clock
        self.is_throttled = throttled
        self._window: deque[int] = deque()
        self._ongoing = 0
        self.calls: defaultdict[date, int] = defaultdict(int)
        self.errors: defaultdict[date, Counter[int]] = defaultdict(Counter)

    def enter(self) -> None:
        """Take a place among the calls that are under way; each is followed by `leave`."""
        self._ongoing += 1

    def leave(self) -> None:
        """Give the place back."""
        self._ongoing -= 1

    def admit(self) -> None:
        """Count a call whose token is good; raises the refusal if there are too many."""
        now, today = self._clock.now(), self.today()
        while self._window and self._window[0] <= now - WINDOW:
            self._window.popleft()
        is_used_up, is_too_fast = self.calls[today] >= DAILY, len(self._window) >= RATE
        self.calls[today] += 1
        if not self.is_throttled:
            return
        self._window.append(now)
        if self._ongoing > CONCURRENT:
            raise RefusedError(615)
        if is_used_up:
            raise RefusedError(607)
        if is_too_fast:
            raise RefusedError(606)

    def note(self, code: int) -> None:
        """Count an error."""
        self.errors[self.today()][code] += 1

    def use_up(self) -> None:
        """Leave no call of this day."""
        self.calls[self.today()] = DAILY

    def today(self) -> date:
        """The present day of the quotas."""
        return central_day(self._clock.now() // SECOND)


def central_day(at: int) -> date:
    """The day in US Central time on which an instant (in seconds) falls."""
    return datetime.fromtimestamp(at, CENTRAL).date()
