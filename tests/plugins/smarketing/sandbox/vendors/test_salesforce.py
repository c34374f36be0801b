"""Salesforce's manners, each of which has cost somebody data: over plain HTTP."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from itertools import pairwise
from random import Random
from typing import Any

import httpx
import pytest
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import (
    Deletion,
    Echo,
    Merge,
    Move,
    Opportunity,
    Record,
    Story,
    Touch,
    opaque_id,
)
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sandbox.vendors.salesforce import schema
from smarketing.sandbox.vendors.salesforce.ids import full_id, id_of, number_of, with_checksum
from smarketing.sandbox.vendors.salesforce.person import Employers, Person
from smarketing.sandbox.vendors.salesforce.records import Org as Rows
from smarketing.sandbox.vendors.salesforce.records import Row, Value

from tests.plugins.smarketing.sandbox.vendors.conftest import AMERICAS, DATA, ENDS, Org, ServeOrg

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def soql_text(at: datetime) -> str:
    """An instant as queries want it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def ids(rows: list[Any]) -> list[str]:
    return [row["Id"] for row in rows]


def error(answer: httpx.Response) -> tuple[int, str]:
    """The status of a refusal, and its code."""
    [content] = answer.json()
    assert content["message"]
    return answer.status_code, content["errorCode"]


def now(org: Org) -> datetime:
    return datetime.fromtimestamp(org.clock.now() / 1000, UTC)


def window(org: Org, since: datetime, until: datetime, kind: str = "Lead") -> list[str]:
    """The ids of what changed in ``[since, until)``."""
    soql = (
        f"SELECT Id FROM {kind} WHERE SystemModstamp >= {soql_text(since)} "
        f"AND SystemModstamp < {soql_text(until)} ORDER BY SystemModstamp, Id"
    )
    return ids(org.query(soql))


# ids


@pytest.mark.parametrize(
    "full",
    # published in Salesforce's documentation
    ["0015f00002JUX1JAAX", "0055f000005mc66AAA", "00550000001N45jAAC"],
)
def test_the_last_three_letters_say_which_others_are_capitals(full: str) -> None:
    assert with_checksum(full[:15]) == full
    assert full_id(full[:15]) == full_id(full) == full
    assert full_id(full[:17] + "5") is None
    assert full_id("7") is None


def test_ids_are_in_the_order_of_their_numbers() -> None:
    numbers = sorted(Random(1).sample(range(10**13), 500))  # noqa: S311
    made = [id_of("00Q", number) for number in numbers]
    assert made == sorted(made)
    assert {len(one) for one in made} == {18}


def test_both_lengths_of_an_id_find_the_row(salesforce: Org) -> None:
    [lead] = salesforce.query("SELECT Id FROM Lead LIMIT 1")
    for text in (lead["Id"], lead["Id"][:15]):
        assert salesforce.get(f"sobjects/Lead/{text}")["Id"] == lead["Id"]
        assert salesforce.query(f"SELECT Id FROM Lead WHERE Id = '{text}'")[0]["Id"] == lead["Id"]
    for text in ("00Q000000000000", lead["Id"][:17] + "0"):
        assert error(salesforce.ask(f"sobjects/Lead/{text}")) == (404, "NOT_FOUND")
    assert error(salesforce.ask(f"sobjects/Contact/{lead['Id']}")) == (404, "NOT_FOUND")


# queries


def test_conditions_mean_what_they_say(salesforce: Org) -> None:
    names = (
        "Id, Status, Email, Score__c, IsConverted, CreatedDate, Arrived_On__c, OwnerId, Reason__c"
    )
    rows = salesforce.query(f"SELECT {names} FROM Lead")
    cut = "2026-06-01T00:00:00Z"
    owner = rows[0]["OwnerId"]

    def created(row: Any) -> datetime:
        return datetime.fromisoformat(row["CreatedDate"])

    expected: dict[str, Callable[[Any], bool]] = {
        "Status = 'lead'": lambda row: row["Status"] == "Lead",
        "Status != 'Lead'": lambda row: row["Status"] != "Lead",
        "Reason__c = null": lambda row: row["Reason__c"] is None,
        "Reason__c != null": lambda row: row["Reason__c"] is not None,
        # what is empty differs from every value
        "Reason__c <> 'no budget'": lambda row: row["Reason__c"] != "no budget",
        "Status IN ('Lead', 'Subscriber')": lambda row: row["Status"] in ("Lead", "Subscriber"),
        "Status NOT IN ('Lead')": lambda row: row["Status"] != "Lead",
        "Status LIKE '%qual%'": lambda row: "qual" in row["Status"].lower(),
        "Status LIKE 'Lea_'": lambda row: row["Status"] == "Lead",
        "Status LIKE 'Lea\\_'": lambda row: False,
        "Score__c > 30": lambda row: row["Score__c"] > 30,
        "Score__c <= 12.5": lambda row: row["Score__c"] <= 12.5,
        "IsConverted = true": lambda row: row["IsConverted"],
        f"CreatedDate < {cut}": lambda row: created(row) < datetime.fromisoformat(cut),
        f"CreatedDate >= {cut}": lambda row: created(row) >= datetime.fromisoformat(cut),
        f"CreatedDate >= {cut} AND CreatedDate < 2026-07-01T02:00:00+02:00": lambda row: (
            datetime.fromisoformat(cut) <= created(row) < datetime(2026, 7, 1, tzinfo=UTC)
        ),
        "Arrived_On__c >= 2026-01-01": lambda row: (row["Arrived_On__c"] or "") >= "2026-01-01",
        f"OwnerId = '{owner[:15]}'": lambda row: row["OwnerId"] == owner,
        f"Status = 'Lead' AND (Score__c > 20 OR OwnerId = '{owner}')": lambda row: (
            row["Status"] == "Lead" and (row["Score__c"] > 20 or row["OwnerId"] == owner)
        ),
        "NOT (Status = 'Lead')": lambda row: row["Status"] != "Lead",
        "Owner.Name = 'unassigned'": lambda row: row["OwnerId"].startswith("00G"),
    }
    for condition, test in expected.items():
        found = ids(salesforce.query(f"SELECT Id FROM Lead WHERE {condition}"))
        assert found == [row["Id"] for row in rows if test(row)], condition
        assert salesforce.get("query", q=f"SELECT COUNT() FROM Lead WHERE {condition}") == {
            "totalSize": len(found),
            "done": True,
            "records": [],
        }
        assert len(found) < len(rows), condition


def test_texts_are_escaped(serve_org: ServeOrg) -> None:
    org = serve_org()
    names = {row["Company"] for row in org.query("SELECT Company FROM Lead")}
    odd = [name for name in names if set(name) & set("'\n\"")]
    assert odd
    for name in odd:
        text = name.replace("'", "\\'").replace("\n", "\\n")
        found = org.query(f"SELECT Company FROM Lead WHERE Company = '{text}'")
        assert {row["Company"] for row in found} == {name}


