"""Export jobs: made, waited for, and their files brought whole. A job is paid for only once.

What runs is in the cursor: a run that is killed goes on waiting for the job of the one before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import httpx
from smarketing.sources.api.client import RefusedError
from smarketing.sources.api.limits import Sleep
from smarketing.sources.api.streams import Cursor, Page
from smarketing.sources.errors import SourceError, UnreachableError
from smarketing.sources.marketo.api import Api, Told, instant
from smarketing.sources.marketo.settings import Settings
from smarketing.sources.marketo.vendor import IS_QUEUED, NO_FILE, QUEUE_FULL

KINDS: Final = ("leads", "activities", "program/members")
"""What can be exported of what we read; they share one queue and one quota."""

# a status is looked at once a minute
_POLL: Final = 60.0
_LONGEST_WAIT: Final = 4 * 3600.0
_TRIES: Final = 3
_CUTS: Final = 6
_MEGABYTE: Final = 1_000_000

# The documentation says CST; whether clocks that are set forward count, it does not say.
_CENTRAL: Final = (timezone(timedelta(hours=-6)), ZoneInfo("America/Chicago"))


@dataclass(frozen=True)
class Export:
    """A file that is as Marketo wrote it, at its beginning; it vanishes when it is closed.

    ``records`` is how many Marketo counts in it. With ``cursor`` it is brought again.
    """

    file: IO[bytes]
    records: int
    cursor: Cursor


class Jobs:
    """The export jobs of one extraction."""

    def __init__(self, api: Api, settings: Settings, *, sleep: Sleep = time.sleep) -> None:
        self._api = api
        self._sleep = sleep
        self._share = settings.first_load_share * settings.megabytes_per_day * _MEGABYTE

    def run(
        self, kind: str, wish: Mapping[str, Any], cursor: Cursor, *, is_first_load: bool
    ) -> Generator[Page, None, Export]:
        """The file of what is wished for; meanwhile pages that say which job is under way.

        Raises:
            RefusedError: Marketo does not export this, or nothing more today.
            SourceError: a first load has used its share of the day.
            UnreachableError: the job does not come to an end.
        """
        found = cursor.get("job")
        known = found if isinstance(found, dict) and found.get("wish") == wish else {}
        job: str | None = known.get("id")
        waited, tries, is_noted = 0.0, 0, job is not None
        while True:
            if job is None:
                if tries == _TRIES:
                    raise UnreachableError(
                        f"Marketo, export of {kind}: {tries} jobs came to no good end. The next "
                        "run tries again."
                    )
                job, is_noted, tries = self._create(kind, wish, is_first_load), False, tries + 1
            told = self._status(kind, job)
            status = str(told.get("status"))
            at_job = {**cursor, "job": {"id": job, "wish": dict(wish)}}
            if status == "Completed":
                if file := self._download(kind, job, told):
                    return Export(file, int(told.get("numberOfRecords") or 0), at_job)
                job = None
                continue
            if status not in ("Created", "Queued", "Processing"):
                # failed, canceled (in either spelling), or nobody knows of it any more
                job = None
                continue
            if waited >= _LONGEST_WAIT:
                raise UnreachableError(
                    f"Marketo, export of {kind}: job {job} is still {status.lower()} after "
                    f"{_LONGEST_WAIT / 3600:.0f} hours. The next run goes on waiting for it."
                )
            yield Page({}, at_job, is_costly=not is_noted)
            is_noted = True
            self._sleep(_POLL)
            waited += _POLL

    def _create(self, kind: str, wish: Mapping[str, Any], is_first_load: bool) -> str:
        created = self._api.create_job(kind, wish)
        if is_first_load:
            self._check_share(instant(created["createdAt"]))
        return str(created["exportId"])

    def _status(self, kind: str, job: str) -> Told:
        """The status of a job that is in the queue, if there was a place in it."""
        try:
            told = self._api.job(kind, job)
            if told.get("status") != "Created":
                return told
        except RefusedError as refused:
            if refused.code in ("603", "607"):
                raise
            # Marketo forgets jobs, and shows them only to whoever made them
            return {}
        try:
            self._api.queue_job(kind, job)
        except RefusedError as refused:
            if refused.code == QUEUE_FULL:
                return told
            if refused.code != IS_QUEUED:
                raise
        return self._api.job(kind, job)

    def _check_share(self, now: datetime) -> None:
        since = quota_day(now)
        exported = sum(
            int(job.get("fileSize") or 0)
            for kind in KINDS
            for job in self._api.completed_jobs(kind)
            if job.get("finishedAt") and instant(job["finishedAt"]) >= since
        )
        if exported >= self._share:
            raise SourceError(
                [
                    f"Marketo: the first load stops for today, at {exported / _MEGABYTE:,.0f} MB "
                    f"of the {self._share / _MEGABYTE:,.0f} MB a day that it may export "
                    "(first_load_share). What was read is kept, and the next run goes on from "
                    "there, after midnight in US Central time."
                ]
            )

    def _download(self, kind: str, job: str, told: Told) -> IO[bytes] | None:
        """The file of a completed job; nothing if Marketo keeps it no longer.

        Raises:
            UnreachableError: it does not come as it was written.
        """
        expected = str(told.get("fileChecksum") or "").removeprefix("sha256:")
        size = told.get("fileSize")
        for _ in range(_TRIES):
            file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever reads it closes it)
            try:
                found = self._fetch(kind, job, file, size)
                if not expected or found == expected:
                    file.seek(0)
                    return file
            except RefusedError as refused:
                file.close()
                if refused.code == NO_FILE:
                    return None
                raise
            except BaseException:
                file.close()
                raise
            file.close()
        raise UnreachableError(
            f"Marketo, export of {kind}: the file of job {job} does not match its checksum, at try "
            f"{_TRIES}. The next run goes on with the same job."
        )

    def _fetch(self, kind: str, job: str, file: IO[bytes], size: int | None) -> str:
        """Write the file, going on where it was cut; gives the checksum of what came."""
        digest, cuts = sha256(), 0
        while True:
            begin = file.tell()
            reason = "it ends too early"
            try:
                with self._api.file(kind, job, begin) as answer:
                    if begin and not _goes_on(answer, begin):
                        file.seek(0)
                        file.truncate()
                        digest = sha256()
                    for block in answer.iter_bytes():
                        file.write(block)
                        digest.update(block)
                if size is None or file.tell() >= size:
                    return digest.hexdigest()
            except httpx.TransportError as error:
                reason = type(error).__name__
            cuts = cuts + 1 if file.tell() <= begin else 0
            if cuts == _CUTS:
                raise UnreachableError(
                    f"Marketo, export of {kind}: the file of job {job} comes no further than byte "
                    f"{begin:,} ({reason}). The next run goes on with the same job."
                )
            self._sleep(2.0**cuts)


def quota_day(now: datetime) -> datetime:
    """Since when exports count for the quota of the present day, at the earliest.

    A day begins at midnight in US Central time. While clocks there are set forward that is one
    of two instants, an hour apart: what was exported in between counts.
    """
    midnights = (
        now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) for zone in _CENTRAL
    )
    return min(midnights)


def _goes_on(answer: httpx.Response, begin: int) -> bool:
    is_partial = answer.status_code == httpx.codes.PARTIAL_CONTENT
    return is_partial and answer.headers.get("Content-Range", "").startswith(f"bytes {begin}-")
