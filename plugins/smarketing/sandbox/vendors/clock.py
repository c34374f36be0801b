"""The simulators' clock: every limit, expiry and lag goes by it, so that no test waits."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class Clock:
    """Milliseconds since 1970 in UTC, from a given instant on.

    It stands until it is moved, or runs as real time does (``runs``).
    """

    def __init__(self, at: datetime, *, runs: bool = False) -> None:
        self._runs = runs
        self.set(at)

    def now(self) -> int:
        """The present instant, in milliseconds."""
        return self._base + (self._real() - self._since if self._runs else 0)

    def set(self, at: datetime) -> None:
        """Make it that instant, later or earlier than now."""
        self._base, self._since = round(at.timestamp() * SECOND), self._real()

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._base += round(seconds * SECOND)

    async def sleep(self, seconds: float) -> None:
        """Wait in the simulated time: a clock that stands is moved, and nobody waits."""
        if self._runs:
            await asyncio.sleep(seconds)
        else:
            self.advance(seconds)

    @staticmethod
    def _real() -> int:
        return time.monotonic_ns() // 1_000_000


def as_text(ms: int) -> str:
    """An instant as ISO 8601 in UTC, with milliseconds and ``Z``."""
    seconds, rest = divmod(ms, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03d}Z"


def as_ms(text: str) -> int:
    """The milliseconds of an instant in ISO 8601, or of a date's midnight UTC."""
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * SECOND)
