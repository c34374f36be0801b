"""The first load of Salesforce's leads by a query job: rows a second against COPY, peak memory.

Run by ``make bench``. The files that a job would give are recorded before; a server of its own
process tells them, so what is measured is reading, typing, versioning, and the database. COPY of
the same rows into a table without index is what no load can be faster than.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from smarketing.home import home
from smarketing.sandbox.vendors.salesforce.ids import id_of
from smarketing.sandbox.vendors.salesforce.schema import LEAD, Schema
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import extract
from smarketing.sources.salesforce import Settings, open_source
from smarketing.sources.salesforce.streams import _RESULTS
from smarketing.warehouse.connection import as_role
from smarketing.warehouse.initialise import initialise
from smarketing.warehouse.server import ensure_database, start
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

SIZES = (100_000, 1_000_000)
KNOWN_AT = datetime(2026, 10, 20, 2, tzinfo=UTC)
SETTINGS = Settings(
    leads={
        "region": "Region__c",
        "persona": "Persona__c",
        "score": "Score__c",
        "campaign_id": "First_Campaign__c",
        "arrived_on": "Arrived_On__c",
        "reason": "Reason__c",
    }
)

console = Console(highlight=False)


def record(folder: Path, rows: int) -> None:
    """Write what a job that finds so many leads would tell, page by page."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    campaign, owner = id_of("701", 7), id_of("005", 7)
    for page, begin in enumerate(range(0, rows, _RESULTS)):
        numbers = range(begin, min(begin + _RESULTS, rows))
        with (folder / f"{page}-{len(numbers)}.csv").open("w", encoding="utf-8") as file:
            header = [
                "Id", "SystemModstamp", "Email", "Status", "OwnerId", "Phone", "Company",
                "Country", "LeadSource", "Region__c", "Persona__c", "Score__c",
                "First_Campaign__c", "Arrived_On__c", "Reason__c", "IsConverted", "ConvertedDate",
                "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId",
                "CreatedDate", "Days_Open__c",
            ]  # fmt: skip
            file.write(",".join(f'"{name}"' for name in header) + "\n")
            for number in numbers:
                at = (KNOWN_AT - timedelta(seconds=number + 7_200)).isoformat()[:19] + ".000Z"
                file.write(
                    f'"{id_of("00Q", number)}","{at}","lead.{number}@example.example"'
                    f',"Marketing Qualified","{owner}","+1 555 {number:07}","Drayton & Sons, Inc"'
                    f',"US","webinar","Americas","Finance director","{number % 100}.0","{campaign}"'
                    f',"","","false","","","","","{at}","{number % 400}.0"\n'
                )


def serve(folder: Path, port: int) -> None:
    """Tell what was recorded, as Salesforce would."""
    import uvicorn

    pages = sorted(folder.glob("*.csv"), key=lambda page: int(page.name.partition("-")[0]))
    rows = sum(int(page.stem.partition("-")[2]) for page in pages)
    data = "/services/data/v67.0"

    async def token(request: Request) -> Response:
        url = str(request.base_url).rstrip("/")
        return JSONResponse({"access_token": "bench", "instance_url": url})

    async def describe(_: Request) -> Response:
        return JSONResponse(Schema().describe(LEAD, data))

    async def query(request: Request) -> Response:
        total = rows if "COUNT()" in request.query_params["q"] else 0
        is_new = "SystemModstamp" in request.query_params["q"]
        return JSONResponse({"totalSize": 0 if is_new else total, "done": True, "records": []})

    async def job(_: Request) -> Response:
        return JSONResponse({"id": "750", "state": "JobComplete"})

    async def results(request: Request) -> Response:
        number = int(request.query_params.get("locator", 0))
        headers = {
            "Sforce-NumberOfRecords": pages[number].stem.partition("-")[2],
            "Sforce-Locator": str(number + 1) if number + 1 < len(pages) else "null",
        }
        return FileResponse(pages[number], headers=headers, media_type="text/csv")

    routes = [
        Route("/services/oauth2/token", token, methods=["POST"]),
        Route(f"{data}/sobjects/Lead/describe", describe),
        Route(f"{data}/query", query),
        Route(f"{data}/jobs/query", job, methods=["POST"]),
        Route(f"{data}/jobs/query/750", job),
        Route(f"{data}/jobs/query/750/results", results),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="critical")


