"""Sources behind an API: rows a second, peak memory, and what a night of few changes costs.

Run by ``make bench``. The simulator answers from a process of its own, without limits. Its answers
are kept and told again, so that our side is measured without it. It prints what it measured beside
the vendor's own ceiling, and judges nothing: machines differ, and so do their days.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from rich.console import Console
from rich.table import Table
from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.hubspot import HubSpot
from smarketing.sandbox.vendors.serve import base_url, open_socket, serve_all
from smarketing.sandbox.vendors.simulator import Simulator
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import Stream, extract
from smarketing.sources.api.tables import TableRows
from smarketing.sources.hubspot import HubSpotSource, Settings, open_source
from smarketing.sources.hubspot.records import WITH_HISTORY
from smarketing.warehouse import server
from smarketing.warehouse.connection import as_role
from smarketing.warehouse.initialise import initialise

LEADS = 10_000
COMPANY = Company(seed=7, leads=LEADS, nights=1, ends=date(2026, 10, 20))
ENDS = datetime.fromtimestamp(COMPANY.ends_at, UTC)
# 190 calls in ten seconds, of 100 records each, or of 50 with their history
CEILING, CEILING_WITH_HISTORY = 1_900, 950
SETTINGS = Settings(
    calls_per_10_seconds=10**6,
    searches_per_second=10**6,
    contacts={"phone": "phone", "company": "company", "score": "lead_score"},
)

console = Console(highlight=False)


@dataclass
class Night:
    """One night's reading and loading, in a process of its own."""

    seconds: float
    processor_seconds: float
    rows_read: int
    rows_loaded: int
    peak_mib: int


class Kept(httpx.BaseTransport):
    """The answers of a vendor, kept when they first come, and told again."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()
        self._answers: dict[tuple[str, bytes], tuple[int, bytes]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key = str(request.url), request.read()
        if key not in self._answers:
            answer = self._network.handle_request(request)
            self._answers[key] = answer.status_code, answer.read()
        status, content = self._answers[key]
        return httpx.Response(status, content=content, request=request)


@contextmanager
def serving() -> Iterator[VendorConnection]:
    """HubSpot in another process."""
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url, key = process.stdout.readline().split()
        try:
            yield VendorConnection("hubspot", url, password=key)
        finally:
            process.kill()


def serve_hubspot() -> None:
    """What that process does, until it is ended."""
    clock = Clock(ENDS)
    vendor = HubSpot(COMPANY, clock, throttled=False)
    listening = open_socket()
    print(base_url(listening), vendor.keys.private, flush=True)
    serve_all([(Simulator(vendor, clock), listening)])


def read_stream(
    source: HubSpotSource, stream: Stream, clock: Callable[[], float]
) -> tuple[int, float]:
    """Read a stream alone into columns: rows and seconds."""
    started = clock()
    tables = {table.name: TableRows(table, source.system) for table in source.tables}
    for page in stream.pages({}):
        for name, rows in page.rows.items():
            tables[name].add(rows)
    for rows in tables.values():
        list(rows.batches())
    return sum(map(len, tables.values())), clock() - started


def run_night(connection: VendorConnection, uri: str, at: datetime) -> Night:
    """A whole night in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "night", connection.base_url, connection.password]
    done = subprocess.run(
        [*command, uri, at.isoformat()], stdout=subprocess.PIPE, text=True, check=True
    )
    return Night(**json.loads(done.stdout.splitlines()[-1]))


def night(url: str, key: str, uri: str, known_at: str) -> None:
    """What that process does."""
    at = datetime.fromisoformat(known_at)
    started, worked = time.perf_counter(), time.process_time()
    connection = VendorConnection("hubspot", url, password=key)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_source(SETTINGS, connection, at) as source,
    ):
        extracted = extract(
            source,
            warehouse_uri=as_role(uri, "loader"),
            night_id="bench",
            known_at=at,
            workdir=Path(folder),
        )
    measured = Night(
        time.perf_counter() - started,
        time.process_time() - worked,
        extracted.rows_read,
        extracted.rows_loaded,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    )
    print(json.dumps(asdict(measured)))


def show_streams(connection: VendorConnection) -> None:
    """Each stream alone: with the simulator, and our side of it."""
    table = Table(title=f"HubSpot, {LEADS:,} leads", box=None, header_style="dim")
    for name in ("stream", "records", "rows", "with simulator", "our side", "× ceiling"):
        table.add_column(name, justify="left" if name == "stream" else "right")
    with open_source(SETTINGS, connection, ENDS) as source:
        api: Any = source
        client = api._api._client
        client._http = httpx.Client(base_url=connection.base_url, transport=Kept())
        for stream in source.streams():
            rows, first = read_stream(source, stream, time.perf_counter)
            # nothing is waited for any more
            _, second = read_stream(source, stream, time.process_time)
            records = sum(
                len(found)
                for page in stream.pages({})
                for name, found in page.rows.items()
                if name not in ("property_history", "merges", "properties")
            )
            ceiling = CEILING_WITH_HISTORY if stream.name in WITH_HISTORY else CEILING
            if records > 100:
                table.add_row(
                    stream.name, f"{records:,}", f"{rows:,}", f"{rows / first:,.0f} rows/s",
                    f"{rows / second:,.0f} rows/s", f"{records / second / ceiling:.1f}",
                )  # fmt: skip
    console.print(table)


def change(connection: VendorConnection, known_at: datetime) -> None:
    """One contact in a hundred is edited, an hour before the night."""
    with httpx.Client(base_url=connection.base_url) as http:
        hour = (known_at - timedelta(hours=1)).isoformat()
        http.post("/_sandbox/clock", json={"now": hour})
        headers = {"Authorization": f"Bearer {connection.password}"}
        page: dict[str, Any] = {"paging": {"next": {"after": "0"}}}
        while "paging" in page:
            after = page["paging"]["next"]["after"]
            page = http.get(
                "/crm/v3/objects/contacts", params={"limit": 100, "after": after}, headers=headers
            ).json()
            wish = {"kind": "contacts", "record": page["results"][0]["id"]}
            edit = {"event": "change", "name": "phone", "value": hour, **wish}
            http.post("/_sandbox/events", json=edit).raise_for_status()
        http.post("/_sandbox/clock", json={"now": known_at.isoformat()})


def main() -> None:
    """Measure the streams, a first night, and one of few changes."""
    with psycopg.connect(server.start(), autocommit=True) as administrator:
        administrator.execute("drop database if exists bench_sources with (force)")
    uri = server.ensure_database(server.start(), "bench_sources")
    initialise(uri)
    with serving() as connection:
        show_streams(connection)
        first = run_night(connection, uri, ENDS)
        # the look-back of what was read the night before is over
        later = ENDS + timedelta(days=5)
        change(connection, later)
        second = run_night(connection, uri, later)
    table = Table(title="\nwhole nights, loading included", box=None, header_style="dim")
    for name in ("night", "seconds", "of our processor", "rows read", "loaded", "peak MiB"):
        table.add_column(name, justify="left" if name == "night" else "right")
    for title, one in (("first", first), ("1 % changed", second)):
        table.add_row(
            title, f"{one.seconds:.1f}", f"{one.processor_seconds:.1f}", f"{one.rows_read:,}",
            f"{one.rows_loaded:,}", str(one.peak_mib),
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve_hubspot()
    elif sys.argv[1:2] == ["night"]:
        night(*sys.argv[2:])
    else:
        main()