def test_orders_put_the_empty_first_unless_told_otherwise(salesforce: Org) -> None:
    def told(order: str) -> list[tuple[Any, Any]]:
        rows = salesforce.query(f"SELECT Arrived_On__c, Score__c FROM Lead ORDER BY {order}")
        return [(row["Arrived_On__c"], row["Score__c"]) for row in rows]

    rising = told("Arrived_On__c, Score__c DESC")
    assert rising == sorted(rising, key=lambda row: (row[0] is not None, row[0] or "", -row[1]))
    falling = told("Arrived_On__c DESC NULLS LAST, Score__c ASC")
    assert [day for day, _ in falling] == [
        *sorted((day for day, _ in rising if day), reverse=True),
        *(day for day, _ in rising if not day),
    ]
    scores = [score for day, score in falling if not day]
    assert scores == sorted(scores)


def test_limit_and_offset_cut_a_list(salesforce: Org) -> None:
    every = ids(salesforce.query("SELECT Id FROM Lead ORDER BY Id"))
    assert ids(salesforce.query("SELECT Id FROM Lead ORDER BY Id LIMIT 7")) == every[:7]
    assert ids(salesforce.query("SELECT Id FROM Lead ORDER BY Id LIMIT 7 OFFSET 5")) == every[5:12]
    refused = salesforce.ask("query", q="SELECT Id FROM Lead OFFSET 2001")
    assert error(refused) == (400, "NUMBER_OUTSIDE_VALID_RANGE")


def test_parents_are_objects_of_their_own(salesforce: Org) -> None:
    soql = "SELECT id, owner.name, First_Campaign__r.Type FROM lead WHERE First_Campaign__c != null"
    row = salesforce.query(f"{soql} LIMIT 1")[0]
    assert row["attributes"] == {"type": "Lead", "url": f"{DATA}/sobjects/Lead/{row['Id']}"}
    assert row["Owner"]["attributes"]["type"] in ("Group", "User")
    assert row["Owner"]["Name"]
    assert row["First_Campaign__r"]["Type"]
    soql = "SELECT First_Campaign__r.Type FROM Lead WHERE First_Campaign__c = null LIMIT 1"
    assert salesforce.query(soql)[0]["First_Campaign__r"] is None


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "unexpected token: <EOF>"),
        ("SELECT Id, FROM Lead", "MALFORMED_QUERY", "unexpected token: FROM"),
        ("SELECT * FROM Lead", "MALFORMED_QUERY", "no viable alternative at character '*'"),
        ("SELECT Id FROM Lead GROUP BY Id", "MALFORMED_QUERY", "unexpected token: GROUP"),
        (
            "SELECT Id FROM Lead WHERE Id = null OR Status = 'a' AND Status = 'b'",
            "MALFORMED_QUERY",
            "unexpected token: AND",
        ),
        ("", "MALFORMED_QUERY", "cannot be empty"),
        ("SELECT Id, Nope FROM Lead", "INVALID_FIELD", "No such column 'Nope' on entity 'Lead'"),
        ("SELECT Id FROM Lead ORDER BY Nope", "INVALID_FIELD", "ERROR at Row:1:Column:30"),
        ("SELECT Nope.Name FROM Lead", "INVALID_FIELD", "understand relationship 'Nope'"),
        ("SELECT Id FROM Unicorn", "INVALID_TYPE", "sObject type 'Unicorn' is not supported"),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        (
            "SELECT Id FROM Lead WHERE Status = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM LeadHistory WHERE NewValue = 'Lead'",
            "INVALID_FIELD",
            "can not be filtered in a query call",
        ),
        ("SELECT Id FROM Lead WHERE Score__c LIKE '1%'", "INVALID_FIELD", "invalid operator"),
        (
            "SELECT Id FROM Lead WHERE OwnerId = 'U101'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: U101",
        ),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(
    salesforce: Org, soql: str, code: str, words: str
) -> None:
    answer = salesforce.ask("query", q=soql)
    assert error(answer) == (400, code)
    assert words in answer.json()[0]["message"]


# pages


def test_a_page_may_be_shorter_than_asked(salesforce: Org) -> None:
    """Salesforce decides by the size of the rows; only ``done`` tells where the end is."""

    def page(names: str, size: int) -> Any:
        options = {"Sforce-Query-Options": f"batchSize={size}"}
        soql = f"SELECT {names} FROM LeadHistory"
        return salesforce.http.get(f"{DATA}/query", params={"q": soql}, headers=options).json()

    assert len(page("Id", 250)["records"]) == 250
    # not less than 200, whatever is asked
    assert len(page("Id", 5)["records"]) == 200
    assert page("Id", 2_000)["done"]
    names = ", ".join(f"Lead.{name}" for name in schema.Schema().objects["Lead"])
    wide = page(f"{names}, {names}, Id", 2_000)
    assert len(wide["records"]) < 1_000
    assert not wide["done"]
    assert wide["nextRecordsUrl"].endswith(f"-{len(wide['records'])}")


def first_page(org: Org) -> Any:
    return org.http.get(
        f"{DATA}/query",
        params={"q": "SELECT Id, Description, SystemModstamp FROM Lead ORDER BY SystemModstamp"},
        headers={"Sforce-Query-Options": "batchSize=200"},
    ).json()


def test_the_rows_of_a_query_are_fixed_and_their_values_are_not(serve_org: ServeOrg) -> None:
    org = serve_org()
    org.happen("import", count=150)
    honest = first_page(org)
    order = ids(honest["records"]) + ids(org.http.get(honest["nextRecordsUrl"]).json()["records"])
    page = first_page(org)
    org.clock.advance(60)
    org.happen("bulk_edit", object="Lead")
    org.happen("import", count=5)
    rest = org.http.get(page["nextRecordsUrl"]).json()
    assert rest["totalSize"] == page["totalSize"]
    assert ids(page["records"]) + ids(rest["records"]) == order
    assert all(row["Description"] for row in rest["records"])
    assert not any(row["Description"] for row in page["records"])


def test_what_is_deleted_between_two_pages_is_left_out(
    serve_org: ServeOrg, told_in_americas: list[Story]
) -> None:
    org, left_out = serve_org(), 0
    for lead, at in deletions(told_in_americas):
        org.clock.set(at - timedelta(seconds=1))
        org.log_in()
        if len(org.query("SELECT Id FROM LeadHistory")) < 200:
            continue
        page = org.http.get(
            f"{DATA}/query",
            params={"q": "SELECT Id, LeadId FROM LeadHistory"},
            headers={"Sforce-Query-Options": "batchSize=200"},
        ).json()
        found = list(page["records"])
        org.clock.advance(1)
        while not page["done"]:
            page = org.http.get(page["nextRecordsUrl"]).json()
            assert lead not in [row["LeadId"] for row in page["records"]]
            found += page["records"]
        left_out += len(found) < page["totalSize"]
    assert left_out > 1


