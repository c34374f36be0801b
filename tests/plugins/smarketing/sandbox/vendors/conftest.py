"""HubSpot holding a small company, on real HTTP, with a clock that only tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from smarketing.sandbox.company import Company
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import Story
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.hubspot import HubSpot
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator

# of those tried the first with every kind of merge, deletion and erasure in HubSpot's part
COMPANY = Company(seed=28, leads=300, nights=1, ends=date(2026, 11, 20))
ENDS = datetime.fromtimestamp(COMPANY.ends_at, UTC)


@dataclass
class Served:
    """A simulator that is reached at ``url``."""

    vendor: HubSpot
    simulator: Simulator
    url: str
    http: httpx.Client

    @property
    def clock(self) -> Clock:
        return self.simulator.clock

    def get(self, path: str, **params: Any) -> Any:
        """The content of an answer that is no refusal."""
        answer = self.http.get(path, params=params)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def pages(self, path: str, **params: Any) -> list[Any]:
        """All rows of a list, page after page."""
        found = []
        while True:
            page = self.get(path, **params)
            found += page["results"]
            if "paging" not in page:
                return found
            params["after"] = page["paging"]["next"]["after"]

    def search(self, kind: str, *filters: dict[str, Any], **body: Any) -> Any:
        groups = [{"filters": list(filters)}] if filters else []
        return self.post(
            f"/crm/objects/2026-09/{kind}/search", {"filterGroups": groups, "limit": 200, **body}
        )


Serve = Callable[..., Served]


@contextmanager
def serving_company(at: datetime = ENDS, *, throttled: bool = False) -> Iterator[Served]:
    """HubSpot as of an instant, by default the end of the history."""
    clock = Clock(at)
    vendor = HubSpot(COMPANY, clock, throttled=throttled)
    simulator = Simulator(vendor, clock)
    headers = {"Authorization": f"Bearer {vendor.keys.private}"}
    with serving(simulator) as url, httpx.Client(base_url=url, headers=headers) as http:
        yield Served(vendor, simulator, url, http)


def renewal(hubspot: Served) -> dict[str, str]:
    """The form that asks for an access token."""
    keys = hubspot.vendor.keys
    return {
        "grant_type": "refresh_token",
        "client_id": keys.client_id,
        "client_secret": keys.client_secret,
        "refresh_token": keys.refresh_token,
    }


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the company; each call gives a HubSpot of its own, to do with as one likes."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(serving_company(**options))


@pytest.fixture(scope="session")
def shared() -> Iterator[Served]:
    """One HubSpot for all tests that leave its records as they are."""
    with serving_company() as served:
        yield served


@pytest.fixture
def hubspot(shared: Served) -> Iterator[Served]:
    """HubSpot at the end of the history, without faults or limits on the number of calls."""
    yield shared
    shared.simulator.faults.clear()
    shared.clock.set(ENDS)


@pytest.fixture(scope="session")
def told() -> list[Story]:
    """The stories of those at home in HubSpot."""
    everybody = [story for story, _ in stories(COMPANY, Campaigns(COMPANY))]
    return [story for story in everybody if crm_of(story, 0) == "hubspot"]


@pytest.fixture(scope="session")
def held() -> set[str]:
    """The leads that HubSpot holds."""
    return {
        record.lead_id
        for story, _ in stories(COMPANY, Campaigns(COMPANY))
        for index, record in enumerate(story.records)
        if crm_of(story, index) == "hubspot"
    }
