"""What arrived, judged at its boundaries on raw tables of a few rows in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from smarketing.night import Night
from smarketing.quality.arrivals import NothingArrivedError, mark_late, refuse_silence
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import connect

from expectations.arrival import suites
from tests.expectations.recorded import Recorded, check

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
FRESH_WITHIN = 36

Connection = psycopg.Connection[Any]


@pytest.fixture
def raw(warehouse: str) -> Iterator[Connection]:
    """A session of the loader, and the raw tables of all sources without a row."""
    with connect(warehouse, "loader", autocommit=True) as connection:
        create_raw_tables(connection)
        yield connection


def tell(raw: Connection, table: str, **values: object) -> None:
    """Add a version of any record; what the loader gives every row is filled in."""
    columns = {
        "system": "crm",
        "_record_key": "[]",
        "_row_hash": "",
        "_sequence": 0,
        "_known_from": LONG_AGO,
        **({"_file": "", "_line": 1} if "csv" in table else {}),
        **values,
    }
    raw.execute(
        f"insert into {table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
        tuple(columns.values()),
    )


def add(
    raw: Connection,
    table: str,
    lead_id: str,
    moment: datetime | date,
    *,
    known: datetime = LONG_AGO,
    until: datetime | None = None,
) -> None:
    """Add a version of a record. A date is a day whose time the source does not know."""
    at, on = (moment, None) if isinstance(moment, datetime) else (None, moment)
    name = "created" if table == "leads" else "occurred"
    extra = {} if table == "leads" else {"stage": "MQL"}
    tell(
        raw,
        f"raw_csv_export.{table}",
        lead_id=lead_id,
        **{f"{name}_at": at, f"{name}_on": on},
        **extra,
        _known_from=known,
        _known_until=until,
    )


def arrived(warehouse: str, night: Night, *, fresh_within_hours: int = FRESH_WITHIN) -> Recorded:
    return check(
        warehouse,
        night,
        suites(
            "exports",
            night,
            kind="csv_export",
            system="crm",
            fresh_within_hours=fresh_within_hours,
        ),
    )


def spans(warehouse: str) -> list[tuple[Any, ...]]:
    """What the night goes without: the source, since when and until when."""
    with psycopg.connect(warehouse) as connection:
        return connection.execute(
            "select source, missing_from, missing_until from ops.source_spans"
        ).fetchall()


@pytest.mark.parametrize("table", ["leads", "stage_changes"])
@pytest.mark.parametrize(
    ("age", "state"),
    [
        (FRESH_WITHIN * HOUR - SECOND, "passed"),
        (FRESH_WITHIN * HOUR, "passed"),
        (FRESH_WITHIN * HOUR + SECOND, "failed"),
        # an event after the night does not exist
        (-SECOND, "failed"),
        (0 * SECOND, "passed"),
    ],
    ids=["a second to go", "just in time", "a second late", "after the night", "at its end"],
)
def test_the_newest_event_may_be_so_many_hours_old(
    warehouse: str, night: Night, raw: Connection, table: str, age: timedelta, state: str
) -> None:
    add(raw, "leads", "a", LONG_AGO)
    add(raw, table, "a" if table == "stage_changes" else "b", night.as_of - age)
    recorded = arrived(warehouse, night)
    assert recorded.states["fresh"] == state
    assert recorded.states["leads_arrived"] == "passed"
    # nobody else has to wait for it
    assert recorded.stopped is None
    late = mark_late(warehouse, night, recorded.outcomes)
    assert late == (["exports"] if state == "failed" else [])
    newest = LONG_AGO if age <= timedelta() else night.as_of - age
    assert spans(warehouse) == [("exports", newest, night.known_at)] * len(late)


def test_what_was_learnt_after_the_night_or_is_known_no_more_does_not_make_it_fresh(
    warehouse: str, night: Night, raw: Connection
) -> None:
    add(raw, "leads", "a", LONG_AGO)
    add(raw, "stage_changes", "a", night.as_of - HOUR, known=night.known_at + SECOND)
    add(raw, "stage_changes", "a", night.as_of - HOUR, until=night.known_at)
    assert arrived(warehouse, night).states["fresh"] == "failed"
    add(raw, "stage_changes", "a", night.as_of - HOUR, known=night.known_at)
    assert arrived(warehouse, night).states["fresh"] == "passed"


@pytest.mark.parametrize(("hours", "state"), [(26, "passed"), (25, "failed")])
def test_a_day_counts_from_its_start_in_utc_wherever_the_server_stands(
    warehouse: str, night: Night, raw: Connection, hours: int, state: str
) -> None:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        connection.execute(
            f"alter database {connection.info.dbname} set timezone to 'America/Los_Angeles'"
        )
    add(raw, "leads", "a", (night.as_of - DAY).date())
    recorded = arrived(warehouse, night, fresh_within_hours=hours)
    assert recorded.states["fresh"] == state
    assert recorded.keys["fresh"] == (["exports"] if state == "failed" else [])


def test_an_export_that_never_brought_anything_is_missing_since_ever(
    warehouse: str, night: Night, raw: Connection
) -> None:
    recorded = arrived(warehouse, night)
    assert recorded.states["leads_arrived"] == recorded.states["fresh"] == "failed"
    assert recorded.states["volume"] == "passed"
    assert mark_late(warehouse, night, recorded.outcomes) == ["exports"]
    assert spans(warehouse) == [("exports", None, night.known_at)]


def test_a_night_to_which_nothing_came_is_none(
    warehouse: str, night: Night, raw: Connection
) -> None:
    mark_late(warehouse, night, arrived(warehouse, night).outcomes)
    refuse_silence(warehouse, night, ["exports", "another"])
    with pytest.raises(NothingArrivedError, match="exports: no lead has ever arrived"):
        refuse_silence(warehouse, night, ["exports"])


@pytest.mark.parametrize(("this_week", "state"), [(4, "passed"), (3, "passed"), (2, "failed")])
def test_a_week_with_less_than_a_third_of_the_usual_changes_is_told(
    warehouse: str, night: Night, raw: Connection, this_week: int, state: str
) -> None:
    add(raw, "leads", "a", night.as_of - HOUR)
    weeks = [this_week, *[9] * 8]
    for number, moves in enumerate(weeks, start=1):
        # both ends of the week [start, end)
        start = night.as_of - number * 7 * DAY
        add(raw, "stage_changes", "a", start)
        for _ in range(moves - 1):
            add(raw, "stage_changes", "a", start + 7 * DAY - SECOND)
    recorded = arrived(warehouse, night)
    assert recorded.states["volume"] == state
    assert recorded.stopped is None


def test_a_week_without_any_change_is_told(warehouse: str, night: Night, raw: Connection) -> None:
    add(raw, "leads", "a", night.as_of - HOUR)
    add(raw, "stage_changes", "a", night.as_of - 7 * DAY - SECOND)
    assert arrived(warehouse, night).states["volume"] == "failed"


@pytest.mark.parametrize(("unknown", "state"), [(1, "passed"), (2, "failed")])
def test_one_lead_in_a_hundred_may_be_unknown(
    warehouse: str, night: Night, raw: Connection, unknown: int, state: str
) -> None:
    now = night.as_of - HOUR
    for number in range(100):
        if number >= unknown:
            add(raw, "leads", str(number), now)
        add(raw, "stage_changes", str(number), now)
        add(raw, "stage_changes", str(number), now - DAY)
    add(raw, "leads", "0", now, known=night.known_at + SECOND)
    recorded = arrived(warehouse, night)
    assert recorded.states["leads_are_known"] == state
    assert recorded.figures["leads_are_known"] == (100, unknown)
    assert recorded.keys["leads_are_known"] == [f"crm:{number}" for number in range(unknown)]
    assert recorded.stopped is None


def test_a_silent_system_does_not_hide_behind_another_of_its_kind(
    warehouse: str, night: Night, raw: Connection
) -> None:
    add(raw, "leads", "a", LONG_AGO)
    tell(raw, "raw_csv_export.leads", system="another", lead_id="a", created_at=night.as_of)
    assert arrived(warehouse, night).states["fresh"] == "failed"
    raw.execute("delete from raw_csv_export.leads where system = 'crm'")
    assert arrived(warehouse, night).states["leads_arrived"] == "failed"