def test_a_locator_ends_after_two_days_or_with_its_session(serve_org: ServeOrg) -> None:
    org = serve_org()
    org.happen("import", count=150)
    # there is no limit to their number any more
    pages = [first_page(org) for _ in range(12)]
    assert org.http.get(pages[0]["nextRecordsUrl"]).status_code == 200
    wrong = pages[0]["nextRecordsUrl"][:-1] + "x"
    assert error(org.http.get(wrong)) == (400, "INVALID_QUERY_LOCATOR")

    old = org.http.headers["Authorization"]
    org.log_in()
    assert error(org.http.get(pages[0]["nextRecordsUrl"])) == (401, "INVALID_SESSION_ID")
    org.http.headers["Authorization"] = old
    for _ in range(47):
        org.clock.advance(3_600)
        assert org.http.get(pages[0]["nextRecordsUrl"]).status_code == 200
    org.clock.advance(3_600)
    refused = org.http.get(pages[0]["nextRecordsUrl"])
    assert error(refused) == (400, "INVALID_QUERY_LOCATOR")


# time: what Salesforce knows at an instant


def test_what_has_not_happened_is_not_known(salesforce: Org) -> None:
    kinds = [kind for kind in schema.PREFIXES if kind not in (schema.USER, schema.GROUP)]

    def look() -> dict[str, list[Any]]:
        salesforce.log_in()
        return {
            kind: salesforce.query(f"SELECT {', '.join(schema.Schema().objects[kind])} FROM {kind}")
            for kind in kinds
        }

    after = look()
    salesforce.clock.advance(-(200 * DAY).total_seconds())
    before = look()
    for kind in kinds:
        assert 0 < len(before[kind]) < len(after[kind]), kind
        for row in before[kind]:
            for name in ("CreatedDate", "SystemModstamp", "LastModifiedDate"):
                assert datetime.fromisoformat(row.get(name, row["CreatedDate"])) <= now(salesforce)
    salesforce.clock.set(ENDS)
    assert look() == after


def test_instants_have_whole_seconds(salesforce: Org) -> None:
    for row in salesforce.query("SELECT CreatedDate, SystemModstamp FROM Task"):
        assert all(row[name][19:] == ".000+0000" for name in ("CreatedDate", "SystemModstamp"))


def test_what_a_process_changes_is_no_users_change(salesforce: Org) -> None:
    soql = "SELECT ActualCost, CreatedDate, LastModifiedDate, SystemModstamp FROM Campaign"
    rows = salesforce.query(soql)
    assert len(rows) > 30
    for row in rows:
        assert row["LastModifiedDate"] == row["CreatedDate"]
        assert (row["SystemModstamp"] > row["LastModifiedDate"]) == bool(row["ActualCost"])
    leads = salesforce.query("SELECT LastModifiedDate, SystemModstamp FROM Lead")
    assert all(row["LastModifiedDate"] <= row["SystemModstamp"] for row in leads)


# the pitfalls


def test_s1_a_row_appears_later_with_an_earlier_stamp(serve_org: ServeOrg) -> None:
    """Pitfall S1: whoever moves the cursor to now never sees it; ``latestDateCovered`` helps."""
    org = serve_org()
    cursor = now(org)
    seen = set(window(org, cursor - DAY, cursor))
    covered = org.get(
        "sobjects/Lead/updated", start=soql_text(cursor - DAY), end=soql_text(cursor)
    )["latestDateCovered"]
    org.happen("late_commit", seconds=200)
    org.clock.advance(600)
    assert window(org, cursor, now(org)) == []
    again = set(window(org, cursor - DAY, cursor))
    [late] = again - seen
    stamp = org.get(f"sobjects/Lead/{late}")["SystemModstamp"]
    assert datetime.fromisoformat(stamp) == cursor - timedelta(seconds=200)
    assert late in window(org, datetime.fromisoformat(covered), now(org))
    # it was not there before it was committed
    org.clock.set(cursor - timedelta(seconds=100))
    assert late not in window(org, cursor - DAY, cursor)


def test_s2_many_rows_have_one_stamp(serve_org: ServeOrg) -> None:
    """Pitfall S2: more than fit a page; only stamp and id together lead on."""
    org = serve_org()
    org.happen("import", count=2_300)
    org.clock.advance(60)
    stamp = soql_text(now(org))
    org.happen("bulk_edit", object="Lead")
    org.clock.advance(60)
    every = ids(org.query("SELECT Id FROM Lead"))
    page = ids(org.query(f"SELECT Id FROM Lead WHERE SystemModstamp = {stamp} LIMIT 2000"))
    assert len(page) == 2_000
    # a cursor on the stamp alone skips the rest, or stands still
    assert org.query(f"SELECT Id FROM Lead WHERE SystemModstamp > {stamp}") == []
    soql = f"SELECT Id FROM Lead WHERE SystemModstamp = {stamp} AND Id > '{page[-1]}' ORDER BY Id"
    rest = ids(org.query(soql))
    assert page + rest == every


def test_s3_windows_that_share_an_end_tell_a_row_twice_or_never(salesforce: Org) -> None:
    """Pitfall S3: both ends closed, and both open; half-open windows tell every row once."""
    [lead] = salesforce.query(
        "SELECT Id, SystemModstamp FROM Lead WHERE SystemModstamp < 2026-10-01T00:00:00Z "
        "ORDER BY SystemModstamp DESC LIMIT 1"
    )
    at = datetime.fromisoformat(lead["SystemModstamp"])
    moment, before, after = (soql_text(one) for one in (at, at - DAY, at + DAY))

    def times_told(low: str, high: str) -> int:
        return sum(
            ids(
                salesforce.query(
                    f"SELECT Id FROM Lead WHERE SystemModstamp {low} {since} "
                    f"AND SystemModstamp {high} {until}"
                )
            ).count(lead["Id"])
            for since, until in ((before, moment), (moment, after))
        )

    assert times_told(">=", "<=") == 2
    assert times_told(">", "<") == 0
    assert times_told(">=", "<") == 1


