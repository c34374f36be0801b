"""Night after night: what changed, what vanished, what came back; and nights that go wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from smarketing.sources.errors import SourceError, UnreachableError

from tests.plugins.smarketing.sources.hubspot.conftest import CONTACTS, ENDS, Account, Rows

# what HubSpot itself keeps the whole history of
KEPT = ("property_history", "engagements", "merges", "email_events", "form_submissions", "deals")


def test_a_repeated_night_changes_nothing(account: Account, clean: Rows) -> None:
    account.extract()
    again = account.extract()
    assert (again.rows_loaded, again.note) == (0, "")
    assert account.loaded() == clean


@pytest.mark.parametrize(
    "days", [(-40, -3, 0), pytest.param((-4, -3, -2, -1, 0), marks=pytest.mark.slow)]
)
def test_nights_add_up_to_what_one_reads_at_the_end(
    account: Account, clean: Rows, days: tuple[int, ...]
) -> None:
    for day in days:
        extracted = account.night(day)
        assert extracted.note == ""
    found = account.loaded(is_present=True)
    for table in KEPT:
        keys = [row[:-3] for row in clean[table]]
        # who was merged or erased since is told no more
        told = [row[:-1] for row in found[table]]
        assert set(keys) <= set(told), table
    contacts = {row[1] for row in found["contacts"]}
    gone = {row[2] for row in found["deletions"]} | {row[2] for row in found["merges"]}
    assert contacts - gone == {row[1] for row in clean["contacts"]}


def test_an_older_night_after_a_newer_loads_nothing_and_says_so(account: Account) -> None:
    account.night(0)
    before = account.loaded()
    extracted = account.night(-1)
    assert "already read as of a later night, 2026-11-20T02:00:00+00:00" in extracted.note
    assert account.loaded() == before
    # what a killed load left is enough
    account.run("delete from raw_hubspot._dlt_pipeline_state")
    assert "later night" in account.night(-1).note
    assert account.loaded() == before


def state(account: Account, **cursors: Any) -> None:
    """Write cursors into the state that the warehouse holds."""
    from dlt.common.versioned_state import compress_state, decompress_state

    [(packed,)] = account.rows(
        "select state from raw_hubspot._dlt_pipeline_state order by version desc limit 1"
    )
    whole: Any = decompress_state(packed)
    whole["sources"]["raw_hubspot"]["streams"].update(cursors)
    account.run("update raw_hubspot._dlt_pipeline_state set state = %s", compress_state(whole))


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param("garbage", id="no cursor", marks=pytest.mark.slow),
        pytest.param({"since": "yesterday"}, id="no instant"),
        pytest.param({"since": 7}, id="a number"),
        pytest.param({"since": "2026-11-19T02:00:00"}, id="no zone"),
        pytest.param({"since": "2029-11-19T02:00:00+00:00"}, id="the future"),
        pytest.param({"begun": "2026-11-19T02:00:00+00:00", "after": "xyz"}, id="no id"),
    ],
)
def test_a_cursor_that_says_nothing_begins_anew(
    account: Account, cursor: Any, read_once: tuple[Account, Any], request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.id not in ("no cursor", "the future"):
        # the others are the same code: by the stream alone
        from smarketing.sources.api.streams import _pages
        from smarketing.sources.hubspot import Settings, open_source

        once, _ = read_once
        settings = Settings(**once.settings)
        with open_source(settings, once.connection, ENDS, sleep=once.sleep) as source:
            stream = next(one for one in source.streams() if one.name == "contacts")
            pages = list(_pages(stream, cursor or {}))
        assert bool([note for page in pages for note in page.notes]) == bool(cursor)
        assert pages[-1].cursor["since"] == ENDS.isoformat()
        assert sum(len(page.rows.get("contacts", ())) for page in pages) > 60
        return
    account.extract()
    state(account, contacts=cursor, email_events=cursor, form_submissions=cursor, deals=cursor)
    account.happen("change", kind="contacts", record=account.ids()[0], name="phone", value="+9")
    extracted = account.extract(ENDS + timedelta(minutes=1))
    assert "contacts: read from the beginning" in extracted.note
    assert len(account.present("contact_id", "contacts", "phone = '+9'")) == 1


def test_another_mapping_reads_all_anew(account: Account) -> None:
    account.extract(contacts={"phone": "phone"})
    assert set(account.present("company", "contacts")) == {(None,)}
    extracted = account.extract(contacts={"company": "company"})
    assert "the mapping is another" in extracted.note
    assert None not in {name for (name,) in account.present("company", "contacts")}


def test_what_is_deleted_erased_and_restored_between_nights(account: Account) -> None:
    archived, erased, later = account.ids()[:3]
    [call] = account.ids("calls")[:1]
    account.night(0)
    before = set(account.present("kind, record_id", "deletions"))
    account.clock.advance(3600)
    account.call("DELETE", f"{CONTACTS}/{archived}")
    account.call("POST", f"{CONTACTS}/gdpr-delete", json={"objectId": erased})
    account.call("DELETE", f"/crm/v3/objects/calls/{call}")
    extracted = account.night(1)
    gone = set(account.present("kind, record_id, how", "deletions"))
    assert {row for row in gone if row[:2] not in before} == {
        ("contacts", archived, "archived"),
        ("contacts", erased, "vanished"),
        ("calls", call, "archived"),
    }
    assert all(count.held == count.at_vendor for count in extracted.counts)
    # nothing is looked for again once it is known
    assert account.night(2).rows_loaded == 0

    account.clock.advance(3600)
    account.happen("restore", kind="contacts", record=archived)
    # and another one goes: the counts are as they were
    account.call("POST", f"{CONTACTS}/gdpr-delete", json={"objectId": later})
    extracted = account.night(3)
    gone = set(account.present("kind, record_id, how", "deletions"))
    assert ("contacts", archived, "archived") not in gone
    assert ("contacts", later, "vanished") in gone
    assert all(count.held == count.at_vendor for count in extracted.counts)
    assert account.rows(
        "select how, _known_from, _known_until from raw_hubspot.deletions where record_id = %s",
        archived,
    ) == [("archived", ENDS + timedelta(days=1), ENDS + timedelta(days=3))]
    # gone again
    account.clock.advance(3600)
    account.call("DELETE", f"{CONTACTS}/{archived}")
    account.night(4)
    assert ("contacts", archived, "archived") in set(
        account.present("kind, record_id, how", "deletions")
    )


def test_money_that_is_no_longer_told_was_not_spent(account: Account) -> None:
    account.night(0)
    spend = account.hubspot._content.spend
    campaign = next(iter(spend))
    before = account.rows("select count(*) from raw_hubspot.spend where _known_until is null")[0][0]
    spend[campaign].pop(0)
    assert account.night(1).rows_loaded == 0
    assert len(account.present("item_id", "spend")) == before - 1


@pytest.mark.parametrize("path", ["/contacts", pytest.param("/calls", marks=pytest.mark.slow)])
def test_what_a_page_leaves_out_is_found_by_its_count(
    account: Account, clean: Rows, path: str
) -> None:
    account.order("missing", path=f"/objects/2026-09{path}", every=2, times=1)
    extracted = account.extract()
    assert all(count.held == count.at_vendor for count in extracted.counts)
    assert extracted.note == ""
    loaded = account.loaded()
    assert {row[0] for row in loaded["contacts"]} == {row[0] for row in clean["contacts"]}
    assert loaded["engagements"] == clean["engagements"]


def test_a_new_property_is_read_and_reported_and_a_new_type_is_reported(account: Account) -> None:
    account.night(0)
    one = account.ids()[0]
    account.clock.advance(3600)
    account.happen("new_property", kind="contacts", name="shoe_size", value_type="number")
    account.happen("retype_property", kind="contacts", name="lead_score", value_type="string")
    account.happen("change", kind="contacts", record=one, name="shoe_size", value="43")
    account.happen("change", kind="contacts", record=one, name="lead_score", value="very\x00 high")
    extracted = account.night(1)
    assert "HubSpot contacts: new field shoe_size (number), read from now on" in extracted.note
    assert "lead_score was number and is string now" in extracted.note
    assert extracted.rows_rejected == 2
    [(custom, score)] = account.present("custom, score", "contacts", f"contact_id = '{one}'")
    assert '"shoe_size":"43"' in custom
    assert score is None
    rejected = account.rows("select entity, column_name, value, reason from ops.rejected_rows")
    assert set(rejected) == {
        ("contacts", "score", r"very\x00 high", "the value is left out"),
        ("property_history", "value", r"very\x00 high", "the value is left out"),
    }


def test_a_mapped_property_that_vanished_stops_its_stream_only(account: Account) -> None:
    account.night(0)
    account.clock.advance(3600)
    account.happen("drop_property", kind="contacts", name="lead_score")
    call = account.ids("calls")[0]
    account.happen("change", kind="calls", record=call, name="hubspot_owner_id", value="7")
    with pytest.raises(SourceError) as stopped:
        account.night(1)
    [message] = stopped.value.faults
    assert message == (
        "HubSpot contacts: there is no field lead_score, which fills our score. Correct the "
        "mapping, or bring the field back; until then nothing new is read here."
    )
    assert account.present("owner_id", "engagements", f"engagement_id = '{call}'") == [("7",)]


def test_what_is_sensitive_is_never_asked_for(account: Account) -> None:
    for name in ("diagnosis", "salary", "shoe_size"):
        sensitivity = "highly_sensitive" if name == "diagnosis" else "non_sensitive"
        account.happen("new_property", kind="contacts", name=name, sensitivity=sensitivity)
    account.extract(never=("salary",), history=("shoe_size",))
    asked = " ".join(call.wish for call in account.recorder.calls)
    assert "shoe_size" in asked
    assert "diagnosis" not in asked
    assert "salary" not in asked
    with pytest.raises(SourceError) as stopped:
        account.extract(history=("diagnosis", "salary"), never=("salary",))
    assert len(stopped.value.faults[0].split("is sensitive and is never asked for")) == 3
    asked = " ".join(call.wish for call in account.recorder.calls)
    assert "diagnosis" not in asked


def test_a_vendor_that_is_not_well_keeps_what_was_read(account: Account, clean: Rows) -> None:
    account.order("status", status=503, path="/emails")
    with pytest.raises(UnreachableError, match="status 503"):
        account.extract()
    assert len(account.present("contact_id", "contacts")) == len(clean["contacts"])
    account.simulator.faults.clear()
    account.recorder.calls.clear()
    account.extract()
    assert account.loaded() == clean
    # the contacts were not read again
    contacts = [call for call in account.recorder.calls if call.path == CONTACTS]
    assert not [call for call in contacts if "propertiesWithHistory" in call.wish]


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500, "every": 7},
    "429": {"kind": "status", "status": 429, "every": 6},
    "cut": {"kind": "cut", "every": 9},
    "truncate": {"kind": "truncate", "every": 8},
    "slow": {"kind": "slow", "every": 20, "seconds": 90, "times": 2},
    "duplicate": {"kind": "duplicate", "every": 2, "path": "/objects/"},
}


@pytest.mark.parametrize(
    "name",
    [
        "429",
        "truncate",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in sorted(FAULTS.keys() - {"429", "truncate"})
        ),
    ],
)
def test_faults_change_no_row(account: Account, clean: Rows, name: str) -> None:
    account.order(**FAULTS[name])
    account.extract()
    account.simulator.faults.clear()
    assert account.loaded() == clean


def test_no_more_calls_today_stops_at_once(throttled: Account) -> None:
    throttled.happen("quota")
    with pytest.raises(SourceError) as stopped:
        throttled.extract()
    [message] = stopped.value.faults
    assert "daily limit" in message
    assert "midnight" in message
    refused = [call for call in throttled.recorder.calls if call.status == 429]
    # one of each reader, and what they had begun meanwhile
    assert len(refused) < 15
    assert not throttled.slept
