"""What arrived, judged at its boundaries on raw tables of a few rows in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from smarketing.config import SourceKind
from smarketing.night import Night, open_night
from smarketing.quality.arrivals import NothingArrivedError, mark_late, refuse_silence
from smarketing.sources.api.drift import VendorField, decide
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import connect

from expectations.arrival import suites
from tests.expectations.conftest import AS_OF
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


def read(warehouse: str, when: datetime, *, state: str = "done", **step: object) -> Night:
    """A night that read the source."""
    night = open_night(warehouse, when, when)
    with connect(warehouse, "transformer") as connection:
        connection.execute(
            "insert into ops.steps (night_id, attempt, step, state, rows_in, rows_rejected, note)"
            " values (%s, %s, 'extract.exports', %s, %s, %s, %s)",
            (
                night.night_id, night.attempt, state, step.get("rows_in"),
                step.get("rows_rejected"), step.get("note"),
            ),
        )  # fmt: skip
    return night


def test_a_lead_in_two_versions_at_once_makes_the_source_missing(
    warehouse: str, night: Night, raw: Connection
) -> None:
    add(raw, "leads", "told twice", night.as_of - HOUR)
    add(raw, "leads", "told twice", night.as_of - HOUR)
    add(raw, "leads", "told anew", night.as_of - HOUR, until=night.known_at - DAY)
    add(raw, "leads", "told anew", night.as_of - HOUR, known=night.known_at - DAY)
    recorded = arrived(warehouse, night)
    assert recorded.figures["leads_are_told_once"] == (2, 1)
    assert recorded.keys["leads_are_told_once"] == ["crm:told twice"]
    assert recorded.reasons["leads_are_told_once"] == [
        ("duplicate", "it is known in two versions at once")
    ]
    assert mark_late(warehouse, night, recorded.outcomes) == ["exports"]
    assert spans(warehouse) == [("exports", None, night.known_at)]


@pytest.mark.parametrize(
    ("leads", "lost", "state", "keys"),
    [(125, 25, "passed", 25), (125, 26, "failed", 26), (30, 24, "passed", 0)],
    ids=["a fifth", "more than a fifth", "somebody tidied up"],
)
def test_a_source_that_lost_more_than_a_fifth_of_its_leads_is_missing_since_it_was_read(
    warehouse: str, raw: Connection, leads: int, lost: int, state: str, keys: int
) -> None:
    before, now = AS_OF - DAY, AS_OF
    read(warehouse, before - DAY)
    read(warehouse, before)
    read(warehouse, now - HOUR, state="failed")
    night = read(warehouse, now)
    add(raw, "leads", "new tonight", now - HOUR, known=now)
    # gone long ago, and told so again
    add(raw, "leads", "long gone", LONG_AGO)
    for known in (LONG_AGO, now):
        delete(raw, "long gone", known=known)
    for number in range(leads - 1):
        add(raw, "leads", str(number), LONG_AGO)
        if number < lost:
            delete(raw, str(number), known=now)
    recorded = arrived(warehouse, night)
    assert recorded.states["leads_are_not_lost"] == state
    assert recorded.figures["leads_are_not_lost"] == (leads, keys)
    assert recorded.keys["leads_are_not_lost"] == sorted(f"crm:{n}" for n in range(keys))
    if state == "failed":
        assert mark_late(warehouse, night, recorded.outcomes) == ["exports"]
        assert spans(warehouse) == [("exports", before, now)]


def delete(raw: Connection, lead_id: str, *, known: datetime) -> None:
    """Tell that a lead is gone."""
    tell(
        raw,
        "raw_csv_export.deletions",
        lead_id=lead_id,
        deleted_at=known,
        _record_key=lead_id,
        _known_from=known,
    )


def test_what_was_gone_when_a_source_is_first_read_is_not_lost(
    warehouse: str, night: Night, raw: Connection
) -> None:
    for number in range(60):
        add(raw, "leads", str(number), night.as_of - HOUR)
        delete(raw, str(number), known=night.known_at)
    add(raw, "leads", "live", night.as_of - HOUR)
    recorded = arrived(warehouse, night)
    assert recorded.states["leads_are_not_lost"] == "passed"
    assert recorded.figures["leads_are_not_lost"] == (1, 0)


@pytest.mark.parametrize(
    ("today", "usual", "state"),
    [(7, 21, "passed"), (6, 21, "failed"), (0, 19, "passed")],
    ids=["a third", "less than a third", "too quiet a day to tell"],
)
def test_a_day_is_compared_with_that_day_of_other_weeks(
    warehouse: str, night: Night, raw: Connection, today: int, usual: int, state: str
) -> None:
    add(raw, "leads", "a", night.as_of - HOUR)
    # both ends of the day [start, end)
    start = night.as_of - DAY
    for moves, day in [
        (today, start),
        *[(usual, start - weeks * 7 * DAY) for weeks in range(1, 9)],
    ]:
        for number in range(moves):
            add(raw, "stage_changes", "a", day if number else day + DAY - SECOND)
    # any other day of the week is busier
    for number in range(60):
        add(raw, "stage_changes", "a", start - DAY + number * SECOND)
    recorded = arrived(warehouse, night)
    assert recorded.states["volume_of_the_day"] == state
    assert recorded.stopped is None


@pytest.mark.parametrize(
    ("rows_in", "rejected", "state"),
    [(100, 1, "passed"), (100, 2, "failed"), (0, 0, "skipped")],
)
def test_one_row_in_a_hundred_may_be_unreadable(
    warehouse: str, raw: Connection, rows_in: int, rejected: int, state: str
) -> None:
    night = read(warehouse, AS_OF, rows_in=rows_in, rows_rejected=rejected)
    recorded = arrived(warehouse, night)
    assert recorded.states["rows_are_readable"] == state
    assert recorded.observed["rows_are_readable"] == (
        None if rows_in else "exports brought nothing new tonight"
    )


def test_what_a_source_need_not_have_is_skipped_and_said(
    warehouse: str, night: Night, raw: Connection
) -> None:
    add(raw, "leads", "a", night.as_of - HOUR)
    recorded = arrived(warehouse, night)
    assert recorded.states["spend_is_not_negative"] == "skipped"
    assert recorded.observed["spend_is_not_negative"] == "exports has told no spend yet"
    assert recorded.figures["spend_is_not_negative"] == (0, 0)
    assert recorded.states["leads_are_known"] == "skipped"


@pytest.mark.parametrize(("without", "state"), [(1, "passed"), (2, "failed")])
def test_one_lead_in_five_may_have_no_address(
    warehouse: str, night: Night, raw: Connection, without: int, state: str
) -> None:
    for number in range(5):
        address = " " if number < without else "somebody@example.com"
        tell(raw, "raw_csv_export.leads", lead_id=str(number), email=address)
    recorded = arrived(warehouse, night)
    assert recorded.states["leads_have_an_address"] == state
    assert recorded.figures["leads_have_an_address"] == (5, without)


FUTURE, OLD = AS_OF + DAY + SECOND, datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
LATEST, FIRST = AS_OF + DAY, datetime(2000, 1, 1, tzinfo=UTC)

# of each kind of source: rows that are sound, to the edge, and rows that are not, with the check
# that has to name them
Rows = dict[str, list[dict[str, Any]]]
SOUND: dict[str, Rows] = {
    "csv_export": {
        "owners": [{"owner_id": "o"}],
        "campaigns": [{"campaign_id": "c"}],
        "leads": [
            {"lead_id": "a", "email": "a@example.com", "score": 0, "owner_id": "o",
             "created_at": FIRST},
            {"lead_id": "b", "email": "b@example.com", "created_on": AS_OF.date()},
            {"lead_id": "merged", "email": "c@example.com", "_known_until": AS_OF - DAY},
        ],
        "stage_changes": [{"lead_id": "a", "stage": "MQL", "occurred_at": LATEST}],
        "touches": [{"touch_id": "t", "lead_id": "merged", "kind": "call", "occurred_at": FIRST}],
        "opportunities": [{"opportunity_id": "d", "lead_id": "merged", "status": "won", "amount": 0,
                           "opened_at": LATEST, "owner_id": "o"}],
        "spend": [{"campaign_id": "c", "spent": AS_OF.date(), "amount": 0}],
    },
    "hubspot": {
        "owners": [{"owner_id": "o"}],
        "campaigns": [{"campaign_id": "c"}],
        "contacts": [{"contact_id": "a", "email": "a@example.com", "score": 0, "owner_id": "o",
                      "created_at": FIRST}],
        "property_history": [
            {"kind": "contacts", "record_id": "a", "property": "lifecycle_stage",
             "changed_at": LATEST},
            {"kind": "deals", "record_id": "d", "property": "stage", "changed_at": FUTURE},
        ],
        "engagements": [{"engagement_id": "e", "kind": "calls", "created_at": LATEST,
                         "happened_at": FUTURE}],
        "deals": [{"deal_id": "d", "amount": 0, "contact_ids": '["a"]', "owner_id": "o",
                   "created_at": FIRST},
                  {"deal_id": "e", "contact_ids": "[]", "created_at": FIRST}],
        "spend": [{"campaign_id": "c", "item_id": "i", "amount": 0}],
        "properties": [{"kind": "contacts", "name": "sound", "type": "string", "is_read": True}],
    },
    "marketo": {
        "programs": [{"program_id": "p"}],
        "leads": [{"lead_id": "a", "email": "a@example.com", "score": 0, "created_at": FIRST}],
        "activities": [{"activity_id": "x", "lead_id": "a", "type_id": 1, "happened_at": LATEST}],
        "spend": [{"program_id": "p", "month": AS_OF.date(), "amount": 0}],
        "fields": [{"name": "sound", "type": "string", "is_read": True}],
    },
    "salesforce": {
        "users": [{"user_id": "005"}],
        "accounts": [{"account_id": "001"}],
        "campaigns": [{"campaign_id": "c"}],
        "leads": [
            {"lead_id": "00Q", "email": "a@example.com", "score": 0, "owner_id": "005",
             "created_at": FIRST},
            {"lead_id": "queued", "email": "b@example.com", "owner_id": "00GQueue",
             "created_at": LATEST},
        ],
        "contacts": [{"contact_id": "003", "account_id": "001", "created_at": FIRST}],
        "field_history": [{"history_id": "h", "object": "Lead", "record_id": "00Q",
                           "field": "status", "changed_at": LATEST}],
        "tasks": [{"task_id": "t", "owner_id": "005", "created_at": LATEST}],
        "opportunities": [{"opportunity_id": "006", "account_id": "001", "owner_id": "005",
                           "amount": 0, "created_at": FIRST}],
        "opportunity_contact_roles": [{"role_id": "r", "contact_id": "003"}],
        "campaign_spend": [{"spend_id": "s", "campaign_id": "c", "amount": 0}],
        "fields": [{"object": "Lead", "name": "sound", "type": "string", "is_read": True}],
    },
}  # fmt: skip
UNSOUND: dict[str, list[tuple[str, str, dict[str, Any], str]]] = {
    "csv_export": [
        ("scores_are_not_negative", "leads", {"lead_id": "x", "score": -1}, "crm:x"),
        ("leads_bear_sound_times", "leads", {"lead_id": "x", "created_at": OLD}, "crm:x"),
        ("owners_of_leads_are_known", "leads", {"lead_id": "x", "owner_id": "?"}, "crm:x"),
        ("changes_bear_sound_times", "stage_changes",
         {"lead_id": "a", "stage": "SQL", "occurred_at": FUTURE}, "crm:a"),
        ("touches_bear_sound_times", "touches",
         {"touch_id": "x", "lead_id": "a", "kind": "call", "occurred_at": OLD}, "crm:touches:x"),
        ("leads_of_touches_are_known", "touches",
         {"touch_id": "x", "lead_id": "?", "kind": "call"}, "crm:touches:x"),
        ("deals_are_not_negative", "opportunities",
         {"opportunity_id": "x", "lead_id": "a", "status": "won", "amount": -1},
         "crm:opportunities:x"),
        ("deals_bear_sound_times", "opportunities",
         {"opportunity_id": "x", "lead_id": "a", "status": "won", "opened_at": FUTURE},
         "crm:opportunities:x"),
        ("leads_of_deals_are_known", "opportunities",
         {"opportunity_id": "x", "lead_id": "?", "status": "won"}, "crm:opportunities:x"),
        ("owners_of_deals_are_known", "opportunities",
         {"opportunity_id": "x", "lead_id": "a", "status": "won", "owner_id": "?"},
         "crm:opportunities:x"),
        ("spend_is_not_negative", "spend",
         {"campaign_id": "c", "spent": AS_OF.date(), "amount": -1}, "crm:spend:c"),
        ("campaigns_of_spend_are_known", "spend",
         {"campaign_id": "?", "spent": AS_OF.date(), "amount": 1}, "crm:spend:?"),
    ],
    "hubspot": [
        ("scores_are_not_negative", "contacts", {"contact_id": "x", "score": -1}, "crm:x"),
        ("leads_bear_sound_times", "contacts", {"contact_id": "x", "created_at": FUTURE}, "crm:x"),
        ("owners_of_leads_are_known", "contacts", {"contact_id": "x", "owner_id": "?"}, "crm:x"),
        ("changes_bear_sound_times", "property_history",
         {"kind": "contacts", "record_id": "a", "property": "score", "changed_at": OLD}, "crm:a"),
        ("touches_bear_sound_times", "engagements",
         {"engagement_id": "x", "kind": "calls", "created_at": OLD}, "crm:engagements:x"),
        ("owners_of_touches_are_known", "engagements",
         {"engagement_id": "x", "kind": "calls", "owner_id": "?"}, "crm:engagements:x"),
        ("deals_are_not_negative", "deals", {"deal_id": "x", "amount": -1}, "crm:deals:x"),
        ("deals_bear_sound_times", "deals", {"deal_id": "x", "created_at": OLD}, "crm:deals:x"),
        ("leads_of_deals_are_known", "deals", {"deal_id": "x", "contact_ids": '["?"]'},
         "crm:deals:x"),
        ("owners_of_deals_are_known", "deals", {"deal_id": "x", "owner_id": "?"}, "crm:deals:x"),
        ("spend_is_not_negative", "spend",
         {"campaign_id": "c", "item_id": "x", "amount": -1}, "crm:spend:x"),
        ("campaigns_of_spend_are_known", "spend",
         {"campaign_id": "?", "item_id": "x"}, "crm:spend:x"),
    ],
    "marketo": [
        ("scores_are_not_negative", "leads", {"lead_id": "x", "score": -1}, "crm:x"),
        ("leads_bear_sound_times", "leads", {"lead_id": "x", "created_at": FUTURE}, "crm:x"),
        ("changes_bear_sound_times", "activities",
         {"activity_id": "y", "lead_id": "a", "type_id": 1, "happened_at": OLD},
         "crm:activities:y"),
        ("spend_is_not_negative", "spend",
         {"program_id": "p", "month": AS_OF.date(), "amount": -1}, "crm:spend:p"),
        ("campaigns_of_spend_are_known", "spend",
         {"program_id": "?", "month": AS_OF.date()}, "crm:spend:?"),
    ],
    "salesforce": [
        ("scores_are_not_negative", "leads", {"lead_id": "x", "score": -1}, "crm:x"),
        ("leads_bear_sound_times", "leads", {"lead_id": "x", "created_at": FUTURE}, "crm:x"),
        ("owners_of_leads_are_known", "leads", {"lead_id": "x", "owner_id": "?"}, "crm:x"),
        ("contacts_bear_sound_times", "contacts", {"contact_id": "x", "created_at": OLD}, "crm:x"),
        ("accounts_of_contacts_are_known", "contacts", {"contact_id": "x", "account_id": "?"},
         "crm:x"),
        ("changes_bear_sound_times", "field_history",
         {"history_id": "x", "object": "Lead", "record_id": "00Q", "field": "status",
          "changed_at": FUTURE}, "crm:00Q"),
        ("touches_bear_sound_times", "tasks", {"task_id": "x", "created_at": OLD}, "crm:tasks:x"),
        ("owners_of_touches_are_known", "tasks", {"task_id": "x", "owner_id": "?"}, "crm:tasks:x"),
        ("deals_are_not_negative", "opportunities", {"opportunity_id": "x", "amount": -1},
         "crm:opportunities:x"),
        ("deals_bear_sound_times", "opportunities", {"opportunity_id": "x", "created_at": OLD},
         "crm:opportunities:x"),
        ("accounts_of_deals_are_known", "opportunities",
         {"opportunity_id": "x", "account_id": "?"}, "crm:opportunities:x"),
        ("owners_of_deals_are_known", "opportunities", {"opportunity_id": "x", "owner_id": "?"},
         "crm:opportunities:x"),
        ("leads_of_deals_are_known", "opportunity_contact_roles",
         {"role_id": "x", "contact_id": "?"}, "crm:opportunity_contact_roles:x"),
        ("spend_is_not_negative", "campaign_spend", {"spend_id": "x", "amount": -1},
         "crm:campaign_spend:x"),
        ("campaigns_of_spend_are_known", "campaign_spend", {"spend_id": "x", "campaign_id": "?"},
         "crm:campaign_spend:x"),
    ],
}  # fmt: skip
# judged by other tests
ELSEWHERE = {
    "leads_arrived", "fresh", "leads_are_told_once", "leads_are_not_lost", "volume",
    "volume_of_the_day", "leads_are_known", "leads_have_an_address", "rows_are_readable",
    "fields_stay_as_they_were",
}  # fmt: skip


@pytest.mark.parametrize("kind", list(SOUND))
def test_what_is_wrong_with_a_row_is_told_and_nothing_else_is(
    warehouse: str, night: Night, raw: Connection, kind: SourceKind
) -> None:
    built = suites("exports", night, kind=kind, system="crm", fresh_within_hours=36)
    # another system of the kind is none of its business
    for system in ("crm", "another"):
        for table, rows in SOUND[kind].items():
            for row in rows:
                tell(raw, f"raw_{kind}.{table}", **{"system": system, **row})
    sound = check(warehouse, night, built)
    judged = {one.name for suite in built for one in suite.checks} - ELSEWHERE
    assert {name: sound.keys[name] for name in judged} == {name: [] for name in judged}
    assert {sound.states[name] for name in judged} == {"passed"}

    assert {name for name, *_ in UNSOUND[kind]} == judged
    for _, table, row, _ in UNSOUND[kind]:
        for system in ("crm", "another"):
            tell(raw, f"raw_{kind}.{table}", system=system, **row)
    unsound = check(warehouse, night, built)
    assert unsound.stopped is None
    for name, _, _, key in UNSOUND[kind]:
        assert set(unsound.keys[name]) == {key}, name


@pytest.mark.parametrize("kind", ["hubspot", "salesforce", "marketo"])
def test_a_field_that_the_loader_saw_go_or_change_is_told(
    warehouse: str, raw: Connection, kind: SourceKind
) -> None:
    of, records = {
        "hubspot": ({"kind": "contacts"}, "HubSpot contacts"),
        "salesforce": ({"object": "Lead"}, "Salesforce Lead"),
        "marketo": ({}, "Marketo leads"),
    }[kind]
    decision = decide(
        records,
        [VendorField("was a text", "number"), VendorField("new", "text", is_own=True)],
        columns={"score": "was a text"},
        never=(),
        known={"was a text": "text", "gone": "text"},
    )
    night = read(warehouse, AS_OF, note="; ".join(["merged 3", *decision.notes, "2 vanished"]))
    table = "properties" if kind == "hubspot" else "fields"
    for name in ("was a text", "gone", "new", "untouched"):
        tell(raw, f"raw_{kind}.{table}", name=name, is_read=True, **of)
    tell(raw, f"raw_{kind}.{table}", name="gone", is_read=False, system="another", **of)
    built = suites("exports", night, kind=kind, system="crm", fresh_within_hours=36)
    recorded = check(warehouse, night, built)
    assert recorded.figures["fields_stay_as_they_were"] == (4, 2)
    assert [key.split(".")[-1] for key in recorded.keys["fields_stay_as_they_were"]] == [
        "gone",
        "was a text",
    ]
    assert [one for one, _ in recorded.reasons["fields_stay_as_they_were"]] == ["gone", "changed"]
    assert recorded.stopped is None