def test_s4_a_calculated_field_changes_without_a_stamp(salesforce: Org) -> None:
    """Pitfall S4: nobody who reads what changed hears of it; describe says which fields."""
    soql = "SELECT Id, Days_Open__c, SystemModstamp, IsConverted FROM Lead"
    before = {row["Id"]: row for row in salesforce.query(soql)}
    since = now(salesforce)
    salesforce.clock.advance((3 * DAY).total_seconds())
    salesforce.log_in()
    after = {row["Id"]: row for row in salesforce.query(soql)}
    assert window(salesforce, since, now(salesforce)) == []
    for one, row in before.items():
        grows = 0 if row["IsConverted"] else 3
        assert after[one] == {**row, "Days_Open__c": row["Days_Open__c"] + grows}
    fields = salesforce.get("sobjects/Lead/describe")["fields"]
    assert [field["name"] for field in fields if field["calculated"]] == ["Days_Open__c"]


def deletions(told: list[Story]) -> list[tuple[str, datetime]]:
    return [
        (
            id_of("00Q", number_of(story.records[deletion.record].lead_id)),
            datetime.fromtimestamp(deletion.at, UTC),
        )
        for story in told
        for deletion in story.deletions
        if crm_of(story, deletion.record) == "salesforce" and not story.opportunities
    ]


def test_s5_a_deletion_is_told_for_fifteen_days(
    salesforce: Org, told_in_americas: list[Story]
) -> None:
    """Pitfall S5: then neither queryAll nor the log of deletions knows of it."""
    states = set()
    for lead, at in deletions(told_in_americas):
        soql = f"SELECT Id, IsDeleted FROM Lead WHERE Id = '{lead}'"

        def told(
            after: timedelta, since: timedelta = -DAY, *, at: datetime = at, soql: str = soql,
            lead: str = lead,
        ) -> tuple[bool, bool, bool]:  # fmt: skip
            salesforce.clock.set(at + after)
            salesforce.log_in()
            log = salesforce.get(
                "sobjects/Lead/deleted",
                start=soql_text(at + since),
                end=soql_text(at + after + MINUTE),
            )
            covered = log["earliestDateAvailable"]
            assert datetime.fromisoformat(covered) == now(salesforce) - 15 * DAY
            logged = lead in [entry["id"] for entry in log["deletedRecords"]]
            live, binned = (bool(salesforce.query(soql, path=one)) for one in ("query", "queryAll"))
            return live, binned, logged

        assert told(-timedelta(seconds=1)) == (True, True, False)
        live, binned, logged = told(MINUTE)
        assert (live, logged) == (False, True)
        states.add(binned)
        assert told(15 * DAY - MINUTE) == (False, binned, True)
        assert told(15 * DAY + MINUTE) == (False, False, False)
    assert states == {True, False}


def test_s6_a_history_has_no_stamp_to_filter_by(salesforce: Org) -> None:
    """Pitfall S6: what can be filtered, describe says; a history goes by its creation."""
    for kind in (schema.LEAD_HISTORY, schema.CONTACT_HISTORY, schema.DEAL_HISTORY):
        fields = {
            field["name"]: field["filterable"]
            for field in salesforce.get(f"sobjects/{kind}/describe")["fields"]
        }
        assert "SystemModstamp" not in fields
        assert fields["CreatedDate"]
        assert not fields["NewValue"]
        soql = f"SELECT Id FROM {kind} WHERE SystemModstamp > 2026-01-01T00:00:00Z"
        assert error(salesforce.ask("query", q=soql)) == (400, "INVALID_FIELD")


def test_s7_fields_come_go_and_change_their_type(serve_org: ServeOrg) -> None:
    """Pitfall S7: describe tells of it, and answers 304 as long as there is nothing new."""
    org = serve_org()

    def describe(since: str) -> httpx.Response:
        return org.http.get(f"{DATA}/sobjects/Lead/describe", headers={"If-Modified-Since": since})

    first = org.ask("sobjects/Lead/describe")
    modified = first.headers["Last-Modified"]
    assert describe(modified).status_code == 304
    org.clock.advance(60)
    org.happen("new_field", object="Lead", name="Budget__c", type="double")
    org.happen("bulk_edit", object="Lead", values={"Budget__c": 12.5})
    org.happen("drop_field", object="Lead", name="Persona__c")
    org.happen("retype_field", object="Lead", name="Score__c", type="string")
    second = describe(modified)
    assert second.status_code == 200
    assert describe(second.headers["Last-Modified"]).status_code == 304
    types = {field["name"]: field["type"] for field in second.json()["fields"]}
    assert types["Budget__c"] == "double"
    assert types["Score__c"] == "string"
    assert "Persona__c" not in types
    rows = org.query("SELECT Budget__c, Score__c FROM Lead")
    assert {row["Budget__c"] for row in rows} == {12.5}
    assert all(isinstance(row["Score__c"], str) for row in rows)
    refused = org.ask("query", q="SELECT Persona__c FROM Lead")
    assert error(refused) == (400, "INVALID_FIELD")
    # other objects stay as they are
    assert org.query("SELECT Persona__c, Score__c FROM Contact")[0]["Score__c"] > 0


# bulk


