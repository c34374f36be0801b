"""Marketo's bulk extracts over HTTP: jobs, their one queue, their files (Marketo, bulk extract)."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import Any

from starlette.responses import PlainTextResponse, Response

from smarketing.sandbox.clock import DAY, MINUTE
from smarketing.sandbox.vendors.marketo.call import Call, Endpoint, Endpoints, page
from smarketing.sandbox.vendors.marketo.errors import HttpRefusalError, RefusedError, invalid
from smarketing.sandbox.vendors.marketo.extracts import Extract, Extracts
from smarketing.sandbox.vendors.marketo.limits import central_day

KINDS = ("leads", "activities", "program/members")
QUEUE, SLOTS = 10, 2
QUOTA = 500_000_000
# a job waits, and then runs, for so many seconds; what is told of it is this stale at most
_WAIT, _RUN, _STALE = 30, 80, MINUTE
_LISTED = _KEPT = 7 * DAY
_TOLD = 30 * DAY

# the documentation shows the times of jobs so, and some in UTC
_PACIFIC = timezone(timedelta(hours=-8))


@dataclass(eq=False)
class Job:
    """An export job. All instants are in seconds; those of its run may lie in the future."""

    id: str
    kind: str
    extract: Extract
    created: int
    queued: int | None = None
    started: int | None = None
    finished: int | None = None
    canceled: int | None = None
    is_failing: bool = False
    file: bytes | None = None
    records: int = 0

    def status(self, at: int) -> str:
        """The status of an instant."""
        if _is_past(self.canceled, at):
            return "Canceled"
        if _is_past(self.finished, at):
            return "Failed" if self.is_failing else "Completed"
        if _is_past(self.started, at):
            return "Processing"
        return "Created" if self.queued is None else "Queued"

    def seen(self, now: int) -> int:
        """As of when its status is told: it is looked at once a minute."""
        if self.queued is None or self.canceled is not None:
            return now
        return now - (now - self.queued) % _STALE

    def as_json(self, now: int) -> dict[str, Any]:
        """The job as its status tells it."""
        seen = self.seen(now)
        told: dict[str, Any] = {
            "exportId": self.id,
            "format": self.extract.format,
            "status": self.status(seen),
            "createdAt": _zoned(self.created),
        }
        for name in ("queued", "started", "finished"):
            moment: int | None = getattr(self, name)
            if moment is not None and moment <= seen:
                told[f"{name}At"] = _zoned(moment)
        if told["status"] == "Completed" and self.file is not None:
            told["numberOfRecords"] = self.records
            told["fileSize"] = len(self.file)
            told["fileChecksum"] = f"sha256:{hashlib.sha256(self.file).hexdigest()}"
        elif told["status"] == "Failed":
            told["errorMsg"] = "Export failed"
        return told


class Bulk:
    """The endpoints of bulk extracts; all kinds of them share one queue and one quota."""

    def __init__(self, extracts: Extracts, seed: int, *, jobs_wait: bool = True) -> None:
        self._extracts = extracts
        self._seed = seed
        self._wait, self._run = (_WAIT, _RUN) if jobs_wait else (0, 0)
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []
        self._free = [0] * SLOTS
        self._others: defaultdict[date, int] = defaultdict(int)

    def endpoints(self) -> Endpoints:
        """All of them."""
        found: list[Endpoint] = []
        for kind in KINDS:
            base = f"/bulk/v1/{kind}/export"
            found += [
                ("GET", partial(self._list, kind), f"{base}.json"),
                ("POST", partial(self._create, kind), f"{base}/create.json"),
                ("POST", partial(self._enqueue, kind), f"{base}/{{job}}/enqueue.json"),
                ("POST", partial(self._cancel, kind), f"{base}/{{job}}/cancel.json"),
                ("GET", partial(self._status, kind), f"{base}/{{job}}/status.json"),
                ("GET", partial(self._file, kind), f"{base}/{{job}}/file.json"),
            ]
        return found

    def use_up(self, now: int) -> None:
        """Let others export all that may be exported this day."""
        self._others[central_day(now)] = QUOTA

    def fail(self, now: int) -> None:
        """Let all jobs that are queued or running fail."""
        self._settle(now)
        for job in self._jobs.values():
            if job.status(now) in ("Queued", "Processing"):
                job.is_failing = True

    def _list(self, kind: str, call: Call) -> dict[str, Any]:
        self._settle(call.now)
        wanted = call.names("status")
        told = [
            job.as_json(call.now)
            for job in self._jobs.values()
            if job.kind == kind and call.now - _LISTED <= job.created <= call.now
        ]
        return page(call, [job for job in told if not wanted or job["status"] in wanted])

    def _create(self, kind: str, call: Call) -> dict[str, Any]:
        extract = self._extracts.make(kind, call.json())
        self._check_quota(call.now)
        name = f"{self._seed}/export {len(self._jobs)}"
        job = Job(str(uuid.uuid5(uuid.NAMESPACE_OID, name)), kind, extract, call.now)
        self._jobs[job.id] = job
        return {"result": [job.as_json(call.now)]}

    def _enqueue(self, kind: str, call: Call) -> dict[str, Any]:
        job = self._find(kind, call)
        if job.canceled is not None:
            raise invalid("The job was canceled")
        if job.queued is not None:
            raise RefusedError(1029, "Job already queued")
        self._check_quota(call.now)
        busy = [
            one
            for one in self._jobs.values()
            if one.status(call.now) in ("Queued", "Processing")
        ]  # fmt: skip
        if len(busy) >= QUEUE:
            raise RefusedError(1029, "Too many jobs in queue")
        job.queued = call.now
        self._queue.append(job)
        return {"result": [job.as_json(call.now)]}

    def _cancel(self, kind: str, call: Call) -> dict[str, Any]:
        job = self._find(kind, call)
        if job.status(call.now) in ("Completed", "Failed", "Canceled"):
            raise invalid("The job has ended")
        if job.finished is not None:
            self._free[self._free.index(job.finished)] = call.now
        if job in self._queue:
            self._queue.remove(job)
        job.canceled = call.now
        # here, and here only, the word has another letter
        return {"result": [job.as_json(call.now) | {"status": "Cancelled"}]}

    def _status(self, kind: str, call: Call) -> dict[str, Any]:
        return {"result": [self._find(kind, call).as_json(call.now)]}

    def _file(self, kind: str, call: Call) -> Response:
        """The file, or a part of it; plain text where there is none."""
        self._settle(call.now)
        job = self._jobs.get(call.request.path_params["job"])
        is_ready = job is not None and job.kind == kind
        if job is None or not is_ready or job.status(job.seen(call.now)) != "Completed":
            raise HttpRefusalError(404, "File not found")
        if job.file is None or job.finished is None or call.now > job.finished + _KEPT:
            raise HttpRefusalError(404, "File not found")
        return _ranged(job.file, call.request.headers.get("range", ""))

    def _find(self, kind: str, call: Call) -> Job:
        self._settle(call.now)
        job = self._jobs.get(call.request.path_params["job"])
        is_told = job is not None and call.now <= (job.finished or call.now) + _TOLD
        if job is None or job.kind != kind or not is_told:
            raise RefusedError(1013, "Export job not found")
        return job

    def _settle(self, now: int) -> None:
        """Start the jobs whose turn it is, first come first served, and write what is done."""
        while self._queue:
            job, slot = self._queue[0], self._free.index(min(self._free))
            started = max((job.queued or 0) + self._wait, self._free[slot])
            if started > now:
                break
            job.started, job.finished = started, started + self._run
            self._free[slot] = job.finished
            self._queue.pop(0)
        for job in self._jobs.values():
            if job.file is None and job.started is not None and job.status(now) == "Completed":
                job.file, job.records = job.extract.write(job.started)

    def _check_quota(self, now: int) -> None:
        self._settle(now)
        today = central_day(now)
        exported = sum(
            len(job.file)
            for job in self._jobs.values()
            if job.file is not None and job.finished and central_day(job.finished) == today
        )
        if exported + self._others[today] >= QUOTA:
            raise RefusedError(1029, "Export daily quota exceeded")


def _ranged(file: bytes, wish: str) -> Response:
    """A file, or the bytes of it that a Range header names."""
    accepts = {"Accept-Ranges": "bytes"}
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wish)
    if found is None:
        return Response(file, headers=accepts, media_type="text/csv")
    begin, last = int(found[1]), min(int(found[2] or len(file) - 1), len(file) - 1)
    if begin > last:
        return PlainTextResponse("Range not satisfiable", 416, accepts)
    headers = accepts | {"Content-Range": f"bytes {begin}-{last}/{len(file)}"}
    return Response(file[begin : last + 1], 206, headers, media_type="text/csv")


def _zoned(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(_PACIFIC).isoformat()


def _is_past(moment: int | None, at: int) -> bool:
    return moment is not None and moment <= at
