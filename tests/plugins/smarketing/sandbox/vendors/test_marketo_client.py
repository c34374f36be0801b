"""A client of Marketo's that others use reads the company: record by record what the stories say.

The stories are told anew here; how Marketo was filled from them is not looked at.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from marketorestpython.client import MarketoClient
from marketorestpython.helper import http_lib
from marketorestpython.helper.exceptions import MarketoException
from smarketing.sandbox.clock import day_of
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.systems import spend_of
from smarketing.sandbox.vendors.faults import Fault

from tests.plugins.smarketing.sandbox.vendors.marketo import (
    COMPANY,
    ENDS,
    Held,
    Served,
    held,
    number,
    rows_of,
    serving_company,
    text,
)

FIELDS = [
    "id", "email", "firstName", "lastName", "phone", "company", "country", "createdAt",
    "updatedAt", "leadSource", "leadScore", "leadStatus", "acquisitionProgramId", "sfdcLeadId",
    "sfdcContactId", "sfdcType", "region", "persona", "arrivedOn", "lifecycleStage",
]  # fmt: skip
STAGES = {"subscriber": "Subscriber", "lead": "Lead"}
SINCE = "2020-01-01"


class Client(MarketoClient):  # type: ignore[misc]
    """It takes the life of a token from the clock on the wall; this one asks each time."""

    def authenticate(self) -> None:
        self.valid_until = None
        super().authenticate()


@pytest.fixture(scope="module")
def marketo() -> Iterator[Served]:
    with serving_company() as served:
        yield served


@pytest.fixture(scope="module")
def client(marketo: Served) -> Iterator[Any]:
    keys = marketo.vendor.keys
    client = Client("000-AAA-000", keys.client_id, keys.client_secret, max_retry_time=1)
    client.host = marketo.url
    # it makes five calls a second, and there is nobody to spare
    pace, http_lib.time = http_lib.time, SimpleNamespace(time=time.time, sleep=lambda _: None)
    yield client
    http_lib.time = pace


@pytest.fixture(scope="module")
def records() -> list[Held]:
    return held()


@pytest.fixture(scope="module")
def log(client: Any) -> dict[int, list[Any]]:
    """All that the client can read of the log, by type."""
    types = sorted(one["id"] for one in client.execute("get_activity_types"))
    found = defaultdict(list)
    for begin in range(0, len(types), 10):
        wanted = [str(one) for one in types[begin : begin + 10]]
        for row in client.execute("get_lead_activities", wanted, sinceDatetime=SINCE):
            found[row["activityTypeId"]].append(row)
    return found


@pytest.fixture(scope="module")
def exported(marketo: Served, client: Any) -> dict[str, dict[str, str]]:
    """All leads that bulk extracts hold, by id."""
    rows = []
    for since, until in windows():
        filters = {"createdAt": {"startAt": since, "endAt": until}}
        rows += rows_of(run(marketo, client, "leads", FIELDS, filters))
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"]: row for row in rows}


def windows() -> list[tuple[str, str]]:
    """Months that are as long as an extract may be, and touch nowhere."""
    since, found = ENDS - timedelta(days=600), []
    while since < ENDS:
        until = since + timedelta(days=31)
        found.append((text(int(since.timestamp())), text(int(until.timestamp()) - 1)))
        since = until
    return found


def run(marketo: Served, client: Any, kind: str, fields: Any, filters: dict[str, Any]) -> bytes:
    name = kind.replace("/", "_")
    [job] = client.execute(f"create_{name}_export_job", fields=fields, filters=filters)
    client.execute(f"enqueue_{name}_export_job", job["exportId"])
    marketo.clock.advance(300)
    [status] = client.execute(f"get_{name}_export_job_status", job["exportId"])
    assert status["status"] == "Completed"
    file: bytes = client.execute(f"get_{name}_export_job_file", job["exportId"])
    assert len(file) == status["fileSize"]
    return file


def attributes(row: Any) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in row["attributes"]}


def test_every_lead_of_the_stories_is_there_and_no_other_is(
    records: list[Held], exported: dict[str, dict[str, str]]
) -> None:
    live = {str(one.id) for one in records if one.is_live}
    assert set(exported) == live
    assert 200 < len(live) < len(records)


def test_values_are_those_of_the_stories(
    records: list[Held], exported: dict[str, dict[str, str]]
) -> None:
    winners = {one.now for one in records if one.now != one.id}
    contacts = 0
    for one in records:
        if not one.is_live:
            continue
        row, record, prospect = exported[str(one.id)], one.record, one.story.prospect
        latest = {"phone": prospect.phone, "score": str(record.score)}
        latest |= {name: value for _, name, value in one.changes}
        campaign, uploaded = record.campaign_id, record.uploaded
        assert row["createdAt"] == text(record.known_at)
        expected = {
            "phone": latest["phone"],
            "company": prospect.account.name.replace("\n", "\r"),
            "country": prospect.account.country,
            "leadSource": record.channel,
            "leadStatus": "New",
            "region": prospect.account.region,
            "persona": prospect.persona,
            "arrivedOn": "" if uploaded is None else day_of(uploaded).isoformat(),
        }
        if one.id not in winners:
            expected["leadScore"] = latest["score"]
            expected["email"] = record.email
            expected["acquisitionProgramId"] = str(1_000 + int(campaign[1:])) if campaign else ""
        for name, value in expected.items():
            assert row[name] == (value or "null"), (name, row)
        is_contact = any(deal.record == one.index for deal in one.story.opportunities) or any(
            stage in ("opportunity", "customer") for _, _, _, stage, _ in one.steps
        )
        if one.id not in winners:
            assert row["sfdcType"] == ("Contact" if is_contact else "Lead")
            assert (row["sfdcContactId"] != "null") == is_contact
        if row["sfdcContactId"] != "null":
            assert row["sfdcContactId"][:15] == "003" + row["sfdcLeadId"][3:15]
        assert row["sfdcLeadId"].startswith("00Q")
        assert len(row["sfdcLeadId"]) == 18
        contacts += is_contact
    assert contacts > 10
    assert any("\r" in row["company"] for row in exported.values())
    assert any(row["arrivedOn"] != "null" for row in exported.values())
    assert any(row["email"] == "null" for row in exported.values())


def test_salesforces_ids_are_unlike_one_another(exported: dict[str, dict[str, str]]) -> None:
    ids = {row["sfdcLeadId"] for row in exported.values()}
    # so that whoever compares them without cases is right, too
    assert len({one.lower() for one in ids}) == len(exported)


def test_reads_by_id_tell_what_extracts_tell(
    client: Any, exported: dict[str, dict[str, str]]
) -> None:
    found = client.execute(
        "get_multiple_leads_by_filter_type", "id", list(exported)[:300], ",".join(FIELDS)
    )
    assert len(found) == len(exported)
    for row in found:
        words = {name: "null" if value is None else str(value) for name, value in row.items()}
        assert words == exported[words["id"]]
    [one] = client.execute("get_lead_by_id", found[0]["id"], fields=",".join(FIELDS))
    assert one == found[0]


def test_names_are_those_of_personal_addresses(
    records: list[Held], exported: dict[str, dict[str, str]]
) -> None:
    for one in records:
        if one.is_live:
            row, prospect = exported[str(one.id)], one.story.prospect
            name = f"{row['firstName']}.{row['lastName']}".lower()
            assert (name == "null.null") != prospect.has_own_mailbox
            assert not prospect.has_own_mailbox or prospect.email.startswith(name)


def test_log_holds_a_new_lead_of_each_record(
    records: list[Held], log: dict[int, list[Any]]
) -> None:
    told = Counter((row["leadId"], row["activityDate"]) for row in log[12])
    assert told == Counter((one.now, text(one.record.known_at)) for one in records)


def test_scores_are_those_of_the_stories(records: list[Held], log: dict[int, list[Any]]) -> None:
    told = Counter(
        (row["leadId"], row["activityDate"], attributes(row)["New Value"]) for row in log[22]
    )
    assert told == Counter(
        (one.now, text(max(at, one.record.known_at)), value)
        for one in records
        for at, name, value in one.changes
        if name == "score" and at < (one.deleted or one.story.until)
    )
    assert told.total() > 400


def test_a_change_of_score_tells_the_score_before(
    records: list[Held], log: dict[int, list[Any]]
) -> None:
    merged = {one.now for one in records if one.now != one.id}
    first = {one.id: one.record.score for one in records}
    changes: defaultdict[int, list[Any]] = defaultdict(list)
    for row in log[22]:
        assert (row["primaryAttributeValueId"], row["primaryAttributeValue"]) == (63, "Lead Score")
        changes[row["leadId"]].append(attributes(row))
    for lead, rows in changes.items():
        assert all(
            int(row["New Value"]) - int(row["Old Value"]) == int(row["Change Value"])
            for row in rows
        )
        if lead not in merged:
            assert int(rows[0]["Old Value"]) == first[lead]
            assert all(one["New Value"] == two["Old Value"] for one, two in pairwise(rows))


def steps_of(one: Held) -> list[tuple[int, str]]:
    return [(at, STAGES[stage]) for at, _, _, stage, _ in one.steps if stage in STAGES]


def test_revenue_stages_are_marketings_steps_of_the_stories(
    records: list[Held], log: dict[int, list[Any]]
) -> None:
    told = Counter(
        (row["leadId"], row["activityDate"], attributes(row)["New Stage"]) for row in log[101]
    )
    assert told == Counter(
        (one.now, text(at), word) for one in records for at, word in steps_of(one)
    )
    assert {word for _, _, word in told} == set(STAGES.values())
    assert told.total() > 250


def test_stages_are_readable_from_changes_of_values(
    client: Any, records: list[Held], log: dict[int, list[Any]]
) -> None:
    """What a lead is created with is no change: it is the old value of the first one, or stays."""
    ids = [str(one.id) for one in records if one.is_live]
    fields = ["id", "lifecycleStage"]
    present = {
        row["id"]: row["lifecycleStage"]
        for begin in range(0, len(ids), 300)
        for row in client.execute(
            "get_multiple_leads_by_filter_type", "id", ids[begin : begin + 300], ",".join(fields)
        )
    }
    changes: defaultdict[int, list[Any]] = defaultdict(list)
    for row in log[13]:
        if row["primaryAttributeValue"] == "Lifecycle Stage":
            changes[row["leadId"]].append(row)
    merged = {one.now for one in records if one.now != one.id}
    at_creation = later = 0
    for one in records:
        if not one.is_live or one.id in merged:
            continue
        created, rows = one.record.known_at, changes[one.id]
        first = attributes(rows[0]).get("Old Value") if rows else present[one.id]
        found: list[tuple[Any, Any]] = [(created, first)] if first else []
        found += [(row["activityDate"], attributes(row)["New Value"]) for row in rows]
        expected = [(at, word) for at, word in steps_of(one)]
        is_first = bool(expected) and expected[0][0] == created
        assert found[is_first:] == [(text(at), word) for at, word in expected[is_first:]]
        assert bool(first) == is_first
        assert present[one.id] == (expected[-1][1] if expected else None)
        at_creation += is_first
        later += len(rows)
    assert at_creation > 100
    assert later > 50


def test_changes_of_telephone_numbers_are_those_of_the_stories(
    client: Any, records: list[Held], log: dict[int, list[Any]]
) -> None:
    expected = Counter(
        (one.now, text(at), value)
        for one in records
        for at, name, value in one.changes
        if name == "phone" and at < (one.deleted or one.story.until)
    )
    told = [row for row in log[13] if row["primaryAttributeValue"] == "Phone Number"]
    assert expected.total() > 2
    assert expected == Counter(
        (row["leadId"], row["activityDate"], attributes(row)["New Value"]) for row in told
    )
    # nothing else changes
    assert {row["primaryAttributeValueId"] for row in log[13]} == {54, 1004}
    changes = client.execute("get_lead_changes", ["phone"], sinceDatetime=SINCE)
    changed = [row for row in changes if row["activityTypeId"] == 13]
    assert len(changes) - len(changed) == len(records)
    for row, change in zip(told, changed, strict=True):
        assert change["marketoGUID"] == row["marketoGUID"]
        [field] = change["fields"]
        about = attributes(row)
        assert field == {
            "id": 54,
            "name": "phone",
            "newValue": about["New Value"],
            "oldValue": about["Old Value"],
        }


def test_forms_and_mass_mails_are_touches_and_human_ones_are_not_here(
    records: list[Held], log: dict[int, list[Any]]
) -> None:
    forms, sent, bounced = Counter[Any](), Counter[Any](), Counter[Any]()
    for one in records:
        for touch in one.story.touches:
            if touch.record == one.index:
                key = (one.now, text(touch.at))
                forms[key] += touch.kind == "form"
                sent[key] += touch.is_automated
                bounced[key] += touch.is_automated and touch.outcome == "bounced"

    def told(type_: int) -> Counter[Any]:
        return Counter((row["leadId"], row["activityDate"]) for row in log[type_])

    assert told(2) == +forms
    assert told(6) == +sent
    assert told(8) == +bounced
    assert told(7) == sent - bounced
    assert told(2).total() > 150
    assert told(8).total() > 1
    assert {row["primaryAttributeValue"] for row in log[2]} == {"Talk to us", "Get the guide"}
    assert set(log) == {1, 2, 6, 7, 8, 10, 11, 12, 13, 22, 32, 101, 104}


def test_mails_are_opened_after_delivery_and_clicked_after_opening(
    log: dict[int, list[Any]],
) -> None:
    first: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    for before, after in ((7, 10), (10, 11)):
        for row in log[before]:
            key = (before, row["leadId"])
            first[key].setdefault(row["primaryAttributeValueId"], row["activityDate"])
        for row in log[after]:
            earliest = first[before, row["leadId"]][row["primaryAttributeValueId"]]
            assert row["activityDate"] >= earliest
    assert len(log[7]) > len(log[10]) > len(log[11]) > 0


def test_merges_name_the_losers_and_hand_on_what_was_theirs(
    client: Any, records: list[Held], log: dict[int, list[Any]]
) -> None:
    merges = [
        (number(story.records[merge.survivor].lead_id), merge)
        for story in {one.story.number: one.story for one in records}.values()
        for merge in story.merges
    ]
    by_id = {one.id: one for one in records}
    told = Counter(
        (row["leadId"], row["primaryAttributeValueId"], row["activityDate"],
         attributes(row)["Merge IDs"])
        for row in log[32]
    )  # fmt: skip
    story_of = {one.id: one.story for one in records}
    assert told == Counter(
        (
            # what happened to a winner is another's, once that one has won
            by_id[winner].now,
            winner,
            text(merge.at),
            f"[{number(story_of[winner].records[merge.merged].lead_id)}]",
        )
        for winner, merge in merges
    )
    assert len(merges) > 4
    assert any(row["leadId"] != row["primaryAttributeValueId"] for row in log[32])
    losers = {one.id for one in records if one.now != one.id}
    assert not losers & {row["leadId"] for rows in log.values() for row in rows}
    for loser in losers:
        with pytest.raises(MarketoException, match="1004"):
            client.get_lead_by_id(loser)


def test_deletions_are_told_for_fourteen_days_and_apart_from_the_log(
    marketo: Served, client: Any, records: list[Held], log: dict[int, list[Any]]
) -> None:
    deleted = {one.id: one.deleted for one in records if one.deleted is not None}
    assert len(deleted) > 1
    assert not log[37]
    before = datetime.fromtimestamp(marketo.clock.now() / 1_000, UTC)
    for lead, at in deleted.items():
        for days, is_told in ((0, True), (13, True), (15, False)):
            marketo.clock.set(datetime.fromtimestamp(at + days * 86_400, UTC))
            token = client.execute("get_paging_token", text(at - 86_400))
            found = client.execute("get_deleted_leads", nextPageToken=token)
            rows = [row for row in found if row["leadId"] == lead]
            assert bool(rows) == is_told
            assert all(row["activityDate"] == text(at)[:-1] + "+0000" for row in rows)
            assert all(row["activityTypeId"] == 37 for row in rows)
    marketo.clock.set(before)
    for lead in deleted:
        with pytest.raises(MarketoException, match="1004"):
            client.get_lead_by_id(lead)


def test_members_of_programs_are_those_of_campaigns(
    marketo: Served, client: Any, records: list[Held], log: dict[int, list[Any]]
) -> None:
    deleted = {one.now for one in records if one.deleted is not None}
    expected: defaultdict[int, set[tuple[int, str]]] = defaultdict(set)
    for one in records:
        if one.record.campaign_id and one.now not in deleted:
            program = 1_000 + int(one.record.campaign_id[1:])
            expected[program].add((one.now, text(one.record.known_at)))
    programs = sorted(expected)
    for program in programs[:12]:
        rows = client.execute("get_multiple_leads_by_program_id", program)
        assert {(row["id"], row["membership"]["membershipDate"]) for row in rows} == (
            expected[program]
        )
    fields = ["leadId", "membershipDate", "statusName", "email"]
    told: defaultdict[int, set[tuple[int, str]]] = defaultdict(set)
    for begin in range(0, len(programs), 10):
        filters = {"programIds": programs[begin : begin + 10]}
        for row in rows_of(run(marketo, client, "program/members", fields, filters)):
            assert row["statusName"] == "Member"
            told[int(row["programId"])].add((int(row["leadId"]), row["membershipDate"]))
    assert told == expected
    assert len(programs) > 20
    joined = Counter(
        (row["leadId"], row["primaryAttributeValueId"], row["activityDate"]) for row in log[104]
    )
    assert joined == Counter(
        (one.now, 1_000 + int(one.record.campaign_id[1:]), text(one.record.known_at))
        for one in records
        if one.record.campaign_id
    )


def test_programs_and_their_costs_are_those_of_the_campaigns(client: Any) -> None:
    campaigns = Campaigns(COMPANY)
    spent: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for campaign, day, amount in spend_of("salesforce", campaigns):
        spent[campaign.campaign_id][f"{day:%Y-%m}-01"] += amount  # type: ignore[assignment]
    started = [one for one in campaigns.all if one.started <= COMPANY.ends]
    programs = {one["id"]: one for one in client.execute("browse_programs", maxReturn=15)}
    assert set(programs) == {1_000 + int(one.campaign_id[1:]) for one in started}
    channels = {one["name"]: one for one in client.execute("get_channels")}
    for one in started:
        [program] = client.execute("get_program_by_id", 1_000 + int(one.campaign_id[1:]))
        assert (program["name"], program["channel"]) == (one.name, one.channel)
        assert program["createdAt"] == f"{one.started}T00:00:00Z+0000"
        costs = {cost["startDate"]: cost["cost"] for cost in program["costs"] or []}
        assert costs == {month: round(amount) for month, amount in spent[one.campaign_id].items()}
        is_dated = one.channel in ("events", "e-mail")
        assert program.get("endDate") == (f"{one.ended}T00:00:00Z+0000" if is_dated else None)
        assert [status["name"] for status in channels[one.channel]["progressionStatuses"]][:2] == [
            "Not in Program",
            "Member",
        ]


def test_extracts_of_activities_are_the_log(
    marketo: Served, client: Any, log: dict[int, list[Any]]
) -> None:
    rows: list[dict[str, str]] = []
    for since, until in windows():
        filters = {"createdAt": {"startAt": since, "endAt": until}}
        rows += rows_of(run(marketo, client, "activities", None, filters))
    extracted = {row["marketoGUID"]: row for row in rows}
    told = {row["marketoGUID"]: row for found in log.values() for row in found}
    assert len(extracted) == len(rows)
    assert set(extracted) == set(told)
    for guid, row in extracted.items():
        one = told[guid]
        for name in ("leadId", "activityDate", "activityTypeId", "primaryAttributeValueId"):
            assert row[name] == str(one[name])
        assert row["primaryAttributeValue"] == one.get("primaryAttributeValue", "null")
        assert json.loads(row["attributes"]) == attributes(one)
        assert row["campaignId"] == "null"


def test_pages_of_any_size_tell_the_same(client: Any, log: dict[int, list[Any]]) -> None:
    pages = client.execute(
        "get_lead_activities_yield", ["12"], sinceDatetime=SINCE, batchSize=40,
        return_full_result=True,
    )  # fmt: skip
    told = list(pages)
    assert [row for page in told for row in page["result"]] == log[12]
    assert len(told) > 5


def test_a_client_goes_on_after_its_token_has_ended(marketo: Served, client: Any) -> None:
    marketo.simulator.faults.order(Fault("expire", times=1, path="/rest"))
    with pytest.raises(MarketoException, match="602"):
        client.describe()
    assert client.describe()
    marketo.simulator.faults.clear()


def test_a_client_gets_past_a_rate_that_is_too_high(marketo: Served, client: Any) -> None:
    marketo.simulator.faults.order(Fault("status", status=606, times=1, path="/rest"))
    assert client.execute("describe2")
    marketo.simulator.faults.clear()
