"""HubSpot, or Salesforce, holding a small company on real HTTP, with a clock that tests move."""

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
from smarketing.sandbox.vendors.salesforce import Salesforce
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


# of those tried the smallest with most kinds of merge and deletion in Salesforce
AMERICAS = Company(seed=39, leads=600, nights=1, ends=date(2026, 11, 20))
DATA = "/services/data/v67.0"


@dataclass
class Org:
    """A Salesforce that is reached at ``url``."""

    vendor: Salesforce
    simulator: Simulator
    url: str
    http: httpx.Client

    @property
    def clock(self) -> Clock:
        return self.simulator.clock

    def log_in(self) -> str:
        """Open a session, and use it from now on."""
        keys = self.vendor.keys
        form = {
            "grant_type": "client_credentials",
            "client_id": keys.client_id,
            "client_secret": keys.client_secret,
        }
        granted = self.http.post("/services/oauth2/token", data=form).json()
        self.http.headers["Authorization"] = f"Bearer {granted['access_token']}"
        return str(granted["access_token"])

    def ask(self, path: str, **params: Any) -> httpx.Response:
        """Any answer of the newest version."""
        return self.http.get(f"{DATA}/{path}", params=params)

    def get(self, path: str, **params: Any) -> Any:
        """The content of an answer that is no refusal."""
        answer = self.ask(path, **params)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def query(self, soql: str, *, path: str = "query") -> list[Any]:
        """All rows of a query, page after page."""
        page = self.get(path, q=soql)
        found = list(page["records"])
        while not page["done"]:
            page = self.http.get(page["nextRecordsUrl"]).json()
            found += page["records"]
        return found

    def happen(self, event: str, **details: Any) -> None:
        answer = self.http.post("/_sandbox/events", json={"event": event, **details})
        assert answer.status_code == 200, answer.text


ServeOrg = Callable[..., Org]


@contextmanager
def serving_org(at: datetime = ENDS, **options: Any) -> Iterator[Org]:
    """Salesforce as of an instant, by default the end of the history."""
    clock = Clock(at)
    vendor = Salesforce(AMERICAS, clock, **{"throttled": False, **options})
    simulator = Simulator(vendor, clock)
    with serving(simulator) as url, httpx.Client(base_url=url) as http:
        org = Org(vendor, simulator, url, http)
        org.log_in()
        yield org


@pytest.fixture
def serve_org() -> Iterator[ServeOrg]:
    """Serves the company; each call gives a Salesforce of its own, to do with as one likes."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(serving_org(**options))


@pytest.fixture(scope="session")
def shared_org() -> Iterator[Org]:
    """One Salesforce for all tests that leave its rows as they are."""
    with serving_org() as org:
        yield org


@pytest.fixture
def salesforce(shared_org: Org) -> Iterator[Org]:
    """Salesforce at the end of the history, with a session, and without faults or limits."""
    shared_org.clock.set(ENDS)
    shared_org.log_in()
    yield shared_org
    shared_org.simulator.faults.clear()
    shared_org.clock.set(ENDS)


@pytest.fixture(scope="session")
def told_in_americas() -> list[Story]:
    """The stories that Salesforce was filled from."""
    return [story for story, _ in stories(AMERICAS, Campaigns(AMERICAS))]
