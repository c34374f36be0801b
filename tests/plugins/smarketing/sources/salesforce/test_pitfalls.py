"""What others stumbled over in Salesforce (airbyte, singer, fivetran ...), one test for each.

Each fails without its cure: the calls that it watches would be other ones, or records would lack.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from smarketing.sources.errors import UnreachableError
from smarketing.sources.salesforce import api, streams

from tests.plugins.smarketing.sources.salesforce.conftest import BY_JOB, ENDS, Open, Org

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS_OPEN = '"Days_Open__c":'


def leads(org: Org) -> set[str]:
    return {row.id for row in org.rows("Lead")}


def test_s1_a_record_that_was_saved_late_is_found_below_the_cursor(org: Org) -> None:
    told = org.read("Lead")
    org.clock.advance(60)
    org.happen("late_commit", seconds=300)
    late = leads(org) - told.ids()
    assert len(late) == 1
    org.night(1, "Lead", into=told)
    assert late <= told.ids()


@pytest.mark.parametrize("size", [2, 7])
def test_s2_more_records_in_one_second_than_a_page(
    org: Org, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = org.read("Lead")
    org.clock.advance(7_200)
    org.happen("import", count=30)
    monkeypatch.setattr(api, "_LONGEST_PAGE", size)
    org.night(1, "Lead", into=told)
    assert told.ids() == leads(org)
    assert len(org.queries("Lead")) >= 30 // size


def test_s2_a_killed_run_goes_on_within_the_second(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = org.read("Lead")
    org.clock.advance(7_200)
    org.happen("import", count=30)
    monkeypatch.setattr(api, "_LONGEST_PAGE", 10)
    org.night(1, "Lead", into=told, pages=2)
    assert told.ids() < leads(org)
    before = len(org.queries("Lead"))
    org.night(1, "Lead", into=told)
    assert told.ids() == leads(org)
    # 20 records and the end; the first page is not read again
    assert len(org.queries("Lead")) - before <= 3


def test_s3_what_is_saved_every_night_at_the_hour_of_the_reading_is_read(org: Org) -> None:
    """A window that ends before the reading begins would never see it."""
    told = org.read("Lead")
    row = org.rows("Lead")[0]
    for night in (1, 2):
        org.clock.set(ENDS + night * DAY - timedelta(seconds=1))
        org.save(row, Phone=f"night {night}")
        org.night(night, "Lead", into=told)
        [phone] = [one["phone"] for one in told.rows["leads"].values() if one["lead_id"] == row.id]
        assert phone == f"night {night}"


def test_s3_no_second_is_left_out_between_two_nights(org: Org) -> None:
    told = org.read("Lead")
    rows = org.rows("Lead")[:5]
    for seconds, row in zip((-1, 0, 1, 2, 3), rows, strict=True):
        org.clock.set(ENDS + DAY + timedelta(seconds=seconds))
        if seconds == 1:
            org.night(1, "Lead", into=told)
            org.clock.set(ENDS + DAY + timedelta(seconds=seconds))
        org.save(row, Phone="changed")
    org.night(2, "Lead", into=told)
    changed = {one["lead_id"] for one in told.rows["leads"].values() if one["phone"] == "changed"}
    assert changed == {row.id for row in rows}


def test_s4_calculated_values_are_read_again_without_a_stamp(org: Org) -> None:
    def open_days(told: Any) -> set[str]:
        return {row["custom"] for row in told.rows["leads"].values()}

    told = org.read("Lead")
    first = open_days(told)
    org.night(6, "Lead", into=told)
    assert open_days(told) == first
    org.night(7, "Lead", into=told)
    assert open_days(told) != first
    # each night of the next week asks for changes only
    before = len(org.queries("Lead"))
    org.night(8, "Lead", into=told)
    assert all("SystemModstamp >=" in text for text in org.queries("Lead")[before:])


def test_s4_where_nothing_calculated_is_read_nothing_is_read_again(org: Org) -> None:
    told = org.read("Lead", never=("Days_Open__c",))
    before = len(org.queries("Lead"))
    org.night(30, "Lead", into=told, never=("Days_Open__c",))
    assert all("SystemModstamp >=" in text for text in org.queries("Lead")[before:])


def test_s5_deletions_are_found_wherever_they_are_told(org: Org) -> None:
    told = org.read("Lead", "deleted Lead")
    first, second, third = org.rows("Lead")[:3]
    org.clock.advance(3_600)
    org.delete(first)
    org.merge(second, third)
    org.night(1, "Lead", "deleted Lead", into=told)
    gone = {row["record_id"]: row["how"] for row in told.rows["deletions"].values()}
    assert gone[first.id] == gone[second.id] == "deleted"
    merged = {row["merged_id"]: row["surviving_id"] for row in told.rows["merges"].values()}
    assert merged == {second.id: third.id}


def test_s5_the_next_span_begins_where_salesforce_says_it_has_told_all(org: Org) -> None:
    told = org.read("deleted Lead")
    assert told.cursors["deleted Lead"]["until"] == (
        ENDS - timedelta(minutes=5)
    ).isoformat().replace("+00:00", "Z")
    org.night(1, "deleted Lead", into=told)
    asked = [call.wish["start"] for call in org.recorder.calls if "/deleted/" in call.path]
    assert asked[-1] == "2026-11-20T01:55:00.000Z"


def test_s5_what_salesforce_forgot_is_looked_for_by_ids(org: Org) -> None:
    told = org.read("deleted Lead")
    org.clock.set(ENDS + 30 * DAY)
    with org.source(ENDS + 30 * DAY) as source:
        [stream] = [one for one in source.streams() if one.name == "deleted Lead"]
        told.listen(stream)
        assert stream.is_incomplete  # type: ignore[attr-defined]
    assert any("ids are compared" in note for note in told.notes)
    # nor does a run of the same night that was killed forget it
    with org.source(ENDS + 30 * DAY) as source:
        [stream] = [one for one in source.streams() if one.name == "deleted Lead"]
        told.listen(stream)
        assert stream.is_incomplete  # type: ignore[attr-defined]


def test_s6_the_first_night_begins_with_the_oldest_record(org: Org) -> None:
    """No date is made up to start from."""
    told = org.read("Lead", "Task")
    assert told.ids() == leads(org)
    assert told.ids("tasks") == {row.id for row in org.rows("Task")}
    assert "WHERE" not in org.queries("Lead")[0]


def test_s6_activities_of_more_than_a_year_are_asked_for(org: Org) -> None:
    """Salesforce archives them, and tells them to `queryAll` only."""
    org.read("Task", "Event")
    asked = {call.path.rpartition("/")[2] for call in org.recorder.calls if "q" in call.wish}
    assert asked == {"queryAll"}
    assert all("IsDeleted = false" in text for text in org.queries("Task"))


def test_s6_histories_have_no_stamp_and_are_read_by_their_creation(org: Org) -> None:
    told = org.read("LeadHistory")
    assert {row["history_id"] for row in told.rows["field_history"].values()} == {
        row.id for row in org.rows("LeadHistory")
    }
    org.night(1, "LeadHistory", into=told)
    assert "CreatedDate >= 2026-11-20T01:00:00.000Z" in org.queries("LeadHistory")[-1]


def test_s6_an_object_without_any_stamp_is_read_whole_every_night(org: Org) -> None:
    fields = org.vendor._schema.objects["Campaign"]
    for name in ("SystemModstamp", "LastModifiedDate", "CreatedDate"):
        object.__setattr__(fields[name], "is_filterable", False)
    try:
        told = org.read("Campaign")
        assert len(told.rows["campaigns"]) == len(org.rows("Campaign"))
        before = len(org.queries("Campaign"))
        org.night(1, "Campaign", into=told)
        assert len(org.queries("Campaign")) > before
        assert "ORDER BY Id" in org.queries("Campaign")[-1]
        # nor does a night that was killed leave half of another one
        org.night(2, "Campaign", into=told, pages=2)
        org.night(3, "Campaign", into=told)
        assert told.cursors["Campaign"]["since"] == "2026-11-23T02:00:00Z"
        assert not any(" >= " in text for text in org.queries("Campaign"))
    finally:
        for name in ("SystemModstamp", "LastModifiedDate", "CreatedDate"):
            object.__setattr__(fields[name], "is_filterable", True)


@pytest.mark.parametrize("how", [{}, BY_JOB])
def test_s7_a_new_field_loses_no_record(org: Org, how: dict[str, Any]) -> None:
    told = org.read("Lead", **how)
    org.happen("new_field", object="Lead", name="Budget__c", type="double")
    org.save(org.rows("Lead")[0], Budget__c=12.0)
    org.night(1, "Lead", into=told, **how)
    assert told.ids() == leads(org)
    assert "Lead: new field Budget__c (double), read from now on" in " ".join(told.notes)
    assert sum('"Budget__c":12.0' in row["custom"] for row in told.rows["leads"].values()) == 1


def test_s7_values_with_nul_do_not_lose_the_file(org: Org) -> None:
    first, second = org.rows("Lead")[:2]
    org.happen("new_field", object="Lead", name="Note__c", type="string")
    org.save(first, Company="NUL\0 inside", Phone="1")
    org.save(second, Note__c="NUL\0 inside")
    by_page, by_job = org.read("Lead"), org.read("Lead", **BY_JOB)
    assert by_page.versions == by_job.versions
    assert by_page.ids() == leads(org)
    for told in (by_page, by_job):
        rows = {row["lead_id"]: row for row in told.rows["leads"].values()}
        assert (rows[first.id]["company"], rows[first.id]["phone"]) == (None, "1")
        assert r'"Note__c":"NUL\\x00 inside"' in rows[second.id]["custom"]
        assert [(one.column, one.is_row_lost) for one in told.unreadable] == [("company", False)]


def test_s8_the_word_null_ends_the_results_and_each_page_has_its_length(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_RESULTS", 10)
    told = org.read("Lead", **BY_JOB)
    assert told.ids() == leads(org)
    results = [call for call in org.recorder.calls if call.path.endswith("/results")]
    assert len(results) == -(-len(leads(org)) // 10)
    assert {call.wish["maxRecords"] for call in results} == {"10"}
    assert "null" not in {call.wish.get("locator") for call in results}


def test_s8_results_are_read_with_the_version_that_made_the_job(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_RESULTS", 10)
    told = org.read("Lead", pages=3, api="66.0", **BY_JOB)
    assert told.cursors["Lead"]["reading"]["job"]["version"] == "66.0"
    org.read("Lead", into=told, api="67.0", **BY_JOB)
    assert told.ids() == leads(org)
    made = [call for call in org.recorder.calls if call.path.endswith("/jobs/query")]
    assert len(made) == 1


def test_s8_the_bookmark_does_not_pass_the_beginning_of_the_run(open_org: Open) -> None:
    """What is saved while a job runs is read by the next night."""
    org = open_org(throttled=True)
    org.is_timed = True
    told = org.read("Lead", **BY_JOB)
    assert org.clock.now() / 1000 > ENDS.timestamp() + 2
    assert told.cursors["Lead"]["since"] == "2026-11-20T02:00:00Z"


def test_an_answer_that_lacks_records_is_asked_for_again(org: Org) -> None:
    org.order("missing", path="/query", every=2)
    told = org.read("Lead")
    assert told.ids() == leads(org)
    org.order("missing", path="/query")
    with pytest.raises(UnreachableError, match="lack some of the records"):
        org.read("Lead")
