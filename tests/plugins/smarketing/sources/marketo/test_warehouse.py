"""What lands in a warehouse is what a client that others wrote reads, and what the stories say."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from marketorestpython.client import MarketoClient
from marketorestpython.helper import http_lib
from psycopg.rows import dict_row
from smarketing.sandbox.clock import day_of
from smarketing.sources.api.streams import Extracted, extract
from smarketing.sources.marketo import Settings, open_source
from smarketing.warehouse.connection import as_role

from tests.conftest import new_warehouse
from tests.plugins.smarketing.sandbox.vendors.marketo import ENDS, Held, Served, held, number, text
from tests.plugins.smarketing.sources.marketo.conftest import Serve
from tests.plugins.smarketing.sources.marketo.reading import MAPPING, connection, settings

DAY = timedelta(days=1)
TYPES = (1, 2, 6, 7, 8, 10, 11, 12, 13, 22, 32, 101, 104)
RECENT = settings(since=(ENDS - 40 * DAY).date())

# Runs a night and kills itself, by a signal no code can catch, on a call of a function.
NIGHT = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from pkgutil import resolve_name
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import extract
from smarketing.sources.marketo import Settings, open_source

function, calls, settings, url, login, password, uri, known_at, workdir = sys.argv[1:]
owner, _, name = function.rpartition(".")
owner, original, left = resolve_name(owner), resolve_name(function), int(calls)

def call(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(owner, name, call)
known_at = datetime.fromisoformat(known_at)
connection = VendorConnection("marketo", url, login=login, password=password)
with open_source(Settings.model_validate_json(settings), connection, known_at) as source:
    extract(
        source, warehouse_uri=uri, night_id="killed", known_at=known_at, workdir=Path(workdir)
    )
"""


class Client(MarketoClient):  # type: ignore[misc]
    """It takes the life of a token from the clock on the wall; this one asks each time."""

    def authenticate(self) -> None:
        self.valid_until = None
        super().authenticate()


def night(
    marketo: Served, uri: str, workdir: Path, known_at: datetime, settings: Settings
) -> Extracted:
    with open_source(
        settings, connection(marketo), known_at, sleep=marketo.clock.advance
    ) as source:
        return extract(
            source,
            warehouse_uri=as_role(uri, "loader"),
            night_id=known_at.isoformat(),
            known_at=known_at,
            workdir=workdir,
        )


def rows(uri: str, table: str) -> list[dict[str, Any]]:
    """The newest versions."""
    with psycopg.connect(uri, row_factory=dict_row) as warehouse:
        query = f"select * from raw_marketo.{table} where _known_until is null"
        return warehouse.execute(query).fetchall()


def versions(uri: str) -> dict[str, Counter[Any]]:
    """All versions of all tables: a version more, less or other shows."""
    with psycopg.connect(uri) as warehouse:
        return {
            table: Counter(
                warehouse.execute(
                    f"select _record_key, _row_hash, _known_until is null from raw_marketo.{table}"
                ).fetchall()
            )
            for table in ("leads", "activities", "program_members", "merges", "spend", "fields")
        }


