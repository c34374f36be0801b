"""Each pitfall that has cost somebody else data, by its number in the issues of other tools.

H9, members of lists that leave no trace on the record, is none of ours: no list is read.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from smarketing.sources.hubspot import api

from tests.plugins.smarketing.sources.hubspot.conftest import (
    CONTACTS,
    ENDS,
    MAPPED,
    Account,
    Rows,
)


def test_h1_a_change_that_the_index_had_not_seen_is_read_the_next_night(account: Account) -> None:
    account.night(0)
    one = account.ids()[0]
    account.clock.set(ENDS + timedelta(days=1, seconds=-2))
    account.happen("change", kind="contacts", record=one, name="phone", value="+34 1")
    account.night(1)
    assert account.present("phone", "contacts", f"contact_id = '{one}'") != [("+34 1",)]
    account.night(2)
    assert account.present("phone", "contacts", f"contact_id = '{one}'") == [("+34 1",)]


@pytest.mark.parametrize("count", [450, pytest.param(10_250, marks=pytest.mark.slow)])
def test_h2_any_number_of_equal_timestamps_is_got_past(account: Account, count: int) -> None:
    account.night(0)
    account.clock.advance(3600)
    account.happen("import", count=count)
    before = len(account.present("contact_id", "contacts"))
    extracted = account.night(1)
    assert len(account.present("contact_id", "contacts")) == before + count
    assert extracted.note == ""
    # a search for what is next, not for a page further on
    searches = [call.wish for call in account.recorder.calls if call.path.endswith("s/search")]
    assert not [wish for wish in searches if "after" in json.loads(wish)]


def test_h3_records_that_change_between_pages_are_all_read(account: Account) -> None:
    account.night(0)
    account.clock.advance(3600)
    account.happen("import", count=450)
    # whatever a page of the search told is edited just after it
    account.order("change", path="/contacts/search")
    account.night(1)
    found = account.rows("select count(*) from raw_hubspot.contacts where company like 'Import%%'")
    assert found == [(450,)]


@pytest.mark.parametrize("kind", ["calls", pytest.param("contacts", marks=pytest.mark.slow)])
def test_h4_an_association_added_later_without_a_trace_is_read(account: Account, kind: str) -> None:
    one, table, key = account.ids(kind)[0], "contacts", "contact_id"
    to, column = ("companies", "company_ids")
    if kind == "calls":
        table, key, to, column = "engagements", "engagement_id", "contacts", "contact_ids"
    account.night(0)
    account.clock.advance(3600)
    account.happen("change", kind=kind, record=one, name="last_bulk_edit", value="2026-11-20")
    account.night(1)
    account.clock.advance(3600)
    others = [
        other
        for other in account.ids(to)
        if other not in account.present(column, table, f"{key} = '{one}'")[0][0]
    ]
    account.happen("associate", kind=kind, record=one, to=to, other=others[0])
    account.night(2)
    assert others[0] in account.present(column, table, f"{key} = '{one}'")[0][0]


def test_h5_h6_the_history_behind_a_record_without_one_is_read(account: Account) -> None:
    first, *_, last = account.ids()
    account.hubspot._account.find("contacts", int(first), 10**15).changes.clear()  # type: ignore[union-attr]
    account.extract()
    wish: dict[str, Any] = {"propertiesWithHistory": ",".join(MAPPED.values()), "limit": 50}
    told = []
    while "after" not in wish or wish["after"]:
        page = account.call("GET", CONTACTS, params=wish)
        told += page["results"]
        wish["after"] = page.get("paging", {}).get("next", {}).get("after", "")
    names = {of: column for column, of in MAPPED.items()}
    expected = {
        (record["id"], names[of], datetime.fromisoformat(entry["timestamp"]))
        for record in told
        for of, entries in record["propertiesWithHistory"].items()
        for entry in entries
    }
    found = set(account.present("record_id, property, changed_at", "property_history"))
    assert found >= expected
    assert first not in {record for record, *_ in expected}
    assert last in {record for record, *_ in expected}


def test_h5_history_that_hubspot_forgets_is_kept(account: Account) -> None:
    account.night(0)
    one = account.ids()[0]
    entries = f"kind = 'contacts' and record_id = '{one}'"
    before = account.present("changed_at, property, value", "property_history", entries)
    assert len(before) > 3
    record = account.hubspot._account.find("contacts", int(one), 10**15)
    assert record
    del record.changes[:2]
    account.clock.advance(3600)
    account.happen("change", kind="contacts", record=one, name="phone", value="+34 2")
    account.night(1)
    after = account.present("changed_at, property, value", "property_history", entries)
    assert set(before) < set(after)


def test_h7_too_many_properties_for_an_address_are_asked_for_in_a_batch(
    account: Account, clean: Rows
) -> None:
    for number in range(700):
        account.happen("new_property", kind="contacts", name=f"of_the_accounts_own_{number:03d}")
    extracted = account.extract()
    assert extracted.note == ""
    assert 414 not in {call.status for call in account.recorder.calls}
    loaded = account.loaded()
    assert {name: loaded[name] for name in loaded if name != "properties"} == {
        name: clean[name] for name in clean if name != "properties"
    }
    assert len(loaded["properties"]) == len(clean["properties"]) + 700


@pytest.mark.slow
def test_h8_more_than_ten_thousand_engagements_are_read_in_a_night(account: Account) -> None:
    account.night(0)
    account.clock.advance(3600)
    account.happen("import", count=10_100, kind="calls")
    before = len(account.present("engagement_id", "engagements"))
    account.night(1)
    assert len(account.present("engagement_id", "engagements")) == before + 10_100


def test_h10_what_the_state_does_not_say_is_read_anew_and_changes_nothing(
    account: Account, clean: Rows
) -> None:
    account.extract()
    account.run("delete from raw_hubspot._dlt_pipeline_state")
    assert account.extract().rows_loaded == 0
    assert account.loaded() == clean


def test_h11_an_old_id_that_yields_another_record_is_a_merge(account: Account) -> None:
    one, other, third = account.ids()[:3]
    account.night(0)
    account.clock.advance(3600)
    merge = {"primaryObjectId": one, "objectIdToMerge": other}
    between = account.call("POST", f"{CONTACTS}/merge", json=merge)["id"]
    merge = {"primaryObjectId": third, "objectIdToMerge": between}
    last = account.call("POST", f"{CONTACTS}/merge", json=merge)["id"]
    # HubSpot without the property that names the ids of old
    account.happen("drop_property", kind="contacts", name="hs_merged_object_ids")
    extracted = account.night(1)
    told = account.present("merged_id, surviving_id", "merges", f"surviving_id = '{last}'")
    assert set(told) == {(old, last) for old in (one, other, third)}
    assert all(count.held == count.at_vendor for count in extracted.counts)
    assert not set(account.present("record_id", "deletions")) & {(one,), (other,), (third,)}


def test_a_merge_is_known_by_all_ids_of_old(account: Account) -> None:
    one, other, third = account.ids()[:3]
    account.night(0)
    account.clock.advance(3600)
    merge = {"primaryObjectId": one, "objectIdToMerge": other}
    between = account.call("POST", f"{CONTACTS}/merge", json=merge)["id"]
    account.night(1)
    told = account.present("merged_id, surviving_id", "merges", f"surviving_id = '{between}'")
    assert set(told) == {(one, between), (other, between)}
    account.clock.advance(3600)
    merge = {"primaryObjectId": between, "objectIdToMerge": third}
    last = account.call("POST", f"{CONTACTS}/merge", json=merge)["id"]
    extracted = account.night(2)
    told = account.present("merged_id, surviving_id", "merges", f"surviving_id = '{last}'")
    assert set(told) == {(old, last) for old in (one, other, between, third)}
    assert extracted.note == ""
    assert all(count.held == count.at_vendor for count in extracted.counts)


def test_a_query_is_never_as_long_as_servers_refuse() -> None:
    assert api._LONGEST_QUERY < 8_000