def load(url: str, uri: str) -> None:
    """Read the leads into the warehouse; prints the seconds and the most memory in MiB."""
    connection = VendorConnection("bench", url, extra={"client_id": "a", "client_secret": "b"})
    with (
        tempfile.TemporaryDirectory() as workdir,
        open_source(SETTINGS, connection, KNOWN_AT) as source,
    ):
        leads = source.streams()[:1]
        # one object alone, and no counts
        source.streams = lambda: leads  # type: ignore[method-assign]
        source.settle = lambda held: iter(())  # type: ignore[method-assign]
        begun = time.monotonic()
        extract(
            source,
            warehouse_uri=as_role(uri, "loader"),
            night_id="bench",
            known_at=KNOWN_AT,
            workdir=Path(workdir),
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    console.print(time.monotonic() - begun, peak)


@contextmanager
def recorded(folder: Path) -> Iterator[str]:
    """Serve what was recorded from a process of its own; gives the URL."""
    import httpx
    from smarketing.sandbox.vendors.serve import open_socket

    with open_socket() as listening:
        port = int(listening.getsockname()[1])
    process = subprocess.Popen([sys.executable, __file__, "serve", str(folder), str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.post(f"{url}/services/oauth2/token")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield url
    finally:
        process.terminate()
        process.wait()


def measure(rows: int) -> tuple[float, int, float]:
    """Seconds and peak MiB of a load, and the seconds of COPY."""
    folder = home() / "bench" / f"salesforce-{rows}"
    record(folder, rows)
    admin, name = start(), "bench_salesforce"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
    uri = ensure_database(admin, name)
    initialise(uri)
    with recorded(folder) as url:
        done = subprocess.run(
            [sys.executable, __file__, "load", url, uri], stdout=subprocess.PIPE, check=True
        )
    seconds, peak = done.stdout.split()
    copied = copy(uri, folder / "copy", rows)
    shutil.rmtree(folder)
    return float(seconds), int(peak), copied


def copy(uri: str, file: Path, rows: int) -> float:
    """Seconds that COPY takes for the same rows, into a table without an index."""
    with psycopg.connect(uri, autocommit=True) as connection:
        cursor = connection.cursor()
        with (
            file.open("wb") as target,
            cursor.copy("copy raw_salesforce.leads to stdout (format binary)") as told,
        ):
            for part in told:
                target.write(part)
        connection.execute("create table copied as table raw_salesforce.leads with no data")
        begun = time.monotonic()
        with file.open("rb") as source, cursor.copy("copy copied from stdin (format binary)") as to:
            while part := source.read(1 << 20):
                to.write(part)
        seconds = time.monotonic() - begun
        assert connection.execute("select count(*) from copied").fetchall() == [(rows,)]
    return seconds


def main() -> None:
    """Measure all sizes, the smallest first."""
    table = Table(title="first load of leads by a job", box=None, header_style="dim")
    for title in ("rows", "seconds", "rows/s", "COPY rows/s", "COPY is faster by", "peak MiB"):
        table.add_column(title, justify="right")
    for rows in SIZES:
        console.print(f"[dim]{rows:,} leads ...[/]")
        seconds, peak, copied = measure(rows)
        table.add_row(
            f"{rows:,}", f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{rows / copied:,.0f}",
            f"{seconds / copied:.1f}", f"{peak:,}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["load"]:
        load(sys.argv[2], sys.argv[3])
    else:
        main()
