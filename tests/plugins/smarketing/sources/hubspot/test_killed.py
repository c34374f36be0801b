"""A night killed anywhere and run again leaves what one undisturbed night leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import smarketing
from smarketing.warehouse.connection import as_role

from tests.plugins.smarketing.sources.hubspot.conftest import ENDS, MAPPED, Account, Rows

# Reads a night, and kills itself, by a signal no code can catch, on a call of a function. It
# loads every 300 rows.
NIGHT = """
import json, os, signal, sys
from datetime import datetime
from pathlib import Path
from pkgutil import resolve_name
from smarketing.sources.api import streams
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.hubspot import Settings, open_source

function, calls, url, key, mapped, uri, known_at, workdir = sys.argv[1:]
owner, _, name = function.rpartition(".")
owner, original, left = resolve_name(owner), resolve_name(function), int(calls)

def call(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(owner, name, call)
streams._ROWS_IN_A_LOAD = 300
at = datetime.fromisoformat(known_at)
settings = Settings(contacts=json.loads(mapped))
with open_source(settings, VendorConnection("hubspot", url, password=key), at) as source:
    streams.extract(
        source, warehouse_uri=uri, night_id="killed", known_at=at, workdir=Path(workdir)
    )
"""
TAKE = "smarketing.sources.api.streams._Extraction._take"
COLLECT = "smarketing.sources.loading.RawTables.collect"
LOAD = "smarketing.sources.loading.RawTables.load"
COPY = "dlt.destinations.impl.postgres.postgres.PostgresParquetCopyJob.run"
MERGE = "dlt.destinations.sql_jobs.SqlMergeFollowupJob.gen_scd2_sql"
COMMIT = "dlt.destinations.job_client_impl.SqlJobClientBase.complete_load"
END = "smarketing.sources.api.streams._Extraction._end"


def cases() -> list[object]:
    """A handful always, the rest in the long tests."""
    quick = [(TAKE, 20), (MERGE, 7)]
    thorough = [
        *((TAKE, calls) for calls in range(1, 36, 4)),
        *((COLLECT, calls) for calls in (1, 2)),
        *((LOAD, calls) for calls in (1, 2)),
        *((COPY, calls) for calls in range(1, 16, 3)),
        *((MERGE, calls) for calls in range(1, 16, 3)),
        *((COMMIT, calls) for calls in (1, 2)),
        (END, 1),
    ]
    return [
        *quick,
        *(pytest.param(*case, marks=pytest.mark.slow) for case in thorough if case not in quick),
    ]


@pytest.mark.parametrize(("function", "calls"), cases())
def test_a_killed_night_is_simply_run_again(
    account: Account, clean: Rows, tmp_path: Path, function: str, calls: int
) -> None:
    killed = subprocess.run(
        [
            sys.executable, "-c", NIGHT, function, str(calls), account.url,
            account.hubspot.keys.private, json.dumps(MAPPED), as_role(account.uri, "loader"),
            ENDS.isoformat(), str(tmp_path / "work"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(smarketing.__file__).parents[1])},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    account.recorder.calls.clear()
    extracted = account.extract()
    assert extracted.note == ""
    assert account.loaded() == clean
    assert all(count.held == count.at_vendor for count in extracted.counts)
