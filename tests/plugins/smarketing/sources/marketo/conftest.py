"""Marketo on real HTTP, read in memory or into a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.plugins.smarketing.sandbox.vendors.marketo import ENDS, Served, serving_company
from tests.plugins.smarketing.sources.marketo.reading import Reading

Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the company; each call gives a Marketo of its own, to do with as one likes."""
    with ExitStack() as stack:
        yield lambda at=ENDS, throttled=False: stack.enter_context(
            serving_company(at, throttled=throttled, jobs_wait=throttled)
        )


@pytest.fixture(scope="session")
def shared() -> Iterator[Served]:
    """One Marketo for all tests that leave its records as they are."""
    with serving_company(jobs_wait=False) as served:
        yield served


@pytest.fixture
def marketo(shared: Served) -> Iterator[Served]:
    """Marketo at the end of the history, without limits and faults."""
    shared.clock.set(ENDS)
    yield shared
    shared.simulator.faults.clear()


@pytest.fixture(scope="session")
def clean(shared: Served) -> Reading:
    """What one undisturbed night reads."""
    return Reading(shared).night(ENDS)
