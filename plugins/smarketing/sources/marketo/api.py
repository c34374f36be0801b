"""Marketo's endpoints, by what they tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any, Final

import httpx
from smarketing.sources.api.client import Client
from smarketing.sources.errors import UnreachableError

Told = Mapping[str, Any]

MOST_IDS: Final = 300
"""How many leads can be asked for at once."""

# Marketo's advice to one of several who call an instance
_CONCURRENT: Final = 5
_ASSETS: Final = 200
_NEW_LEAD: Final = 12
# before the first instance of Marketo
_EARLIEST: Final = datetime(2006, 1, 1, tzinfo=UTC)


class Api:
    """What an extraction asks of Marketo, at most five things at a time.

    An answer without ``result`` is an empty one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._places = BoundedSemaphore(_CONCURRENT)

    def fields(self) -> list[Told]:
        """The fields of a lead."""
        return [
            field
            for one in self._results("GET", "/rest/v1/leads/describe2.json")
            for field in one["fields"]
        ]

    def present(self, ids: Sequence[str]) -> set[str]:
        """Those of at most 300 leads that are there."""
        wish = {"filterType": "id", "filterValues": ",".join(ids), "fields": "id"}
        return {str(one["id"]) for one in self._results("GET", "/rest/v1/leads.json", wish)}

    def activity_types(self) -> list[Told]:
        """What the log tells of."""
        return self._results("GET", "/rest/v1/activities/types.json")

    def deletions(self, since: datetime) -> Iterator[list[Told]]:
        """Leads that were deleted after an instant, page by page; Marketo forgets after 14 days."""
        return self._log("/rest/v1/activities/deletedleads.json", since, {})

    def first_lead_at(self) -> datetime | None:
        """When the first lead was created that the log knows of."""
        wish = {"activityTypeIds": str(_NEW_LEAD)}
        for page in self._log("/rest/v1/activities.json", _EARLIEST, wish):
            if page:
                return min(instant(one["activityDate"]) for one in page)
        return None

    def programs(self) -> Iterator[list[Told]]:
        """All programs, page by page; without costs and dates."""
        begin = 0
        while page := self._results(
            "GET", "/rest/asset/v1/programs.json", {"maxReturn": str(_ASSETS), "offset": str(begin)}
        ):
            yield page
            begin += len(page)

    def program(self, program_id: str) -> Told | None:
        """A program with its costs and dates, if it is still there."""
        found = self._results("GET", f"/rest/asset/v1/program/{program_id}.json")
        return found[0] if found else None

    def create_job(self, kind: str, wish: Told) -> Told:
        """Create an export job; it costs nothing before it is queued."""
        body = {**wish, "format": "CSV"}
        return self._one("POST", f"{_export(kind)}/create.json", body)

    def queue_job(self, kind: str, job: str) -> None:
        """Let a job run when its turn comes."""
        self._results("POST", f"{_export(kind)}/{job}/enqueue.json")

    def job(self, kind: str, job: str) -> Told:
        """The status of a job, which Marketo looks at once a minute."""
        return self._one("GET", f"{_export(kind)}/{job}/status.json")

    def completed_jobs(self, kind: str) -> Iterator[Told]:
        """The completed jobs of the last seven days, of whoever asks."""
        wish = {"status": "Completed", "batchSize": "300"}
        while True:
            told = self._told("GET", f"{_export(kind)}.json", wish)
            yield from told.get("result") or ()
            if not told.get("nextPageToken"):
                return
            wish = {**wish, "nextPageToken": told["nextPageToken"]}

    @contextmanager
    def file(self, kind: str, job: str, begin: int) -> Iterator[httpx.Response]:
        """The file of a job from a byte on; as it comes."""
        headers = {"Accept-Encoding": "identity"}
        if begin:
            headers["Range"] = f"bytes={begin}-"
        path = f"{_export(kind)}/{job}/file.json"
        with self._places, self._client.stream("GET", path, headers=headers) as answer:
            yield answer

    def _log(self, path: str, since: datetime, wish: Mapping[str, str]) -> Iterator[list[Told]]:
        """The log after an instant. A page may be empty while there are more behind it."""
        told = self._told(
            "GET", "/rest/v1/activities/pagingtoken.json", {"sinceDatetime": text(since)}
        )
        while True:
            told = self._told("GET", path, {**wish, "nextPageToken": told["nextPageToken"]})
            yield list(told.get("result") or ())
            if not told.get("moreResult"):
                return

    def _one(self, method: str, path: str, body: Told | None = None) -> Told:
        found = self._told(method, path, body=body).get("result")
        if not found:
            raise UnreachableError(f"Marketo, {path}: an answer without a result. Run it again.")
        one: Told = found[0]
        return one

    def _results(self, method: str, path: str, wish: Mapping[str, str] | None = None) -> list[Told]:
        return list(self._told(method, path, wish).get("result") or ())

    def _told(
        self,
        method: str,
        path: str,
        wish: Mapping[str, str] | None = None,
        body: Told | None = None,
    ) -> Told:
        with self._places:
            told: Told = self._client.json(method, path, params=dict(wish or {}), json=body)
        return told


def instant(told: str) -> datetime:
    """An instant in any of the ways in which Marketo tells it; assets write ``Z+0000``."""
    return datetime.fromisoformat(told.replace("Z+0000", "Z"))


def text(at: datetime) -> str:
    """An instant in the way in which Marketo takes it: without a fraction of a second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _export(kind: str) -> str:
    return f"/bulk/v1/{kind}/export"