@pytest.fixture(scope="module")
def landed(
    shared: Served, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A warehouse into which one night has read all of Marketo."""
    shared.clock.set(ENDS)
    with new_warehouse(postgres) as uri:
        done = night(shared, uri, tmp_path_factory.mktemp("night"), ENDS, settings())
        assert done.rows_loaded > 3_000
        assert done.rows_rejected == 0
        assert done.note == ""
        yield uri


@pytest.fixture(scope="module")
def client(shared: Served) -> Iterator[Any]:
    keys = shared.vendor.keys
    client = Client("000-AAA-000", keys.client_id, keys.client_secret, max_retry_time=1)
    client.host = shared.url
    # it makes five calls a second, and there is nobody to spare
    pace, http_lib.time = http_lib.time, SimpleNamespace(time=time.time, sleep=lambda _: None)
    yield client
    http_lib.time = pace


@pytest.fixture(scope="module")
def records() -> list[Held]:
    return held()


def test_leads_are_those_that_another_client_reads(landed: str, client: Any) -> None:
    ours = {row["lead_id"]: row for row in rows(landed, "leads")}
    fields = {
        "email": "email", "phone": "phone", "company": "company", "country": "country",
        "channel": "leadSource", "program_id": "acquisitionProgramId", "score": "leadScore",
        "lead_status": "leadStatus", "sfdc_lead_id": "sfdcLeadId",
        "sfdc_contact_id": "sfdcContactId", "sfdc_type": "sfdcType", "region": "region",
        "persona": "persona", "arrived_on": "arrivedOn", "lifecycle_stage": "lifecycleStage",
        "created_at": "createdAt", "updated_at": "updatedAt",
    }  # fmt: skip
    theirs = client.execute(
        "get_multiple_leads_by_filter_type",
        "id",
        list(ours)[:300],
        ",".join(["id", *fields.values()]),
    )
    assert len(theirs) == len(ours) > 200
    for their in theirs:
        our = ours[str(their["id"])]
        for column, field in fields.items():
            value, expected = our[column], their[field]
            if column in ("created_at", "updated_at"):
                value = text(int(value.timestamp()))
            elif column == "arrived_on":
                value = value and value.isoformat()
            elif column == "program_id":
                expected = expected and str(expected)
            assert value == expected, (column, our, their)


def test_leads_are_those_of_the_stories(landed: str, records: list[Held]) -> None:
    ours = {int(row["lead_id"]): row for row in rows(landed, "leads")}
    assert ours.keys() == {one.id for one in records if one.is_live}
    winners = {one.now for one in records if one.now != one.id}
    for one in records:
        if not one.is_live:
            continue
        row, record, prospect = ours[one.id], one.record, one.story.prospect
        assert row["created_at"].timestamp() == record.known_at
        assert row["region"] == (prospect.account.region or None)
        assert row["persona"] == (prospect.persona or None)
        uploaded = None if record.uploaded is None else day_of(record.uploaded)
        assert row["arrived_on"] == uploaded
        if one.id not in winners:
            assert row["email"] == (record.email or None)
            scores = [int(value) for _, name, value in one.changes if name == "score"]
            assert row["score"] == [record.score, *scores][-1]


def test_activities_are_those_that_another_client_reads(landed: str, client: Any) -> None:
    ours = {row["activity_id"]: row for row in rows(landed, "activities")}
    theirs = []
    for begin in range(0, len(TYPES), 10):
        wanted = [str(one) for one in TYPES[begin : begin + 10]]
        theirs += client.execute("get_lead_activities", wanted, sinceDatetime="2020-01-01")
    assert len(theirs) == len(ours) > 2_000
    for their in theirs:
        our = ours[their["marketoGUID"]]
        assert our["lead_id"] == str(their["leadId"])
        assert our["type_id"] == their["activityTypeId"]
        assert text(int(our["happened_at"].timestamp())) == their["activityDate"]
        assert our["primary_attribute_id"] == str(their["primaryAttributeValueId"])
        # an empty one is not told
        assert our["primary_attribute_value"] == their.get("primaryAttributeValue")
        attributes = {one["name"]: one["value"] for one in their["attributes"]}
        assert json.loads(our["attributes"]) == attributes


def test_programs_costs_and_types_are_those_that_another_client_reads(
    landed: str, client: Any
) -> None:
    theirs = client.execute("browse_programs", maxReturn=200)
    ours = {row["program_id"]: row for row in rows(landed, "programs")}
    assert ours.keys() == {str(their["id"]) for their in theirs}
    spend = Counter[tuple[str, str]]()
    for their in theirs:
        [whole] = client.execute("get_program_by_id", their["id"])
        our = ours[str(their["id"])]
        assert (our["name"], our["channel"]) == (whole["name"], whole["channel"])
        starts = whole.get("startDate")
        assert (our["started_at"] is None) == (starts is None)
        for cost in whole["costs"] or ():
            spend[(str(whole["id"]), cost["startDate"])] += cost["cost"]
    assert spend == {
        (row["program_id"], row["month"].isoformat()): row["amount"]
        for row in rows(landed, "spend")
    }
    assert {row["currency"] for row in rows(landed, "spend")} == {"EUR"}
    types = client.execute("get_activity_types")
    assert {(row["type_id"], row["name"]) for row in rows(landed, "activity_types")} == {
        (one["id"], one["name"]) for one in types
    }


def test_merges_and_members_are_those_of_the_stories(landed: str, records: list[Held]) -> None:
    expected = {
        (str(one.id), merge.at, str(number(one.story.records[merge.survivor].lead_id)))
        for one in records
        for merge in one.story.merges
        if merge.merged == one.index
    }
    assert expected == {
        (row["merged_id"], row["merged_at"].timestamp(), row["surviving_id"])
        for row in rows(landed, "merges")
    }
    live = {one.id for one in records if one.is_live}
    members = {
        (str(1_000 + int(one.record.campaign_id[1:])), str(one.now))
        for one in records
        if one.record.campaign_id and one.now in live
    }
    assert members == {
        (row["program_id"], row["lead_id"]) for row in rows(landed, "program_members")
    }


def test_a_repeated_night_changes_nothing(shared: Served, landed: str, tmp_path: Path) -> None:
    shared.clock.set(ENDS)
    before = versions(landed)
    again = night(shared, landed, tmp_path, ENDS, settings())
    assert again.rows_loaded == 0
    assert versions(landed) == before


def test_an_older_night_loads_nothing(shared: Served, landed: str, tmp_path: Path) -> None:
    older = night(shared, landed, tmp_path, ENDS - DAY, settings())
    assert "later night" in older.note
    assert older.rows_read == 0


@pytest.mark.slow
def test_five_nights_in_a_row_hold_what_one_holds(
    serve: Serve, landed: str, warehouse: str, tmp_path: Path
) -> None:
    marketo = serve(ENDS - 4 * DAY)
    for days in range(4, -1, -1):
        marketo.clock.set(ENDS - days * DAY)
        assert not night(marketo, warehouse, tmp_path, ENDS - days * DAY, settings()).note
    gone = {row["merged_id"] for row in rows(warehouse, "merges")}
    gone |= {row["lead_id"] for row in rows(warehouse, "deletions")}

    def held_by(uri: str) -> dict[str, str]:
        leads = rows(uri, "leads")
        return {row["lead_id"]: row["_row_hash"] for row in leads if row["lead_id"] not in gone}

    assert held_by(warehouse) == held_by(landed)
    assert versions(warehouse)["spend"].keys() >= {
        key for key in versions(landed)["spend"] if key[2]
    }


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        ("dlt.Pipeline.load", 1),
        *(
            pytest.param(function, calls, marks=pytest.mark.slow)
            for function, most in (
                ("smarketing.sources.marketo.jobs.Jobs._status", 7),
                ("smarketing.sources.marketo.jobs.Jobs._fetch", 5),
                ("smarketing.sources.api.streams._Extraction._take", 24),
                ("dlt.Pipeline.sync_schema", 1),
                ("dlt.destinations.impl.postgres.postgres.PostgresParquetCopyJob.run", 8),
                ("dlt.destinations.sql_jobs.SqlMergeFollowupJob.gen_scd2_sql", 8),
                ("dlt.destinations.job_client_impl.SqlJobClientBase.complete_load", 1),
                ("smarketing.sources.marketo.source.MarketoSource._missing", 2),
            )
            for calls in range(1, most + 1)
        ),
    ],
)
def test_a_killed_night_is_simply_run_again(
    serve: Serve,
    postgres: str,
    warehouse: str,
    tmp_path: Path,
    function: str,
    calls: int,
    once: Callable[[], dict[str, Counter[Any]]],
) -> None:
    marketo = serve()
    keys = marketo.vendor.keys
    killed = subprocess.run(
        [
            sys.executable, "-c", NIGHT, function, str(calls), RECENT.model_dump_json(),
            marketo.url, keys.client_id, keys.client_secret, as_role(warehouse, "loader"),
            ENDS.isoformat(), str(tmp_path),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    night(marketo, warehouse, tmp_path, ENDS, RECENT)
    assert versions(warehouse) == once()


@pytest.fixture(scope="module")
def once(
    shared: Served, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], dict[str, Counter[Any]]]:
    """What one undisturbed night holds of the last weeks."""
    shared.clock.set(ENDS)
    with new_warehouse(postgres) as uri:
        night(shared, uri, tmp_path_factory.mktemp("once"), ENDS, RECENT)
        held = versions(uri)
    assert len(held["leads"]) > 10
    return lambda: held


def test_settings_name_our_columns_only() -> None:
    assert Settings(leads=MAPPING).leads == MAPPING
    with pytest.raises(ValueError, match="unknown: regoin"):
        Settings(leads={"regoin": "region"})
