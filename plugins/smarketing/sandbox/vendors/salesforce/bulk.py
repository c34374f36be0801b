"""Query jobs of the Bulk API 2.0: asked for, worked off in a while, fetched as CSV."""

from __future__ import annotations

import asyncio
import base64
import csv
from dataclasses import dataclass, field
from io import StringIO
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from smarketing.sandbox.clock import DAY
from smarketing.sandbox.vendors.salesforce.call import Call, Endpoint, told
from smarketing.sandbox.vendors.salesforce.errors import RefusedError, refused
from smarketing.sandbox.vendors.salesforce.ids import id_of
from smarketing.sandbox.vendors.salesforce.person import INTEGRATION
from smarketing.sandbox.vendors.salesforce.records import Org, Row
from smarketing.sandbox.vendors.salesforce.schema import Schema
from smarketing.sandbox.vendors.salesforce.select import Selection, as_text
from smarketing.sandbox.vendors.salesforce.soql import parse

# seconds after which a job is begun, and those that it takes beside its rows
BEGUN_AFTER, LEAST_WORK = 1, 2
ROWS_A_SECOND = 10_000
KEPT_DAYS = 7
MOST_JOBS = 10_000
# without a word on its length, a page may be as long as this, and one that is longer never comes
LONGEST_UNASKED = 10_000
PARALLEL_PAGES = 5

_DELIMITERS = {
    "BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t",
}  # fmt: skip
_LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass
class Job:
    """A query job. What it finds is what the org held when it was begun."""

    id: str
    made: int
    version: str
    operation: str
    text: str
    delimiter: str
    ending: str
    selection: Selection | None
    is_prompt: bool
    failure: str = ""
    aborted: int | None = None
    rows: list[Row] = field(default_factory=list)
    is_worked_off: bool = False

    @property
    def begun(self) -> int:
        """When the query runs."""
        return self.made if self.is_prompt else self.made + BEGUN_AFTER

    def state(self, now: int) -> str:
        """How far the job is."""
        if self.aborted is not None:
            return "Aborted"
        if now < self.begun:
            return "UploadComplete"
        if self.selection is None:
            return "Failed"
        if not self.is_worked_off:
            self.rows, self.is_worked_off = self.selection.find(self.begun), True
        takes = 0 if self.is_prompt else LEAST_WORK + len(self.rows) // ROWS_A_SECOND
        return "InProgress" if now < self.begun + takes else "JobComplete"


