"""How often a vendor may be called: waiting before the refusal, not after it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Lock

Sleep = Callable[[float], None]


class RollingWindow:
    """At most ``calls`` in any ``seconds``, counted as vendors do: in a window that moves.

    Shared by the threads of one extraction. Other tasks stay out by the vendor's Airflow pool,
    which has one slot.
    """

    def __init__(
        self,
        calls: int,
        seconds: float,
        *,
        sleep: Sleep = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock
        self._taken: deque[float] = deque()
        self._lock = Lock()

    def take(self) -> None:
        """Wait until one more call is within the limit, and count it."""
        # whoever waits holds the lock: the others would wait longer anyway
        with self._lock:
            while len(self._taken) >= self._calls:
                wait = self._taken[0] + self._seconds - self._clock()
                if wait > 0:
                    self._sleep(wait)
                else:
                    self._taken.popleft()
            self._taken.append(self._clock())
