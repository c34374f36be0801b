"""Marketo holding a small company, on real HTTP, with a clock that only tests move."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx
from smarketing.sandbox.company import Company
from smarketing.sandbox.crm import StageShown, lead_changes, stages_shown
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import Record, Story
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.marketo import Marketo
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator

# of those tried the smallest with chained merges, strays, uploads, bounces and deletions in it
COMPANY = Company(seed=8, leads=800, nights=1, ends=date(2026, 11, 20))
ENDS = datetime.fromtimestamp(COMPANY.ends_at, UTC)
LEADS, ACTIVITIES = "/bulk/v1/leads/export", "/bulk/v1/activities/export"


@dataclass
class Served:
    """A simulator that is reached at ``url``, with a token that lives."""

    vendor: Marketo
    simulator: Simulator
    url: str
    http: httpx.Client

    @property
    def clock(self) -> Clock:
        return self.simulator.clock

    def renew(self) -> dict[str, Any]:
        """Ask for a token, and show it from now on."""
        granted: dict[str, Any] = self.http.get(
            "/identity/oauth/token", params=credentials(self)
        ).json()
        self.http.headers["Authorization"] = f"Bearer {granted['access_token']}"
        return granted

    def get(self, path: str, **params: Any) -> Any:
        """The content of an answer that is no refusal."""
        return granted(self.http.get(path, params=params))

    def post(self, path: str, body: Any = None) -> Any:
        return granted(self.http.post(path, json=body))

    def refused(self, path: str, **params: Any) -> tuple[str, str]:
        """Code and message of a refusal, which is told within a 200."""
        return refusal(self.http.get(path, params=params))

    def order(self, event: str, **details: Any) -> None:
        """Let something happen."""
        self.simulator.vendor.happen(event, **details)

    def since(self, at: int) -> str:
        """The token of the log behind an instant."""
        token: str = self.get("/rest/v1/activities/pagingtoken.json", sinceDatetime=text(at))[
            "nextPageToken"
        ]
        return token

    def log(self, *types: int, since: int = 0, **params: Any) -> list[Any]:
        """All activities of some types, page after page."""
        wanted = ",".join(map(str, types))
        return self.pages("/rest/v1/activities.json", since, {"activityTypeIds": wanted, **params})

    def pages(self, path: str, since: int, params: dict[str, Any]) -> list[Any]:
        found, token, has_more = [], self.since(since), True
        while has_more:
            page = self.get(path, nextPageToken=token, **params)
            found += page.get("result", [])
            token, has_more = page["nextPageToken"], page["moreResult"]
        return found

    def extract(self, base: str, **wish: Any) -> bytes:
        """The file of an export job that has run."""
        [job] = self.post(f"{base}/create.json", wish)["result"]
        self.post(f"{base}/{job['exportId']}/enqueue.json")
        self.clock.advance(300)
        return self.http.get(f"{base}/{job['exportId']}/file.json").content


Serve = Callable[..., Served]


@contextmanager
def serving_company(
    at: datetime = ENDS, *, throttled: bool = False, jobs_wait: bool = True
) -> Iterator[Served]:
    """Marketo as of an instant, by default the end of the history."""
    clock = Clock(at)
    vendor = Marketo(COMPANY, clock, throttled=throttled, jobs_wait=jobs_wait)
    simulator = Simulator(vendor, clock)
    with serving(simulator) as url, httpx.Client(base_url=url) as http:
        served = Served(vendor, simulator, url, http)
        served.renew()
        yield served


def credentials(marketo: Served) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": marketo.vendor.keys.client_id,
        "client_secret": marketo.vendor.keys.client_secret,
    }


def granted(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["success"], content
    assert content["requestId"]
    return content


def refusal(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["success"] is False, content
    assert "result" not in content
    [error] = content["errors"]
    return error["code"], error["message"]


def text(at: int) -> str:
    """An instant as Marketo tells most of them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows_of(file: bytes) -> list[dict[str, str]]:
    """The rows of a file, whatever ends the lines within its values."""
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


@dataclass
class Held:
    """A record that stands in Marketo, and what happens to it there."""

    story: Story
    index: int
    changes: list[tuple[int, str, str]]
    steps: list[StageShown] = field(default_factory=list)

    @property
    def record(self) -> Record:
        return self.story.records[self.index]

    @property
    def id(self) -> int:
        return number(self.record.lead_id)

    @property
    def now(self) -> int:
        """The id of the lead that it is at the end."""
        index = self.index
        for merge in sorted(self.story.merges, key=lambda merge: merge.at):
            index = merge.survivor if merge.merged == index else index
        return number(self.story.records[index].lead_id)

    @property
    def deleted(self) -> int | None:
        gone = (one.at for one in self.story.deletions if one.record == self.index)
        return next(gone, None)

    @property
    def is_live(self) -> bool:
        return self.now == self.id and self.deleted is None


def number(lead_id: str) -> int:
    """The id in Marketo of a record of the stories."""
    return (int(lead_id[1:]) + 1) % 2**31


def held(company: Company = COMPANY) -> list[Held]:
    """All records that stand in Marketo; the draws are in the order that all systems keep."""
    found = []
    for story, rng in stories(company, Campaigns(company)):
        indexes = range(len(story.records))
        changes = [lead_changes(rng, story, index) for index in indexes]
        shown = sorted(stages_shown(rng, story), key=lambda step: step[0])
        for index in indexes:
            if crm_of(story, index) == "salesforce":
                steps = [step for step in shown if step[1] == index]
                found.append(Held(story, index, changes[index], steps))
    return found
