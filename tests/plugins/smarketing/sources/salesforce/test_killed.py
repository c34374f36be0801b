"""A run killed anywhere and run again leaves what one undisturbed run leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import smarketing
from smarketing.warehouse.connection import as_role

from tests.plugins.smarketing.sources.salesforce.conftest import ENDS, MAPPED, Versions, Warehouse

# Runs a night of some streams and kills itself, by a signal no code can catch, on a call of a
# function. Small pages, results and loads: there is much to be killed between.
NIGHT = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from pkgutil import resolve_name
import orjson
from smarketing.sources.api import streams as shared
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.salesforce import Settings, api, open_source, streams

function, calls, settings, url, secret, uri, known_at, workdir = sys.argv[1:]
api._LONGEST_PAGE, streams._RESULTS, shared._ROWS_IN_A_LOAD = 50, 50, 100
owner, _, name = function.rpartition(".")
owner, original, left = resolve_name(owner), resolve_name(function), int(calls)

def call(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(owner, name, call)
client_id, client_secret = secret.split()
extra = {"client_id": client_id, "client_secret": client_secret}
known_at = datetime.fromisoformat(known_at)
with open_source(
    Settings(**orjson.loads(settings)), VendorConnection("salesforce", url, extra=extra), known_at
) as source:
    chosen = [one for one in source.streams() if one.name in ("Lead", "deleted Lead")]
    source.streams = lambda: chosen
    source.settle = lambda held: iter(())
    shared.extract(
        source, warehouse_uri=uri, night_id="killed", known_at=known_at, workdir=Path(workdir)
    )
"""
POINTS = {
    "api": "smarketing.sources.salesforce.api.Api._query",
    "results": "smarketing.sources.salesforce.api.Api.results",
    "job": "smarketing.sources.salesforce.api.Api.state",
    "page": "smarketing.sources.api.streams._Extraction._take",
    "load": "smarketing.sources.api.streams._Extraction._load_rows",
    "collect": "smarketing.sources.loading.RawTables.collect",
    "sync": "dlt.Pipeline.sync_schema",
    "copy": "dlt.destinations.impl.postgres.postgres.PostgresParquetCopyJob.run",
    "merge": "dlt.destinations.sql_jobs.SqlMergeFollowupJob.gen_scd2_sql",
    "commit": "dlt.destinations.job_client_impl.SqlJobClientBase.complete_load",
}
TABLES = ("leads", "deletions", "merges", "fields")


def run(warehouse: Warehouse, point: str, calls: int, bulk_from: int) -> int:
    keys = warehouse.org.keys
    settings = orjson.dumps({**MAPPED, "bulk_from": bulk_from}).decode()
    done = subprocess.run(
        [
            sys.executable, "-c", NIGHT, POINTS[point], str(calls), settings, warehouse.org.url,
            f"{keys.client_id} {keys.client_secret}", as_role(warehouse.uri, "loader"),
            ENDS.isoformat(), str(warehouse.workdir),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(smarketing.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.fixture
def expected(read_once: tuple[Warehouse, object]) -> Versions:
    versions = read_once[0].versions()
    return {
        table: {
            key: row_hash
            for key, row_hash in versions[table].items()
            if table == "leads" or key.startswith('["salesforce","Lead"')
        }
        for table in TABLES
    }


def check(warehouse: Warehouse, expected: Versions, point: str, calls: int, bulk: int) -> int:
    killed = run(warehouse, point, calls, bulk)
    if killed:
        run(warehouse, point, 1_000_000, bulk)
    found = warehouse.versions()
    assert {table: found[table] for table in TABLES} == expected
    assert (
        warehouse.rows(
            "select count(*) from raw_salesforce.leads group by lead_id having count(*) > 1"
        )
        == []
    )
    return killed


@pytest.fixture
def empty(read_once: tuple[Warehouse, object], warehouse: str, tmp_path: Path) -> Warehouse:
    return Warehouse(read_once[0].org, warehouse, tmp_path / "work")


@pytest.mark.parametrize(("point", "calls", "bulk"), [("page", 8, 1)])
def test_a_killed_run_is_simply_run_again(
    empty: Warehouse, expected: Versions, point: str, calls: int, bulk: int
) -> None:
    assert check(empty, expected, point, calls, bulk) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("bulk", [1, 20_000])
@pytest.mark.parametrize("calls", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("point", [*POINTS])
def test_a_run_killed_anywhere_is_simply_run_again(
    empty: Warehouse, expected: Versions, point: str, calls: int, bulk: int
) -> None:
    check(empty, expected, point, calls, bulk)
