"""A vendor's limit holds in every window, wherever it begins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from smarketing.sources.api.limits import RollingWindow


class Time:
    def __init__(self) -> None:
        self.now = 0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += int(seconds)


@given(
    calls=st.integers(1, 5),
    seconds=st.integers(1, 20),
    pauses=st.lists(st.integers(0, 12), max_size=60),
)
def test_no_window_ever_holds_more_than_allowed(
    calls: int, seconds: int, pauses: list[int]
) -> None:
    time = Time()
    window = RollingWindow(calls, seconds, sleep=time.sleep, clock=lambda: time.now)
    taken: list[int] = []
    for pause in pauses:
        time.now += pause
        asked = time.now
        window.take()
        # nobody waits where there is room
        recent = [at for at in taken if at > asked - seconds]
        assert (time.now > asked) == (len(recent) >= calls)
        taken.append(time.now)
    for at in taken:
        assert sum(at <= other < at + seconds for other in taken) <= calls
