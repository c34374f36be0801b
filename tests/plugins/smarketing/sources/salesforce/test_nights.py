"""Nights into a warehouse: what landed, what happened between two, and what changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from smarketing.sources.api.streams import Extracted

from tests.plugins.smarketing.sources.salesforce.conftest import (
    BY_JOB,
    COMPANY,
    ENDS,
    Open,
    Told,
    Warehouse,
)

Once = tuple[Warehouse, Extracted]
# between them leads are merged, contacts merged, and people deleted for good
NIGHTS = [datetime(2026, 11, day, 2, tzinfo=UTC) for day in (9, 11, 14, 16, 20)]
NO_FORMULA: dict[str, Any] = {"never": ("Days_Open__c",)}


def test_all_that_is_counted_is_held(read_once: Once) -> None:
    _, extracted = read_once
    assert extracted.note == ""
    assert extracted.rows_rejected == 0
    assert {count.records for count in extracted.counts} == {
        "users", "leads", "contacts", "accounts", "opportunities", "tasks", "events", "campaigns",
        "campaign_members", "campaign_spend", "opportunity_contact_roles",
    }  # fmt: skip
    assert all(count.held == count.at_vendor > 0 for count in extracted.counts)


def test_a_night_that_is_run_again_changes_nothing(read_once: Once) -> None:
    warehouse, _ = read_once
    before = warehouse.loaded()
    again = warehouse.extract()
    assert again.rows_loaded == 0
    assert again.note == ""
    assert warehouse.loaded() == before


@pytest.mark.parametrize("how", [{}, {"bulk_from": 50}])
def test_five_nights_leave_what_one_leaves(open_org: Open, how: dict[str, Any]) -> None:
    org = open_org(COMPANY)
    told = Told()
    for night in NIGHTS:
        org.clock.set(night)
        org.read(into=told, known_at=night, **how, **NO_FORMULA)
    once = org.read(known_at=ENDS, **NO_FORMULA)
    for table, versions in once.versions.items():
        # what was deleted between the nights is kept; all else is equal
        assert versions.items() <= told.versions[table].items(), table
    kept = told.ids() - once.ids()
    gone = {row["record_id"] for row in told.rows["deletions"].values()}
    hard = {row.id for row in org.vendor._org.rows("Lead") if row.is_hard_deleted}
    assert kept <= gone | hard
    assert kept


def test_what_happens_between_two_nights(second_night: Warehouse) -> None:
    """Merged, converted, deleted, purged, restored, created, and forgotten."""
    org = second_night.org
    rows = org.rows("Lead")
    open_leads = [row for row in rows if not row.value("IsConverted", org.now)]
    loser, winner, deleted, purged, converted, changed = open_leads[:6]
    contact = org.rows("Contact")[0]
    org.clock.set(ENDS + timedelta(hours=2))
    org.merge(loser, winner)
    org.save(winner, Phone="of the winner")
    org.delete(deleted)
    org.delete(purged, is_hard=True)
    org.save(converted, IsConverted=True, ConvertedContactId=contact.id, ConvertedDate="2026-11-20")
    org.save(changed, Email="new@example.com")
    org.happen("import", count=3)

    night = second_night.night(1)
    assert night.note == ""
    leads = second_night.records("leads", "lead_id")
    assert leads[winner.id]["phone"] == "of the winner"
    assert leads[converted.id]["is_converted"]
    assert leads[converted.id]["converted_contact_id"] == contact.id
    assert leads[changed.id]["email"] == "new@example.com"
    assert len(leads) == len(rows) + 3
    merged = second_night.present("surviving_id", "merges", f"merged_id = '{loser.id}'")
    assert merged == [(winner.id,)]
    for row in (loser, deleted, purged):
        [(how, at)] = second_night.present(
            "how, deleted_at", "deletions", f"record_id = '{row.id}'"
        )
        assert (how, at) == ("deleted", ENDS + timedelta(hours=2))
    versions = second_night.rows(
        "select _known_from, _known_until from raw_salesforce.leads where lead_id = %s order by 1",
        changed.id,
    )
    assert versions == [(ENDS, ENDS + timedelta(days=1)), (ENDS + timedelta(days=1), None)]

    # back from the bin, with a new stamp; and gone without any trace but the count
    vanished = org.rows("Lead")[-1]
    org.clock.set(ENDS + timedelta(days=1, hours=2))
    org.restore(deleted)
    del org.vendor._org._rows["Lead"][vanished.id]
    org.vendor._org._unsorted.add("Lead")
    night = second_night.night(2)
    assert night.note == ""
    assert second_night.present("how", "deletions", f"record_id = '{deleted.id}'") == []
    [(how, at)] = second_night.present(
        "how, deleted_at", "deletions", f"record_id = '{vanished.id}'"
    )
    assert (how, at) == ("vanished", ENDS + timedelta(days=2))

    # a night older than what is known is not loaded
    assert "already read as of a later night" in second_night.night(1).note


def test_deletions_before_the_bin_forgot_them_are_found_by_ids(second_night: Warehouse) -> None:
    org = second_night.org
    gone, *_ = org.rows("Task")
    org.clock.set(ENDS + timedelta(hours=1))
    org.delete(gone, is_hard=True)
    org.happen("late_commit", seconds=8_000)
    night = second_night.night(40)
    assert "ids are compared" in night.note
    assert "held" not in night.note
    [(how,)] = second_night.present("how", "deletions", f"record_id = '{gone.id}'")
    assert how == "vanished"
    assert len(second_night.records("leads", "lead_id")) == len(org.rows("Lead"))


def test_a_record_that_no_reading_told_is_read_by_its_id(second_night: Warehouse) -> None:
    """It was saved so long that its stamp is far below the cursor."""
    org = second_night.org
    org.clock.set(ENDS + timedelta(hours=5))
    org.happen("late_commit", seconds=20_000)
    late = next(row for row in org.rows("Lead") if row.born < ENDS.timestamp() and
                row.versions[0].committed > ENDS.timestamp())  # fmt: skip
    night = second_night.night(1, **NO_FORMULA)
    assert night.note.count("held") == 0
    assert late.id in second_night.records("leads", "lead_id")


def test_values_that_cannot_be_stored_are_kept_aside(second_night: Warehouse) -> None:
    org = second_night.org
    org.clock.set(ENDS + timedelta(hours=1))
    row = org.rows("Lead")[0]
    org.save(row, Phone="NUL\0", Company="kept")
    night = second_night.night(1, **BY_JOB)
    assert night.rows_rejected == 1
    assert second_night.records("leads", "lead_id")[row.id]["company"] == "kept"
    [(entity, column, value, record)] = second_night.rows(
        "select entity, column_name, value, file from ops.rejected_rows"
    )
    assert (entity, column, value) == ("leads", "phone", r"NUL\x00")
    assert orjson.loads(record) == ["salesforce", row.id]