def start_job(org: Org, soql: str, **options: str) -> Any:
    body = {"operation": "query", "query": soql, **options}
    answer = org.http.post(f"{DATA}/jobs/query", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def results(org: Org, job: str, version: str = "67.0", **params: Any) -> httpx.Response:
    return org.http.get(f"/services/data/v{version}/jobs/query/{job}/results", params=params)


def test_a_job_takes_its_time_and_tells_what_was_there_when_it_began(serve_org: ServeOrg) -> None:
    org = serve_org(throttled=True)
    org.happen("import", count=500)
    every = ids(org.query("SELECT Id FROM Lead"))
    job = start_job(org, "SELECT Id, Company, Description FROM Lead")
    # its results are those of the beginning even where nobody looked then
    other = start_job(org, "SELECT Id, Description FROM Lead")["id"]
    assert job["state"] == "UploadComplete"
    assert (job["object"], job["apiVersion"]) == ("Lead", 67.0)
    assert error(results(org, job["id"])) == (400, "INVALIDJOBSTATE")
    org.clock.advance(1)
    assert org.get(f"jobs/query/{job['id']}")["state"] == "InProgress"
    org.clock.advance(1)
    org.happen("bulk_edit", object="Lead")
    org.happen("import", count=5)
    org.clock.advance(1)
    done = org.get(f"jobs/query/{job['id']}")
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", len(every))
    answer = results(org, job["id"], maxRecords=10_000)
    assert answer.headers["Sforce-NumberOfRecords"] == str(len(every))
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [row["Id"] for row in rows] == every
    assert {row["Description"] for row in rows} == {""}
    assert org.get(f"jobs/query/{other}")["numberRecordsProcessed"] == len(every)


def finished(org: Org, soql: str, **options: str) -> str:
    job = str(start_job(org, soql, **options)["id"])
    org.clock.advance(60)
    assert org.get(f"jobs/query/{job}")["state"] == "JobComplete"
    return job


def test_s8_the_last_locator_is_the_word_null(salesforce: Org) -> None:
    """Pitfall S8: whoever takes it for a locator goes round in circles, or is refused."""
    every = ids(salesforce.query("SELECT Id FROM Lead"))
    job = finished(salesforce, "SELECT Id FROM Lead")
    found, locator = [], ""
    while locator != "null":
        options = {"locator": locator} if locator else {}
        answer = results(salesforce, job, maxRecords=70, **options)
        page = list(csv.DictReader(StringIO(answer.text)))
        assert answer.headers["Sforce-NumberOfRecords"] == str(len(page))
        assert len(page) <= 70
        found += [row["Id"] for row in page]
        locator = answer.headers["Sforce-Locator"]
    assert found == every
    assert error(results(salesforce, job, locator="null")) == (400, "INVALID_LOCATOR")


def test_s8_a_long_page_that_nobody_limits_never_comes(serve_org: ServeOrg) -> None:
    org = serve_org()
    org.happen("import", count=10_001)
    job = finished(org, "SELECT Id FROM Lead WHERE Company LIKE 'Import%'")
    with pytest.raises(httpx.ReadTimeout):
        org.http.get(f"{DATA}/jobs/query/{job}/results", timeout=0.2)
    assert results(org, job, maxRecords=20_000).headers["Sforce-NumberOfRecords"] == "10001"


def test_pages_can_be_fetched_side_by_side(salesforce: Org) -> None:
    every = ids(salesforce.query("SELECT Id FROM Lead"))
    job = finished(salesforce, "SELECT Id FROM Lead")
    content = salesforce.get(f"jobs/query/{job}/resultPages", maxRecords=30)
    assert len(content["resultPages"]) == 5
    assert not content["done"]
    more = salesforce.http.get(content["nextRecordsUrl"]).json()
    assert more["done"]
    found = []
    for page in content["resultPages"] + more["resultPages"]:
        text = salesforce.http.get(page["resultUrl"]).text
        found += [row["Id"] for row in csv.DictReader(StringIO(text))]
    assert found == every


def test_results_are_for_the_version_that_made_the_job(salesforce: Org) -> None:
    job = finished(salesforce, "SELECT Id FROM Lead")
    assert results(salesforce, job, maxRecords=5).status_code == 200
    refused = results(salesforce, job, version="66.0", maxRecords=5)
    assert error(refused) == (409, "INVALID_API_VERSION")


def test_delimiters_and_line_ends_are_as_wished(salesforce: Org) -> None:
    soql = "SELECT Id, Company FROM Lead LIMIT 3"
    job = finished(salesforce, soql, columnDelimiter="CARET", lineEnding="CRLF")
    lines = results(salesforce, job, maxRecords=5).text.split("\r\n")
    assert lines[0] == '"Id"^"Company"'
    assert len(lines) == 5
    body = {"operation": "query", "query": soql, "columnDelimiter": "SPACE"}
    assert error(salesforce.http.post(f"{DATA}/jobs/query", json=body)) == (400, "INVALIDJOB")


def test_deleted_rows_come_with_query_all_only(
    salesforce: Org, told_in_americas: list[Story]
) -> None:
    _, at = deletions(told_in_americas)[0]
    salesforce.clock.set(at + 2 * DAY)
    salesforce.log_in()
    soql = "SELECT Id FROM Lead"
    live, every = (ids(salesforce.query(soql, path=one)) for one in ("query", "queryAll"))
    assert len(every) > len(live)
    for operation, expected in (("query", live), ("queryAll", every)):
        job = finished(salesforce, soql, operation=operation)
        text = results(salesforce, job, maxRecords=5_000).text
        assert [row["Id"] for row in csv.DictReader(StringIO(text))] == expected


def test_jobs_that_cannot_be_are_refused_or_fail(salesforce: Org) -> None:
    body = {"operation": "query", "query": "SELECT Nope FROM Lead"}
    assert error(salesforce.http.post(f"{DATA}/jobs/query", json=body)) == (400, "INVALID_FIELD")
    for soql in ("SELECT COUNT() FROM Lead", "SELECT Id FROM Lead LIMIT 5 OFFSET 5"):
        job = start_job(salesforce, soql)["id"]
        salesforce.clock.advance(5)
        told = salesforce.get(f"jobs/query/{job}")
        assert told["state"] == "Failed"
        assert told["errorMessage"]
    assert error(salesforce.ask("jobs/query/750000000000000")) == (404, "NOT_FOUND")


def test_jobs_are_aborted_deleted_and_forgotten(serve_org: ServeOrg) -> None:
    org = serve_org(throttled=True)
    path = f"{DATA}/jobs/query/{start_job(org, 'SELECT Id FROM Lead')['id']}"
    assert error(org.http.delete(path)) == (400, "INVALIDJOBSTATE")
    assert org.http.patch(path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert org.http.delete(path).status_code == 204
    assert error(org.http.get(path)) == (404, "NOT_FOUND")

    job = finished(org, "SELECT Id FROM Lead")
    assert ids([{"Id": one["id"]} for one in org.get("jobs/query")["records"]]) == [job]
    refused = org.http.patch(f"{DATA}/jobs/query/{job}", json={"state": "Aborted"})
    assert error(refused) == (400, "INVALIDJOBSTATE")
    org.clock.advance((7 * DAY).total_seconds())
    org.log_in()
    assert error(org.ask(f"jobs/query/{job}")) == (404, "NOT_FOUND")
    assert org.get("jobs/query")["records"] == []


# what changed, and what went


def test_updated_tells_what_changed_by_the_minute(salesforce: Org) -> None:
    salesforce.clock.set(ENDS - 20 * DAY + timedelta(seconds=30))
    salesforce.log_in()
    since, until = now(salesforce) - DAY, now(salesforce)
    log = salesforce.get("sobjects/Task/updated", start=soql_text(since), end=soql_text(until))
    floor = [at.replace(second=0) for at in (since, until)]
    assert log["ids"] == sorted(window(salesforce, floor[0], floor[1], "Task"))
    assert log["ids"]
    covered = datetime.fromisoformat(log["latestDateCovered"])
    assert covered == (until - 5 * MINUTE).replace(second=0)
    old = salesforce.get(
        "sobjects/Task/updated", start=soql_text(until - 40 * DAY), end=soql_text(until - 31 * DAY)
    )
    assert old["ids"] == []
    assert datetime.fromisoformat(old["latestDateCovered"]) < until - 30 * DAY


@pytest.mark.parametrize("log", ["updated", "deleted"])
def test_a_span_without_length_or_sense_is_refused(salesforce: Org, log: str) -> None:
    def ask(start: str, end: str) -> tuple[int, str]:
        return error(salesforce.ask(f"sobjects/Lead/{log}", start=start, end=end))

    start = "2026-11-19T10:00:10Z"
    assert ask(start, "2026-11-19T10:00:50Z") == (400, "INVALID_REPLICATION_DATE")
    assert ask(start, "2026-11-18T10:00:50Z") == (400, "INVALID_REPLICATION_DATE")
    assert ask(start, "tomorrow") == (400, "INVALID_FIELD")
    assert error(salesforce.ask(f"sobjects/Unicorn/{log}", start=start, end=start)) == (
        404,
        "NOT_FOUND",
    )


def test_single_rows_are_read_with_the_fields_that_are_wished(salesforce: Org) -> None:
    [lead] = salesforce.query("SELECT Id, Status, Company FROM Lead LIMIT 1")
    told = salesforce.get(f"sobjects/Lead/{lead['Id']}", fields="Status,Company")
    assert told == {name: lead[name] for name in ("attributes", "Status", "Company")}
    whole = salesforce.get(f"sobjects/Lead/{lead['Id']}")
    assert set(whole) == {"attributes", *schema.Schema().objects["Lead"]}


# who may call, and how often


def test_a_session_ends_two_hours_after_its_last_call(salesforce: Org) -> None:
    for _ in range(3):
        salesforce.clock.advance(7_199)
        assert salesforce.ask("limits").status_code == 200
    salesforce.clock.advance(7_200)
    refused = salesforce.ask("limits")
    assert error(refused) == (401, "INVALID_SESSION_ID")
    assert refused.json()[0]["message"] == "Session expired or invalid"


def test_a_stranger_is_refused(salesforce: Org) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = httpx.get(f"{salesforce.url}{DATA}/limits", headers=headers)
        assert error(answer) == (401, "INVALID_SESSION_ID")


def test_every_flow_gives_a_session_and_does_not_say_how_long(salesforce: Org) -> None:
    keys = salesforce.vendor.keys
    app = {"client_id": keys.client_id, "client_secret": keys.client_secret}
    jwt = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    forms = [
        {"grant_type": "refresh_token", "refresh_token": keys.refresh_token, **app},
        {"grant_type": "client_credentials", **app},
        {
            "grant_type": "password",
            "username": keys.username,
            "password": keys.password,
            **app,
        },
        {"grant_type": jwt, "assertion": keys.assertion},
    ]
    url = f"{salesforce.url}/services/oauth2/token"
    for form in forms:
        granted = salesforce.http.post(url, data=form).json()
        assert "expires_in" not in granted
        assert granted["instance_url"] == salesforce.url
        assert int(granted["issued_at"]) == salesforce.clock.now()
        headers = {"Authorization": f"{granted['token_type']} {granted['access_token']}"}
        answer = salesforce.http.get(f"{granted['instance_url']}{DATA}/limits", headers=headers)
        assert answer.status_code == 200
        for name in form:
            refused = salesforce.http.post(url, data={**form, name: "stolen"})
            assert refused.status_code == 400
            assert refused.json()["error"] == "invalid_grant"


def test_calls_are_limited_in_a_rolling_day(serve_org: ServeOrg) -> None:
    org = serve_org(throttled=True, allocation=5)
    for used in range(1, 6):
        answer = org.ask("limits")
        assert answer.headers["Sforce-Limit-Info"] == f"api-usage={used}/5"
    assert answer.json()["DailyApiRequests"] == {"Max": 5, "Remaining": 0}
    refused = org.ask("limits")
    assert error(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.json()[0]["message"] == "TotalRequests Limit exceeded."
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=5/5"
    assert "Retry-After" not in refused.headers
    # a day later the first calls do not count any more, and not before
    for wait in (timedelta(0), timedelta(hours=23)):
        org.clock.advance(wait.total_seconds())
        token = org.http.post("/services/oauth2/token", data={})
        assert error(token) == (403, "REQUEST_LIMIT_EXCEEDED")
    org.clock.advance(timedelta(hours=1).total_seconds())
    org.log_in()
    assert org.ask("limits").status_code == 200


def test_others_can_use_up_the_allocation(serve_org: ServeOrg) -> None:
    org = serve_org(throttled=True)
    assert org.ask("limits").json()["DailyApiRequests"]["Max"] == 118_000
    org.happen("quota")
    assert error(org.ask("limits")) == (403, "REQUEST_LIMIT_EXCEEDED")


@pytest.mark.parametrize("version", ["60.0", "67.0"])
def test_the_versions_of_some_years_answer(salesforce: Org, version: str) -> None:
    answer = salesforce.http.get(f"/services/data/v{version}/sobjects/")
    assert answer.status_code == 200
    names = [one["name"] for one in answer.json()["sobjects"]]
    assert set(names) == set(schema.PREFIXES)
    url = answer.json()["sobjects"][0]["urls"]["sobject"]
    assert url.startswith(f"/services/data/v{version}/")


@pytest.mark.parametrize("path", ["v59.0/limits", "v68.0/limits", "v67/limits", "v67.0/unicorns"])
def test_other_paths_are_not_found(salesforce: Org, path: str) -> None:
    assert error(salesforce.http.get(f"/services/data/{path}")) == (404, "NOT_FOUND")


# faults


def test_refusals_on_order_are_worded_as_salesforces_own(salesforce: Org) -> None:
    codes = {
        401: "INVALID_SESSION_ID",
        403: "REQUEST_LIMIT_EXCEEDED",
        500: "UNKNOWN_EXCEPTION",
        503: "SERVER_UNAVAILABLE",
    }
    for status, code in codes.items():
        salesforce.simulator.faults.order(Fault("status", status=status, times=1))
        assert error(salesforce.ask("limits")) == (status, code)
        salesforce.simulator.faults.clear()
    salesforce.simulator.faults.order(Fault("status", status=400, path="/oauth2/"))
    token = httpx.post(f"{salesforce.url}/services/oauth2/token", data={})
    assert (token.status_code, token.json()["error"]) == (400, "invalid_grant")


def test_a_page_of_json_or_csv_tells_a_row_twice_or_leaves_one_out(salesforce: Org) -> None:
    soql = "SELECT Id, Company FROM Lead"
    honest = ids(salesforce.query(soql))
    job = finished(salesforce, soql)

    def from_csv() -> list[str]:
        text = results(salesforce, job, maxRecords=5_000).text
        return [row["Id"] for row in csv.DictReader(StringIO(text, newline=""))]

    for kind, expected in (
        ("duplicate", [honest[0], *honest]),
        ("missing", honest[:-1]),
    ):
        salesforce.simulator.faults.order(Fault(kind))  # type: ignore[arg-type]
        assert ids(salesforce.query(soql)) == from_csv() == expected
        salesforce.simulator.faults.clear()
    assert from_csv() == honest


def test_a_colleague_edits_the_rows_of_a_page_just_read(serve_org: ServeOrg) -> None:
    org = serve_org()
    job = finished(org, "SELECT Id FROM Contact")
    org.clock.advance(60)
    since = now(org)
    org.simulator.faults.order(Fault("change"))
    leads = ids(org.query("SELECT Id FROM Lead LIMIT 20"))
    contacts = [row["Id"] for row in csv.DictReader(StringIO(results(org, job, maxRecords=5).text))]
    users = org.query("SELECT Id FROM User")
    # nothing but records has anything to edit
    assert org.http.delete(f"{DATA}/jobs/query/{job}").status_code == 204
    assert org.get("limits")["DailyApiRequests"]
    org.simulator.faults.clear()
    org.clock.advance(60)
    assert sorted(window(org, since, now(org))) == leads
    assert sorted(window(org, since, now(org), "Contact")) == sorted(contacts)
    assert users
    assert window(org, since, now(org), "User") == []


@pytest.mark.parametrize(
    "wish",
    [
        {"event": "bankruptcy"},
        {"event": "bulk_edit", "object": "Unicorn"},
        {"event": "bulk_edit", "object": "User"},
        {"event": "import"},
        {"event": "late_commit"},
        {"event": "new_field", "object": "Lead", "name": "Status", "type": "string"},
        {"event": "new_field", "object": "Lead", "name": "New__c", "type": "colour"},
        {"event": "drop_field", "object": "Lead", "name": "Nope"},
        {"event": "retype_field", "object": "Unicorn", "name": "Id", "type": "string"},
    ],
)
def test_an_event_that_makes_no_sense_is_explained(salesforce: Org, wish: dict[str, Any]) -> None:
    answer = salesforce.http.post("/_sandbox/events", json=wish)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_equal_companies_are_equal_orgs(salesforce: Org, serve_org: ServeOrg) -> None:
    def everything(org: Org) -> dict[str, list[Any]]:
        fields = schema.Schema().objects
        return {kind: org.query(f"SELECT {', '.join(fields[kind])} FROM {kind}") for kind in fields}

    one, other = everything(salesforce), everything(serve_org())
    assert one == other
    assert sum(map(len, one.values())) > 2_000


def test_a_page_comes_quickly(serve_org: ServeOrg) -> None:
    org = serve_org()
    org.happen("import", count=5_000)
    org.clock.advance(60)
    stamp = soql_text(now(org) - timedelta(seconds=90))
    names = "Id, Company, Status, OwnerId, Score__c, CreatedDate, SystemModstamp, IsConverted"
    soql = f"SELECT {names} FROM Lead WHERE SystemModstamp >= {stamp} ORDER BY SystemModstamp, Id"
    page = org.get("query", q=soql)
    begun = time.perf_counter()
    page = org.http.get(page["nextRecordsUrl"]).json()
    assert len(page["records"]) == 2_000
    # twenty times what it takes
    assert time.perf_counter() - begun < 1


# conversions and merges that are too rare to wait for

START = int(datetime(2026, 3, 2, 15, tzinfo=UTC).timestamp())
HOUR = 3_600


@cache
def americans() -> list[Story]:
    """People of the Americas, whose own stories are left out."""
    return [
        story
        for story, _ in stories(AMERICAS, Campaigns(AMERICAS))
        if story.prospect.account.region == "Americas" and story.prospect.has_own_mailbox
    ]


def put_in(
    *, deals: tuple[int, ...] = (), merges: tuple[Merge, ...] = (), ends: tuple[Deletion, ...] = (),
    until: int = AMERICAS.ends_at, person: int = 0, echoes: tuple[Echo, ...] = (),
) -> dict[str, Row]:  # fmt: skip
    """Two records an hour apart, each a lead in its first second, and what is ordered beside.

    ``deals`` are records that get one, ten hours later. Gives the rows by object and place.
    """
    model = americans()[person]
    records = [
        Record(
            lead_id=opaque_id("L", model.number, place),
            created=START + place * HOUR,
            email=f" {model.prospect.email} ",
            channel="",
            campaign_id="" if place else "C001",
            score=9,
        )
        for place in range(2)
    ]
    story = Story(
        number=model.number,
        prospect=model.prospect,
        until=until,
        records=records,
        moves=[Move(START, "lead", "initial", 1)],
        acting=[(START, 0)],
        echoes=[Echo(START + HOUR, "lead", 1), *echoes],
        merges=list(merges),
        deletions=list(ends),
        touches=[
            Touch(
                START + 2 * HOUR, place, "call", "outbound", False, "U301", "connected", f"T{place}"
            )
            for place in range(2)
        ],
        opportunities=[
            Opportunity(f"O{place}", place, "U301", START + 10 * HOUR, 100_00, 100_00)
            for place in deals
        ],
    )
    rows = Rows()
    Person(AMERICAS, rows, Employers(), story, Random(1)).tell()  # noqa: S311
    numbers = [number_of(record.lead_id) for record in records]
    found = {
        f"{kind} {place}": row
        for kind, prefix in (("lead", "00Q"), ("contact", "003"), ("member", "00v"))
        for place, number in enumerate(numbers)
        if (row := rows.find(id_of(prefix, number)))
    }
    found |= {
        f"{kind} {place}": row
        for kind, prefix, letter in (
            ("task", "00T", "T"),
            ("role", "00K", "O"),
            ("deal", "006", "O"),
        )
        for place in range(2)
        if (row := rows.find(id_of(prefix, number_of(f"{letter}{place}"))))
    }
    for kind in (schema.LEAD_HISTORY, schema.CONTACT_HISTORY):
        for row in rows.rows(kind):
            parent = "LeadId" if kind == schema.LEAD_HISTORY else "ContactId"
            values = row.versions[0].values
            found[f"{values['Field']} {values[parent]}"] = row
    return found


END = 2**40


def told(row: Row, *names: str) -> list[Value]:
    return [row.value(name, END) for name in names]


@pytest.mark.parametrize("stage", ["opportunity", "customer"])
def test_a_stage_without_a_deal_converts_the_lead_at_that_stage(stage: str) -> None:
    rows = put_in(echoes=(Echo(START + 5 * HOUR, stage, 0),))
    lead, contact = rows["lead 0"], rows["contact 0"]
    assert contact.born == START + 5 * HOUR
    assert told(contact, "Lifecycle_Stage__c") == told(lead, "Status") == [stage.title()]
    assert told(lead, "ConvertedOpportunityId") == [None]
    assert told(rows["member 0"], "LeadId", "ContactId") == [lead.id, contact.id]


def test_of_several_stages_in_one_second_the_lowest_comes_first() -> None:
    at = START + 5 * HOUR
    rows = put_in(echoes=(Echo(at, "sql", 0), Echo(at, "mql", 0)))
    assert told(rows["lead 0"], "Status") == ["Sales Qualified"]


def test_addresses_are_cut_off_at_their_blanks() -> None:
    rows = put_in()
    assert told(rows["lead 0"], "Email") == [americans()[0].prospect.email]


def test_a_deal_before_any_stage_converts_the_lead_as_it_stands() -> None:
    rows = put_in(deals=(0,))
    lead, contact = rows["lead 0"], rows["contact 0"]
    assert told(lead, "Status", "IsConverted") == ["Lead", True]
    assert told(contact, "Lifecycle_Stage__c") == ["Lead"]
    assert contact.born == rows["deal 0"].born == START + 10 * HOUR
    assert told(lead, "ConvertedOpportunityId") == [rows["deal 0"].id]
    assert told(rows["role 0"], "ContactId") == [contact.id]
    assert "contact 1" not in rows


def test_activity_moves_with_the_person_and_leaves_a_stamp() -> None:
    rows = put_in(deals=(0,))
    task = rows["task 0"]
    before, after = START + 10 * HOUR - 1, START + 10 * HOUR
    assert task.value("WhoId", before) == rows["lead 0"].id
    assert task.modified(before) == task.born
    assert task.value("WhoId", after) == rows["contact 0"].id
    assert task.value("WhatId", after) == rows["deal 0"].id
    assert task.modified(after) == after


AT = START + 20 * HOUR


def test_of_two_leads_the_loser_goes_to_the_bin() -> None:
    rows = put_in(merges=(Merge(AT, merged=0, survivor=1),))
    loser, winner = rows["lead 0"], rows["lead 1"]
    assert told(loser, "MasterRecordId") == [winner.id]
    assert (loser.deleted, loser.is_hard_deleted) == (AT, False)
    assert winner.modified(END) == AT
    assert rows[f"leadMerged {winner.id}"].born == AT
    assert told(rows["task 0"], "WhoId") == told(rows["task 1"], "WhoId") == [winner.id]
    assert told(rows["member 0"], "LeadId", "ContactId") == [winner.id, None]
    # the loser's history goes with it
    assert rows[f"created {loser.id}"].deleted == AT
    assert rows[f"created {winner.id}"].deleted is None


def test_of_two_contacts_the_loser_goes_to_the_bin_and_both_leads_stay() -> None:
    rows = put_in(deals=(0, 1), merges=(Merge(AT, merged=0, survivor=1),))
    loser, winner = rows["contact 0"], rows["contact 1"]
    assert told(loser, "MasterRecordId") == [winner.id]
    assert loser.deleted == AT
    assert rows["lead 0"].deleted is None
    assert rows[f"contactMerged {winner.id}"].born == AT
    assert rows[f"contactCreatedFromLead {loser.id}"].deleted == AT
    assert told(rows["role 0"], "ContactId") == told(rows["role 1"], "ContactId") == [winner.id]
    assert told(rows["task 0"], "WhoId") == told(rows["member 0"], "ContactId") == [winner.id]


def test_a_lead_that_becomes_part_of_a_contact_is_converted_into_it() -> None:
    rows = put_in(deals=(1,), merges=(Merge(AT, merged=0, survivor=1),))
    lead, contact = rows["lead 0"], rows["contact 1"]
    assert lead.deleted is None
    assert told(lead, "IsConverted", "ConvertedContactId") == [True, contact.id]
    assert told(lead, "ConvertedOpportunityId", "MasterRecordId") == [None, None]
    assert rows[f"leadConverted {lead.id}"].born == AT
    assert rows[f"contactUpdatedByLead {contact.id}"].born == AT
    assert "contact 0" not in rows
    assert told(rows["task 0"], "WhoId") == [contact.id]


def test_a_contact_that_becomes_part_of_a_lead_makes_it_a_contact_first() -> None:
    rows = put_in(deals=(0,), merges=(Merge(AT, merged=0, survivor=1),))
    loser, winner = rows["contact 0"], rows["contact 1"]
    assert told(rows["lead 1"], "IsConverted", "ConvertedContactId") == [True, winner.id]
    assert winner.born == AT
    assert told(winner, "Lifecycle_Stage__c") == ["Lead"]
    assert told(loser, "MasterRecordId") == [winner.id]
    assert told(rows["role 0"], "ContactId") == [winner.id]


def test_what_goes_takes_its_activity_along_and_an_erasure_the_lead_too() -> None:
    fates = set()
    for person in range(20):
        for until in (AMERICAS.ends_at, AT):
            rows = put_in(deals=(0,), ends=(Deletion(AT, 0),), until=until, person=person)
            contact = rows["contact 0"]
            assert contact.deleted == rows["task 0"].deleted == rows["role 0"].deleted == AT
            assert rows["deal 0"].deleted is None
            is_hard = contact.is_hard_deleted
            assert rows["task 0"].is_hard_deleted == rows["role 0"].is_hard_deleted == is_hard
            assert (rows["lead 0"].deleted == AT) == is_hard
            # a record is erased only with the person
            assert not is_hard or until == AT
            if "lead 1" in rows:
                assert rows["lead 1"].deleted is rows["task 1"].deleted is None
            fates.add(is_hard)
    assert fates == {True, False}


def test_an_erasure_takes_along_the_leads_that_became_part_of_a_contact() -> None:
    fates = set()
    merges = (Merge(AT, merged=0, survivor=1),)
    for person in range(20):
        rows = put_in(
            deals=(1,),
            merges=merges,
            ends=(Deletion(AT + HOUR, 1),),
            until=AT + HOUR,
            person=person,
        )
        # not of those whose second record stands elsewhere
        if "contact 1" in rows:
            is_hard = rows["contact 1"].is_hard_deleted
            for lead in (rows["lead 0"], rows["lead 1"]):
                assert (lead.deleted == AT + HOUR) == lead.is_hard_deleted == is_hard
            fates.add(is_hard)
    assert fates == {True, False}


def test_stories_of_other_systems_are_left_out(told_in_americas: list[Story]) -> None:
    rows, employers = Rows(), Employers()
    europeans = [story for story in told_in_americas if story.prospect.account.region == "EMEA"][
        :50
    ]
    for story in europeans:
        if not any(crm_of(story, index) == "salesforce" for index in range(len(story.records))):
            Person(AMERICAS, rows, employers, story, Random(1)).tell()  # noqa: S311
    assert list(rows.rows(schema.LEAD)) == []
    assert employers.first == {}


def test_the_seconds_of_a_deal_are_in_order(salesforce: Org) -> None:
    soql = "SELECT OpportunityId, CreatedDate, Probability FROM OpportunityHistory ORDER BY Id"
    falls = 0
    for before, after in pairwise(salesforce.query(soql)):
        if before["OpportunityId"] == after["OpportunityId"]:
            assert before["CreatedDate"] <= after["CreatedDate"]
            falls += before["Probability"] > after["Probability"]
    assert falls > 3
