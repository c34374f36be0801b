"""A night killed anywhere and run again leaves what one undisturbed night leaves."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugins.smarketing.sources.csv_export.conftest import Folder, Warehouse

# Runs the second night and kills itself, by a signal no code can catch, on a call of a function.
NIGHT = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from pkgutil import resolve_name
from smarketing.sources.csv_export import extract, read_mapping

function, calls, mapping, uri, known_at, workdir = sys.argv[1:]
owner, _, name = function.rpartition(".")
owner, original, left = resolve_name(owner), resolve_name(function), int(calls)

def call(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(owner, name, call)
extract(
    read_mapping(Path(mapping)),
    warehouse_uri=uri,
    night_id="killed",
    known_at=datetime.fromisoformat(known_at),
    workdir=Path(workdir),
)
"""
NIGHT_END = "2024-01-02T02:00+00:00"
ENTITIES = """
  leads: [{file: 'leads_{date}.csv', columns: {lead_id: id, email: email}}]
  owners: [{file: 'owners_{date}.csv', columns: {owner_id: id, name: name}}]
  campaigns: [{file: 'campaigns_{date}.csv', columns: {campaign_id: id, name: name}}]
"""
VERSIONS = """
select lead_id, email, _known_from, _known_until from raw_csv_export.leads
union all
select owner_id, name, _known_from, _known_until from raw_csv_export.owners
union all
select campaign_id, name, _known_from, _known_until from raw_csv_export.campaigns
"""
FIRST, SECOND = (datetime(2024, 1, day, 2, tzinfo=UTC) for day in (1, 2))


def deliver(folder: Folder) -> None:
    for day, text in (("2024-01-01", "a"), ("2024-01-02", "b")):
        folder.write(f"leads_{day}.csv", f"id,email\n1,{text}@x\n2,same@x\n{text},new@x\nbad\n")
        folder.write(f"owners_{day}.csv", f"id,name\nO1,{text}\n")
        folder.write(f"campaigns_{day}.csv", f"id,name\nC1,{text}\n")


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        ("dlt.Pipeline.sync_schema", 1),
        ("dlt.Pipeline.load", 1),
        ("dlt.destinations.impl.postgres.postgres.PostgresParquetCopyJob.run", 2),
        ("dlt.destinations.sql_jobs.SqlMergeFollowupJob.gen_scd2_sql", 2),
        ("dlt.destinations.job_client_impl.SqlJobClientBase.complete_load", 1),
    ],
)
def test_a_killed_night_is_simply_run_again(
    folder: Folder,
    warehouse: Warehouse,
    python: Callable[..., subprocess.CompletedProcess[str]],
    function: str,
    calls: int,
) -> None:
    deliver(folder)
    mapping = folder.mapping(ENTITIES)
    warehouse.extract(mapping, 1)
    arguments = [str(folder.mapping_file), warehouse.uri, NIGHT_END, str(warehouse.workdir)]
    killed = python(NIGHT, function, str(calls), *arguments)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    warehouse.extract(mapping, 2)
    assert set(warehouse.rows(VERSIONS)) == {
        ("1", "a@x", FIRST, SECOND),
        ("1", "b@x", SECOND, None),
        ("2", "same@x", FIRST, None),
        ("a", "new@x", FIRST, None),
        ("b", "new@x", SECOND, None),
        ("O1", "a", FIRST, SECOND),
        ("O1", "b", SECOND, None),
        ("C1", "a", FIRST, SECOND),
        ("C1", "b", SECOND, None),
    }
    assert warehouse.rows("select count(*) from (" + VERSIONS + ") as versions") == [(9,)]
    assert warehouse.rows("select file, line from ops.rejected_rows order by 1") == [
        ("leads_2024-01-01.csv", 5),
        ("leads_2024-01-02.csv", 5),
    ]


def test_a_night_killed_halfway_is_not_overtaken_by_an_older_one(
    folder: Folder,
    warehouse: Warehouse,
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    deliver(folder)
    mapping = folder.mapping(ENTITIES)
    function = "dlt.destinations.job_client_impl.SqlJobClientBase.complete_load"
    arguments = [str(folder.mapping_file), warehouse.uri, NIGHT_END, str(warehouse.workdir)]
    assert python(NIGHT, function, "1", *arguments).returncode == -signal.SIGKILL
    assert "later night" in warehouse.extract(mapping, 1).note
    assert warehouse.extract(mapping, 2).note == ""


def test_a_night_killed_before_old_keys_end_ends_them_when_run_again(
    folder: Folder,
    warehouse: Warehouse,
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    spend = """
  leads: [{file: spend.csv, columns: {lead_id: id}}]
  spend: [{file: spend.csv, columns: {campaign_id: campaign, spent: day, amount: amount}}]
"""
    folder.write("spend.csv", "id,campaign,day,amount\nS1,C1,2024-01-01,1\nS2,C1,2024-01-01,2\n")
    warehouse.extract(folder.mapping(spend), 1)
    mapping = folder.mapping(spend.replace("{campaign_id", "{spend_id: id, campaign_id"))
    function = "smarketing.sources.csv_export.loading.RawExports.retire"
    arguments = [str(folder.mapping_file), warehouse.uri, NIGHT_END, str(warehouse.workdir)]
    assert python(NIGHT, function, "1", *arguments).returncode == -signal.SIGKILL
    assert warehouse.extract(mapping, 2).rows_read == 0
    assert warehouse.rows(
        "select spend_id, amount::int, _known_until from raw_csv_export.spend order by 2, 1"
    ) == [("S1", 1, None), ("S2", 2, None), (None, 2, SECOND)]