class Jobs:
    """The endpoints of query jobs. ``prompt`` jobs are complete as soon as they are made."""

    def __init__(self, org: Org, schema: Schema, *, prompt: bool) -> None:
        self._org = org
        self._schema = schema
        self._is_prompt = prompt
        self._jobs: dict[str, Job] = {}
        self._numbers = count(1)

    def endpoints(self) -> list[Endpoint]:
        """All of them, in the order in which a path is looked up."""
        return [
            ("POST", "jobs/query", self._create),
            ("GET", "jobs/query", self._list),
            ("GET", "jobs/query/{job}", self._tell),
            ("PATCH", "jobs/query/{job}", self._abort),
            ("DELETE", "jobs/query/{job}", self._delete),
            ("GET", "jobs/query/{job}/results", self._results),
            ("GET", "jobs/query/{job}/resultPages", self._pages),
        ]

    async def _create(self, call: Call) -> Response:
        body = await call.body()
        operation, text = str(body.get("operation")), str(body.get("query") or "")
        delimiter = str(body.get("columnDelimiter", "COMMA"))
        ending = str(body.get("lineEnding", "LF"))
        if (
            operation not in ("query", "queryAll")
            or body.get("contentType", "CSV") != "CSV"
            or delimiter not in _DELIMITERS
            or ending not in _LINE_ENDINGS
        ):
            raise RefusedError(400, "INVALIDJOB", "InvalidJob : this is no query job")
        if sum(call.now - job.made < DAY for job in self._jobs.values()) >= MOST_JOBS:
            message = f"Max number of query jobs ({MOST_JOBS}) for a rolling 24 hour period"
            raise RefusedError(403, "LIMIT_EXCEEDED", message)
        query = parse(text)
        is_deleted_told = operation == "queryAll"
        selection = Selection(self._org, self._schema, query, with_deleted=is_deleted_told)
        job = Job(
            id_of("750", next(self._numbers)), call.now, call.version, operation, text, delimiter,
            ending, selection, self._is_prompt,
        )  # fmt: skip
        if selection.is_count or query.offset:
            job.selection = None
            job.failure = "FeatureNotEnabled : Aggregates and OFFSET are not supported in bulk"
        self._jobs[job.id] = job
        return told(_as_json(job, call.now))

    async def _list(self, call: Call) -> Response:
        kept = [job for job in self._jobs.values() if call.now - job.made < KEPT_DAYS * DAY]
        records = [_as_json(job, call.now) for job in kept]
        return told({"done": True, "records": records, "nextRecordsUrl": None})

    async def _tell(self, call: Call) -> Response:
        job = self._find(call)
        content = _as_json(job, call.now)
        if job.state(call.now) == "JobComplete":
            content |= {
                "numberRecordsProcessed": len(job.rows),
                "retries": 0,
                "totalProcessingTime": LEAST_WORK * 1_000,
            }
        if job.state(call.now) == "Failed":
            content["errorMessage"] = job.failure
        return told(content)

    async def _abort(self, call: Call) -> Response:
        job, body = self._find(call), await call.body()
        if body.get("state") != "Aborted" or job.state(call.now) in ("JobComplete", "Failed"):
            raise RefusedError(400, "INVALIDJOBSTATE", "InvalidJobState : it cannot be aborted")
        job.aborted = call.now
        return told(_as_json(job, call.now))

    async def _delete(self, call: Call) -> Response:
        job = self._find(call)
        if job.state(call.now) in ("UploadComplete", "InProgress"):
            raise RefusedError(400, "INVALIDJOBSTATE", "InvalidJobState : it is not finished")
        del self._jobs[job.id]
        return Response(status_code=204)

    async def _results(self, call: Call) -> Response:
        """A page. The locator of the next one is the word null where there is none."""
        job = self._finished(call)
        begin = _offset(call.option("locator"))
        most = call.option("maxRecords")
        if not most and len(job.rows) - begin > LONGEST_UNASKED:
            await _hang(call.request)
        page = job.rows[begin : begin + int(most)] if most.isdigit() else job.rows[begin:]
        ends = begin + len(page)
        headers = {
            "Sforce-Locator": _locator(ends) if ends < len(job.rows) else "null",
            "Sforce-NumberOfRecords": str(len(page)),
        }
        return Response(_as_csv(job, page), 200, headers, media_type="text/csv")

    async def _pages(self, call: Call) -> Response:
        """Where several pages are, to be fetched side by side."""
        job, begin = self._finished(call), _offset(call.option("locator"))
        most = int(call.option("maxRecords", str(LONGEST_UNASKED)))
        begins = list(range(begin, len(job.rows), most))
        base = f"{call.base}/jobs/query/{job.id}"
        content: dict[str, Any] = {
            "resultPages": [
                {"resultUrl": f"{base}/results?maxRecords={most}&locator={_locator(one)}"}
                for one in begins[:PARALLEL_PAGES]
            ],
            "done": len(begins) <= PARALLEL_PAGES,
        }
        if not content["done"]:
            locator = _locator(begins[PARALLEL_PAGES])
            content["nextRecordsUrl"] = f"{base}/resultPages?maxRecords={most}&locator={locator}"
        return told(content)

    def _find(self, call: Call) -> Job:
        job = self._jobs.get(call.part("job"))
        if job is None or call.now - job.made >= KEPT_DAYS * DAY:
            raise refused(404)
        return job

    def _finished(self, call: Call) -> Job:
        job = self._find(call)
        if job.state(call.now) != "JobComplete":
            raise RefusedError(400, "INVALIDJOBSTATE", "InvalidJobState : it is not complete")
        if job.version != call.version:
            message = f"the job was made with version {job.version} of the API"
            raise RefusedError(409, "INVALID_API_VERSION", message)
        return job


def _as_json(job: Job, now: int) -> dict[str, Any]:
    made = f"{as_text(job.made)}.000+0000"
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.selection.object if job.selection else None,
        "createdById": INTEGRATION,
        "createdDate": made,
        "systemModstamp": made,
        "state": job.state(now),
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.ending,
        "columnDelimiter": job.delimiter,
    }


def _as_csv(job: Job, rows: list[Row]) -> str:
    assert job.selection is not None
    text = StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=_DELIMITERS[job.delimiter],
        lineterminator=_LINE_ENDINGS[job.ending],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(".".join(parts) for parts in job.selection.columns)
    writer.writerows(job.selection.as_cells(row, job.begun) for row in rows)
    return text.getvalue()


def _locator(offset: int) -> str:
    return base64.b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(locator: str) -> int:
    """Where a page begins. The word null is no locator (it would be the first page again)."""
    if not locator:
        return 0
    try:
        return int(base64.b64decode(locator + "=" * (-len(locator) % 4), validate=True))
    except ValueError as error:
        message = f"invalid locator: {locator}"
        raise RefusedError(400, "INVALID_LOCATOR", message) from error


async def _hang(request: Request) -> None:
    """Answer nothing for as long as somebody waits."""
    while not await request.is_disconnected():
        await asyncio.sleep(0.05)
