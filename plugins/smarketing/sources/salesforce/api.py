"""Salesforce's endpoints, by what they tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final

import httpx
from smarketing.sources.api.client import Client, RefusedError
from smarketing.sources.api.limits import Sleep
from smarketing.sources.errors import UnreachableError
from smarketing.sources.salesforce.soql import Place, Query, instant

Told = Mapping[str, Any]

# Salesforce takes 16,384 bytes for address and headers; a name may grow threefold on its way
LONGEST_QUERY: Final = 10_000
_LONGEST_PAGE: Final = 2_000
_TRIES: Final = 5
_GONE: Final = frozenset({"NOT_FOUND", "INVALIDJOBSTATE"})


@dataclass(frozen=True)
class Job:
    """A query job: its results are read with the version of the API that made it."""

    id: str
    version: str


@dataclass(frozen=True)
class Deleted:
    """What was deleted in a span of time. ``available_from`` and ``covered_until`` limit it."""

    records: Sequence[Told]
    available_from: datetime
    covered_until: datetime


class Api:
    """What an extraction asks of Salesforce."""

    def __init__(self, client: Client, version: str, *, sleep: Sleep) -> None:
        self._client = client
        self._version = version
        self._sleep = sleep

    def describe(self, object_: str, known: str | None) -> tuple[Told | None, str]:
        """What there is to know of an object, and when it was changed last.

        Nothing where it has not been changed since ``known``, an earlier answer's instant.
        """
        headers = {"If-Modified-Since": known} if known else {}
        answer = self._client.answer("GET", self._path(f"sobjects/{object_}/describe"),
                                     headers=headers)  # fmt: skip
        modified = answer.headers.get("Last-Modified", "")
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None, modified
        return answer.json(), modified

    def count(self, query: Query) -> int:
        """How many records a query finds."""
        return int(self._query(query.count())["totalSize"])

    def pages(
        self, query: Query, stamp: str, place: Place | None = None, *, with_deleted: bool = False
    ) -> Iterator[tuple[list[Told], Place | None]]:
        """What a query finds, in the order of ``stamp`` (or else of ids), and each page's end.

        Each page is asked for by another query, from a place on, and not by Salesforce's locator:
        that ends with its session, and when too many others are opened.
        """
        limit, is_last = _LONGEST_PAGE, False
        while not is_last:
            records, is_all = self._page(query.behind(stamp, place, limit), with_deleted)
            if not is_all:
                # rows are so wide that no more of them fit
                limit = max(1, len(records))
            is_last = is_all and len(records) < limit
            if records:
                last = records[-1]
                place = Place(instant(last[stamp]) if stamp else "", last["Id"])
            yield records, place

    def _page(self, query: Query, with_deleted: bool) -> tuple[list[Told], bool]:
        for turn in range(_TRIES):
            told = self._query(query, with_deleted)
            records: list[Told] = told["records"]
            if not told["done"]:
                return records, False
            # an answer with all that is found cannot lack some of it
            if len({record["Id"] for record in records}) >= told["totalSize"]:
                return records, True
            self._sleep(2.0**turn)
        raise UnreachableError(
            f"Salesforce, {query.object}: answers lack some of the records that they count. The "
            "next run asks again."
        )

    def deleted(self, object_: str, since: datetime, until: datetime) -> Deleted:
        """What was deleted from the one instant until the other; seconds do not count."""
        told = self._client.json(
            "GET",
            self._path(f"sobjects/{object_}/deleted/"),
            params={"start": instant(since), "end": instant(until)},
        )
        return Deleted(
            told["deletedRecords"],
            datetime.fromisoformat(told["earliestDateAvailable"]),
            datetime.fromisoformat(told["latestDateCovered"]),
        )

    def start(self, query: Query) -> Job:
        """Let a query job find records."""
        told = self._client.json(
            "POST",
            self._path("jobs/query"),
            json={
                "operation": "queryAll" if query.with_archived else "query",
                "query": str(query),
                "contentType": "CSV",
                "columnDelimiter": "COMMA",
                "lineEnding": "LF",
            },
        )
        return Job(told["id"], self._version)

    def state(self, job: Job) -> Told | None:
        """How far a job is; nothing where it is gone: after a week, or once it is deleted."""
        try:
            told: Told = self._client.json("GET", self._job(job))
        except RefusedError as refused:
            if refused.code in _GONE:
                return None
            raise
        return told

    def results(
        self, job: Job, locator: str | None, most: int, into: IO[bytes]
    ) -> tuple[int, str | None]:
        """A page of what a job found, as CSV; how many records that is, and the next page."""
        # without a word on its length, a large page may never come
        wish = {"maxRecords": str(most), **({"locator": locator} if locator else {})}
        headers = self._client.download("GET", f"{self._job(job)}/results", into, params=wish)
        after = headers.get("Sforce-Locator")
        # the word null, and not nothing, is behind the last page
        return int(headers["Sforce-NumberOfRecords"]), None if after in (
            None,
            "",
            "null",
        ) else after

    def _query(self, query: Query, with_deleted: bool = False) -> Any:
        path = self._path("queryAll" if with_deleted or query.with_archived else "query")
        return self._client.json("GET", path, params={"q": str(query)})

    def _path(self, rest: str) -> str:
        return f"/services/data/v{self._version}/{rest}"

    @staticmethod
    def _job(job: Job) -> str:
        return f"/services/data/v{job.version}/jobs/query/{job.id}"
