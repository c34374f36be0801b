"""Marketo's manners, each of which has cost somebody data: over plain HTTP."""

from __future__ import annotations

import csv
import hashlib
import io
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from smarketing.sandbox.clock import DAY
from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sandbox.vendors.marketo.fill import fill

from tests.plugins.smarketing.sandbox.vendors.marketo import (
    ACTIVITIES,
    COMPANY,
    ENDS,
    LEADS,
    Held,
    Serve,
    Served,
    credentials,
    granted,
    held,
    number,
    refusal,
    rows_of,
    serving_company,
    text,
)

MEMBERS = "/bulk/v1/program/members/export"
LOG = "/rest/v1/activities.json"
MONTH = {"createdAt": {"startAt": "2026-10-20T00:00:00Z", "endAt": "2026-11-20T00:00:00Z"}}
WISH: dict[str, Any] = {"fields": ["id", "company"], "filter": MONTH}


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    with serving_company() as served:
        yield served


@pytest.fixture
def marketo(shared: Served) -> Iterator[Served]:
    """Marketo at the end of the history, without faults or limits on the number of calls."""
    shared.renew()
    yield shared
    shared.simulator.faults.clear()
    shared.clock.set(ENDS)


@pytest.fixture(scope="module")
def exporting() -> Iterator[Served]:
    with serving_company() as served:
        yield served


@pytest.fixture
def bulk(exporting: Served) -> Iterator[Served]:
    """Marketo with nothing in its queue, at some time after the history."""
    exporting.clock.advance(DAY)
    exporting.renew()
    yield exporting
    exporting.simulator.faults.clear()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the company; each call gives a Marketo of its own, to do with as one likes."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(serving_company(**options))


@pytest.fixture(scope="module")
def records() -> list[Held]:
    return held()


def at(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def job_of(marketo: Served, base: str = LEADS, **wish: Any) -> str:
    [job] = marketo.post(f"{base}/create.json", {**WISH, **wish})["result"]
    assert job["status"] == "Created"
    name: str = job["exportId"]
    return name


def status(marketo: Served, job: str, base: str = LEADS) -> dict[str, Any]:
    [told] = marketo.get(f"{base}/{job}/status.json")["result"]
    found: dict[str, Any] = told
    return found


def enqueued(marketo: Served, base: str = LEADS, **wish: Any) -> str:
    job = job_of(marketo, base, **wish)
    [told] = marketo.post(f"{base}/{job}/enqueue.json")["result"]
    assert told["status"] == "Queued"
    return job


# the way in


def test_a_token_is_the_same_until_it_ends(serve: Serve) -> None:
    marketo = serve()
    first = marketo.renew()
    assert (first["token_type"], first["expires_in"]) == ("bearer", 3_599)
    marketo.clock.advance(3_000)
    again = marketo.renew()
    assert again["access_token"] == first["access_token"]
    assert again["expires_in"] == 599
    marketo.clock.advance(600)
    assert marketo.refused(LOG) == ("602", "Access token expired")
    renewed = marketo.renew()
    assert renewed["access_token"] != first["access_token"]
    assert renewed["expires_in"] == 3_599
    assert marketo.get("/rest/v1/leads/describe.json")


def test_a_token_is_had_by_a_form_as_well(marketo: Served) -> None:
    answer = httpx.post(f"{marketo.url}/identity/oauth/token", data=credentials(marketo))
    assert answer.json()["access_token"] == marketo.renew()["access_token"]


def test_bad_credentials_are_http_401(marketo: Served) -> None:
    wrong = credentials(marketo) | {"client_secret": "guessed"}
    answer = httpx.get(f"{marketo.url}/identity/oauth/token", params=wrong)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_a_token_in_the_uri_opens_nothing(marketo: Served) -> None:
    token = marketo.renew()["access_token"]
    path = f"{marketo.url}/rest/v1/leads/describe.json"
    assert refusal(httpx.get(path, params={"access_token": token}))[0] == "601"
    assert refusal(httpx.get(path, headers={"Authorization": "Bearer nobody"}))[0] == "601"
    assert httpx.get(path, headers={"Authorization": f"Bearer {token}"}).json()["success"]


def test_tokens_that_end_on_order_are_renewed(serve: Serve) -> None:
    marketo = serve()
    marketo.simulator.faults.order(Fault("expire", times=1, path="/rest"))
    assert marketo.refused("/rest/v1/leads/describe.json")[0] == "602"
    marketo.renew()
    assert marketo.get("/rest/v1/leads/describe.json")


# limits


def test_a_hundred_calls_in_twenty_seconds_are_the_most(serve: Serve) -> None:
    marketo, path = serve(throttled=True), "/rest/v1/activities/types.json"
    for _ in range(100):
        marketo.get(path)
    assert marketo.refused(path) == ("606", "Max rate limit '100' exceeded with in '20' secs")
    marketo.clock.advance(19)
    assert marketo.refused(path)[0] == "606"
    # whoever goes on calling has refusals in the window as well
    marketo.clock.advance(1)
    for _ in range(99):
        marketo.get(path)
    assert marketo.refused(path)[0] == "606"


def test_calls_of_a_day_end_at_midnight_in_chicago(serve: Serve) -> None:
    """Pitfall M8: the day is one of US Central time, by the clocks on the wall."""
    marketo, path = serve(throttled=True), "/rest/v1/activities/types.json"
    for midnight in (datetime(2026, 7, 2, 5, tzinfo=UTC), datetime(2026, 11, 20, 6, tzinfo=UTC)):
        marketo.clock.set(midnight - timedelta(seconds=2))
        marketo.renew()
        assert marketo.get(path)
        marketo.order("quota", of="calls")
        assert marketo.refused(path) == ("607", "Daily quota reached")
        marketo.clock.set(midnight)
        assert marketo.get(path)


def test_ten_calls_at_a_time_are_the_most(serve: Serve) -> None:
    marketo = serve(throttled=True)
    host, port = marketo.url.removeprefix("http://").split(":")
    head = f"POST {LEADS}/create.json HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n"
    head += f"Authorization: {marketo.http.headers['authorization']}\r\n\r\n{{"
    path = "/rest/v1/activities/types.json"

    def is_refused() -> bool:
        return not marketo.http.get(path).json()["success"]

    with ExitStack() as stack:
        # calls whose bodies are still on their way
        for _ in range(10):
            one = stack.enter_context(socket.create_connection((host, int(port))))
            one.sendall(head.encode())
        assert any(is_refused() for _ in range(50))
        assert marketo.refused(path) == ("615", "Concurrent access limit reached")
    marketo.clock.advance(20)
    # the server learns of it in its own time
    assert not all(is_refused() for _ in range(50))


def test_use_is_told_by_day_and_code(serve: Serve) -> None:
    marketo = serve()
    for _ in range(3):
        marketo.get("/rest/v1/activities/types.json")
    marketo.refused("/rest/v1/lead/7.json")
    marketo.refused("/rest/v1/leads.json", filterType="id")
    [today] = marketo.get("/rest/v1/stats/usage.json")["result"]
    # the fifth call is this one
    assert (today["date"], today["total"]) == ("2026-11-19", 6)
    assert today["users"][0]["count"] == 6
    [errors] = marketo.get("/rest/v1/stats/errors.json")["result"]
    assert errors["errors"] == [
        {"errorCode": "1002", "count": 1},
        {"errorCode": "1004", "count": 1},
    ]
    marketo.clock.advance(DAY)
    marketo.renew()
    week = marketo.get("/rest/v1/stats/usage/last7days.json")["result"]
    assert [day["total"] for day in week] == [1, 7, 0, 0, 0, 0, 0]
    week = marketo.get("/rest/v1/stats/errors/last7days.json")["result"]
    assert [day["total"] for day in week] == [0, 2, 0, 0, 0, 0, 0]


# refusals


def test_refusals_are_told_within_a_200(marketo: Served) -> None:
    token = marketo.since(0)
    assert marketo.refused("/rest/v1/unicorns.json")[0] == "610"
    assert marketo.refused("/rest/v1/lead/7.json") == ("1004", "Lead '7' not found")
    assert marketo.refused("/rest/v1/lead/seven.json")[0] == "1001"
    assert marketo.refused("/rest/v1/leads.json", filterValues="7")[0] == "1002"
    find = {"filterType": "id", "filterValues": "7"}
    assert marketo.refused("/rest/v1/leads.json", **find, fields="unicorn") == (
        "1006", "Field 'unicorn' not found",
    )  # fmt: skip
    assert marketo.refused("/rest/v1/leads.json", **find | {"filterType": "unicorn"})[0] == "1006"
    assert marketo.refused("/rest/v1/leads.json", **find | {"filterType": "phone"})[0] == "1011"
    assert marketo.refused(LOG, activityTypeIds="1")[0] == "1002"
    assert marketo.refused(LOG, nextPageToken=token)[0] == "1002"
    eleven = ",".join(map(str, range(1, 12)))
    assert marketo.refused(LOG, nextPageToken=token, activityTypeIds=eleven)[0] == "1003"
    assert marketo.refused(LOG, nextPageToken="???", activityTypeIds="1")[0] == "1003"
    path = "/rest/v1/activities/pagingtoken.json"
    assert marketo.refused(path, sinceDatetime="yesterday")[0] == "704"
    assert marketo.refused("/rest/v1/leads/programs/7.json")[0] == "1013"
    assert refusal(marketo.http.post("/rest/v1/activities/types.json"))[0] == "605"
    assert refusal(marketo.http.get(f"{LEADS}/create.json"))[0] == "605"
    assert refusal(marketo.http.post(f"{LEADS}/create.json", content="{"))[0] == "609"


@pytest.mark.parametrize("code", [502, 601, 604, 606, 607, 608, 611, 614, 615, 702, 713, 1029])
def test_any_refusal_comes_on_order_in_marketos_words(marketo: Served, code: int) -> None:
    marketo.simulator.faults.order(Fault("status", status=code))
    answer = marketo.http.get("/rest/v1/activities/types.json")
    assert answer.status_code == (502 if code == 502 else 200)
    content = answer.json()
    assert content["success"] is False
    assert content["errors"][0]["code"] == str(code)
    assert content["errors"][0]["message"] not in ("", "System error") or code == 611


def test_a_uri_that_is_too_long_is_http_414_and_a_post_is_not(
    marketo: Served, records: list[Held]
) -> None:
    ids = [str(one.id) for one in records][:300]
    find = {"filterType": "id", "filterValues": ",".join(ids) + "," * 8_192}
    answer = marketo.http.get("/rest/v1/leads.json", params=find)
    assert answer.status_code == 414
    path = "/rest/v1/leads.json"
    by_uri = granted(marketo.http.post(f"{path}?_method=GET", data=find))["result"]
    by_body = granted(marketo.http.post(path, data={**find, "_method": "GET"}))["result"]
    assert by_uri == by_body
    assert len(by_uri) == sum(one.is_live for one in records)
    # without the word it is a write
    assert refusal(marketo.http.post(path, data=find))[0] == "605"


def test_a_body_that_is_too_large_is_http_413(marketo: Served) -> None:
    body = b'{"format": "' + b" " * 1_048_576 + b'"}'
    assert marketo.http.post(f"{LEADS}/create.json", content=body).status_code == 413


# leads


def test_leads_are_found_by_values_and_by_default_tell_little(
    marketo: Served, records: list[Held]
) -> None:
    one = next(one for one in records if one.is_live and one.story.prospect.has_own_mailbox)
    find = {"filterType": "email", "filterValues": f"nobody@x.example,{one.record.email.upper()}"}
    [row] = marketo.get("/rest/v1/leads.json", **find)["result"]
    assert row.keys() == {"id", "email", "updatedAt", "createdAt", "firstName", "lastName"}
    assert row["id"] == one.id
    assert marketo.get("/rest/v1/leads.json", **find | {"filterValues": "x"})["result"] == []
    fields = "email,arrivedOn,leadScore,sfdcContactId,acquisitionProgramId"
    [row] = marketo.get("/rest/v1/leads.json", **find, fields=fields)["result"]
    assert row.keys() == {"id", *fields.split(",")}
    assert isinstance(row["leadScore"], int)
    by_crm = {"filterType": "sfdcLeadId", "fields": "sfdcLeadId"}
    [own] = marketo.get(f"/rest/v1/lead/{one.id}.json", fields="sfdcLeadId")["result"]
    [same] = marketo.get("/rest/v1/leads.json", **by_crm, filterValues=own["sfdcLeadId"])["result"]
    assert same == own


def test_pages_of_leads_follow_a_token_to_a_thousand_at_most(serve: Serve) -> None:
    marketo = serve()
    find = {"filterType": "region", "filterValues": "Americas", "batchSize": 100}
    page = marketo.get("/rest/v1/leads.json", **find)
    found = page["result"]
    while page.get("moreResult"):
        page = marketo.get("/rest/v1/leads.json", **find, nextPageToken=page["nextPageToken"])
        found += page["result"]
    assert "nextPageToken" not in page
    ids = [row["id"] for row in found]
    assert ids == sorted(set(ids))
    assert len(ids) > 200
    marketo.order("import", count=1_000)
    assert marketo.refused("/rest/v1/leads.json", **find) == (
        "1003", "Too many results match the filter",
    )  # fmt: skip


def test_more_than_three_hundred_values_are_refused(marketo: Served) -> None:
    values = ",".join(map(str, range(301)))
    assert marketo.refused("/rest/v1/leads.json", filterType="id", filterValues=values)[0] == "1003"


def test_fields_are_described_in_two_ways(marketo: Served) -> None:
    one = marketo.get("/rest/v1/leads/describe.json")["result"]
    [two] = marketo.get("/rest/v1/leads/describe2.json")["result"]
    assert [field["rest"]["name"] for field in one] == [field["name"] for field in two["fields"]]
    types = {field["name"]: field["dataType"] for field in two["fields"]}
    assert types["leadScore"] == "integer"
    assert types["arrivedOn"] == "date"
    assert types["fullName"] == "formula"
    assert ["email"] in two["searchableFields"]
    assert ["phone"] not in two["searchableFields"]
    [members] = marketo.get("/rest/v1/programs/members/describe.json")["result"]
    assert "membershipDate" in {field["name"] for field in members["fields"]}


def test_members_of_a_program_are_found_by_status_and_change(
    marketo: Served, records: list[Held]
) -> None:
    joined = Counter(one.record.campaign_id for one in records if one.is_live)
    del joined[""]
    [(campaign, _)] = joined.most_common(1)
    path = f"/rest/v1/programs/{1_000 + int(campaign[1:])}/members.json"
    members = marketo.get(path, filterType="statusName", filterValues="Member")["result"]
    assert members
    assert members[0].keys() == {
        "seq", "leadId", "programId", "acquiredBy", "membershipDate", "reachedSuccess",
    }  # fmt: skip
    assert not marketo.get(path, filterType="statusName", filterValues="Engaged")["result"]
    one = members[0]
    again = marketo.get(path, filterType="leadId", filterValues=one["leadId"], fields="program")
    assert [row["leadId"] for row in again["result"]] == [one["leadId"]]
    joined_at = datetime.fromisoformat(one["membershipDate"])
    week = {
        "filterType": "updatedAt",
        "startAt": one["membershipDate"],
        "endAt": (joined_at + timedelta(days=7)).isoformat(),
    }
    assert one["leadId"] in [row["leadId"] for row in marketo.get(path, **week)["result"]]
    week["endAt"] = (joined_at + timedelta(days=8)).isoformat()
    assert marketo.refused(path, **week)[0] == "1003"


# the log


def test_what_has_not_happened_is_not_known(marketo: Served, records: list[Held]) -> None:
    then = COMPANY.ends_at - 200 * DAY
    marketo.clock.set(at(then))
    marketo.renew()
    rows = marketo.log(12, 22, 13, 101, 2, 6, 32)
    assert max(row["activityDate"] for row in rows) <= text(then)
    # the most recent line is told in its very second, and not before
    last = max(rows, key=lambda row: row["activityDate"])["activityDate"]
    marketo.clock.set(datetime.fromisoformat(last))
    assert last in {row["activityDate"] for row in marketo.log(12, 22, 13, 101, 2, 6, 32)}
    marketo.clock.advance(-1)
    assert last not in {row["activityDate"] for row in marketo.log(12, 22, 13, 101, 2, 6, 32)}

    marketo.clock.set(at(then))
    later = [one for one in records if one.record.known_at > then]
    assert len(later) > 50
    assert marketo.refused(f"/rest/v1/lead/{later[0].id}.json")[0] == "1004"
    changed = 0
    for one in records:
        score = [(when, value) for when, name, value in one.changes if name == "score"]
        past = [value for when, value in score if when <= then]
        if one.is_live and not one.story.merges and past and past[-1] != score[-1][1]:
            [row] = marketo.get(f"/rest/v1/lead/{one.id}.json", fields="leadScore")["result"]
            assert str(row["leadScore"]) == past[-1]
            changed += 1
    assert changed > 3


def test_a_page_can_be_empty_with_more_behind_it(marketo: Served) -> None:
    """Pitfall M4 as well: such an answer has no ``result`` at all."""
    token, pages, has_more = marketo.since(0), [], True
    while has_more:
        page = marketo.get(LOG, nextPageToken=token, activityTypeIds="32", batchSize=100)
        pages.append(page)
        token, has_more = page["nextPageToken"], page["moreResult"]
    assert sum("result" not in page and page["moreResult"] for page in pages) > 3
    assert sum(len(page.get("result", [])) for page in pages) > 4
    # the last page has a token too, and behind it there is nothing
    after = marketo.get(LOG, nextPageToken=token, activityTypeIds="32")
    assert after.keys() == {"requestId", "success", "nextPageToken", "moreResult"}
    assert after["moreResult"] is False


def test_a_page_has_three_hundred_lines_at_most(marketo: Served) -> None:
    types = "1,2,6,7,10,11,12,13,22,101"
    page = marketo.get(LOG, nextPageToken=marketo.since(0), activityTypeIds=types, batchSize=900)
    assert len(page["result"]) == 300
    assert page["moreResult"]
    wish = {"nextPageToken": marketo.since(0), "activityTypeIds": types.split(",")}
    repeated = marketo.http.get(LOG, params=wish)
    assert granted(repeated)["result"] == page["result"]


def test_a_token_is_the_place_behind_its_second(marketo: Served) -> None:
    """Whoever asks again from the last second that was seen loses what else was in it."""
    rows = marketo.log(12, 101, 104)
    seconds = Counter(row["activityDate"] for row in rows)
    shared = next(second for second, count in seconds.items() if count > 1)
    moment = int(datetime.fromisoformat(shared).timestamp())
    assert shared not in {row["activityDate"] for row in marketo.log(12, 101, 104, since=moment)}
    before = marketo.log(12, 101, 104, since=moment - 1)
    assert sum(row["activityDate"] == shared for row in before) == seconds[shared]


def test_activities_have_ids_of_their_own_and_come_in_order(marketo: Served) -> None:
    rows = marketo.log(1, 2, 6, 7, 10, 11, 12, 13, 22, 101)
    guids = [row["marketoGUID"] for row in rows]
    assert len(set(guids)) == len(guids) > 2_000
    assert [row["activityDate"] for row in rows] == sorted(row["activityDate"] for row in rows)


def test_the_log_is_read_by_lead_and_by_asset(marketo: Served, records: list[Held]) -> None:
    wanted = [one.id for one in records if one.is_live][:30]
    rows = marketo.log(12, 101, leadIds=",".join(map(str, wanted)))
    assert {row["leadId"] for row in rows} == set(wanted)
    assert marketo.refused(
        LOG, nextPageToken=marketo.since(0), activityTypeIds="12",
        leadIds=",".join(map(str, range(31))),
    )[0] == "1003"  # fmt: skip
    forms = marketo.log(2)
    asset = forms[0]["primaryAttributeValueId"]
    assert marketo.log(2, assetIds=asset) == [
        row for row in forms if row["primaryAttributeValueId"] == asset
    ]
    assert marketo.refused(
        LOG, nextPageToken=marketo.since(0), activityTypeIds="2,12", assetIds=asset
    )[0] == "1003"  # fmt: skip


def test_times_are_told_in_four_ways(marketo: Served) -> None:
    [row, *_] = marketo.log(13)
    assert row["activityDate"].endswith("Z")
    change = next(
        row
        for row in marketo.pages(
            "/rest/v1/activities/leadchanges.json", 0, {"fields": "lifecycleStage,phone"}
        )
        if row["activityTypeId"] == 13
    )
    assert change["activityDate"] == row["activityDate"].replace("Z", "+0000")
    [program, *_] = marketo.get("/rest/asset/v1/programs.json")["result"]
    assert program["createdAt"].endswith("T00:00:00Z+0000")
    [job] = marketo.post(f"{LEADS}/create.json", WISH)["result"]
    assert job["createdAt"] == "2026-11-19T18:00:00-08:00"


def test_a_merge_moves_what_was_told_of_the_loser(marketo: Served, records: list[Held]) -> None:
    """Pitfall M6: the loser is gone without a deletion; only the winner's log names it."""
    loser = next(one for one in records if one.now != one.id and len(one.story.merges) == 1)
    [merge] = loser.story.merges
    marketo.clock.set(at(merge.at - 1))
    marketo.renew()
    before = marketo.log(12, 101, leadIds=loser.id)
    assert before
    assert marketo.get(f"/rest/v1/lead/{loser.id}.json")["result"]

    marketo.clock.advance(1)
    assert marketo.refused(f"/rest/v1/lead/{loser.id}.json")[0] == "1004"
    assert marketo.log(12, 101, leadIds=loser.id) == []
    after = {row["marketoGUID"]: row for row in marketo.log(12, 101, leadIds=loser.now)}
    for row in before:
        assert after[row["marketoGUID"]] == row | {"leadId": loser.now}
    [line] = marketo.log(32, leadIds=loser.now)
    about = {one["name"]: one["value"] for one in line["attributes"]}
    assert about["Merge IDs"] == f"[{loser.id}]"
    assert line["primaryAttributeValueId"] == loser.now
    deletions = marketo.pages("/rest/v1/activities/deletedleads.json", merge.at - DAY, {})
    assert loser.id not in {row["leadId"] for row in deletions}


def test_a_winner_gets_the_values_it_has_not(marketo: Served, records: list[Held]) -> None:
    losers = [one for one in records if one.now != one.id and one.record.campaign_id]
    assert losers
    for one in losers:
        fields = "acquisitionProgramId,createdAt"
        [row] = marketo.get(f"/rest/v1/lead/{one.now}.json", fields=fields)["result"]
        winner = next(other for other in records if other.id == one.now)
        assert row["createdAt"] == text(winner.record.known_at)
        campaign_id = winner.record.campaign_id or one.record.campaign_id
        assert row["acquisitionProgramId"] == 1_000 + int(campaign_id[1:])


def test_deleted_leads_leave_their_log_behind(marketo: Served, records: list[Held]) -> None:
    gone = next(one for one in records if one.deleted is not None)
    assert gone.deleted is not None
    marketo.clock.set(at(gone.deleted - 1))
    marketo.renew()
    before = marketo.log(12, 101, leadIds=gone.id)
    assert marketo.get(f"/rest/v1/lead/{gone.id}.json")["result"]
    marketo.clock.advance(1)
    assert marketo.refused(f"/rest/v1/lead/{gone.id}.json")[0] == "1004"
    assert marketo.log(12, 101, leadIds=gone.id) == before
    page = marketo.get(
        "/rest/v1/activities/deletedleads.json", nextPageToken=marketo.since(gone.deleted - 1)
    )
    assert [row["leadId"] for row in page["result"]] == [gone.id]
    again = marketo.get(
        "/rest/v1/activities/deletedleads.json", nextPageToken=page["nextPageToken"]
    )
    assert "result" not in again
    assert again["moreResult"] is False


def test_deletions_are_in_no_log_and_no_extract(marketo: Served) -> None:
    """Pitfall M6."""
    assert marketo.log(37) == []
    wish = {"filter": {**MONTH, "activityTypeIds": [37]}}
    assert refusal(marketo.http.post(f"{ACTIVITIES}/create.json", json=wish))[0] == "1003"


def test_the_log_is_purged_by_type_once_it_is_ordered(serve: Serve) -> None:
    marketo = serve()
    before = {type_: marketo.log(type_) for type_ in (13, 22, 101, 12)}
    marketo.order("purge")
    since = text(COMPANY.ends_at - 90 * DAY)
    for type_ in (13, 22):
        told = marketo.log(type_)
        assert told == [row for row in before[type_] if row["activityDate"] > since]
        assert len(told) < len(before[type_])
    for type_ in (101, 12):
        assert marketo.log(type_) == before[type_]


# assets


def test_assets_that_are_not_found_are_a_warning_without_result(marketo: Served) -> None:
    """Pitfall M4: a success, and no ``result`` to look into."""
    for path, params in (
        ("/rest/asset/v1/program/7.json", {}),
        ("/rest/asset/v1/program/byName.json", {"name": "nobody"}),
        ("/rest/asset/v1/programs.json", {"offset": 1_000}),
    ):
        told = marketo.get(path, **params)
        assert "result" not in told
        assert told["warnings"] == ["No assets found for the given search criteria."]


def test_programs_come_twenty_at_a_time_and_two_hundred_at_most(marketo: Served) -> None:
    path = "/rest/asset/v1/programs.json"
    first = marketo.get(path)["result"]
    assert len(first) == 20
    everything = marketo.get(path, maxReturn=500)["result"]
    assert 20 < len(everything) <= 200
    assert marketo.get(path, offset=20)["result"] == everything[20:40]
    assert "costs" not in everything[0]
    # a program has no end but in its own answer, and by name no costs unless they are asked for
    name = everything[0]["name"]
    [bare] = marketo.get("/rest/asset/v1/program/byName.json", name=name)["result"]
    assert bare["costs"] is None
    [whole] = marketo.get("/rest/asset/v1/program/byName.json", name=name, includeCosts="true")[
        "result"
    ]
    assert whole["costs"]
    marketo.clock.set(at(COMPANY.starts_at))
    marketo.renew()
    assert len(marketo.get(path, maxReturn=200).get("result", [])) < len(everything) // 2


def test_costs_are_those_of_the_days_that_are_over(marketo: Served) -> None:
    path = "/rest/asset/v1/programs.json"
    number_ = marketo.get(path)["result"][0]["id"]

    def costs() -> list[Any]:
        [program] = marketo.get(f"/rest/asset/v1/program/{number_}.json")["result"]
        return program["costs"] or []

    whole, [program] = costs(), marketo.get(f"/rest/asset/v1/program/{number_}.json")["result"]
    started = datetime.fromisoformat(program["createdAt"].removesuffix("+0000"))
    marketo.clock.set(started + timedelta(hours=23))
    marketo.renew()
    assert costs() == []
    marketo.clock.set(started + timedelta(days=3))
    marketo.renew()
    assert 0 < sum(month["cost"] for month in costs()) < sum(month["cost"] for month in whole)
    marketo.clock.set(started - timedelta(seconds=1))
    marketo.renew()
    assert "result" not in marketo.get(f"/rest/asset/v1/program/{number_}.json")


# bulk extracts


def test_a_job_is_created_queued_processed_and_completed(bulk: Served) -> None:
    job = job_of(bulk)
    assert "queuedAt" not in status(bulk, job)
    bulk.post(f"{LEADS}/{job}/enqueue.json")
    seen: list[str] = []
    for _ in range(20):
        told = status(bulk, job)
        if not seen or told["status"] != seen[-1]:
            seen.append(told["status"])
        bulk.clock.advance(10)
    assert seen == ["Queued", "Processing", "Completed"]
    assert told.keys() == {
        "exportId", "format", "status", "createdAt", "queuedAt", "startedAt", "finishedAt",
        "numberOfRecords", "fileSize", "fileChecksum",
    }  # fmt: skip
    assert told["startedAt"] < told["finishedAt"]


def test_a_status_is_looked_at_once_a_minute(bulk: Served) -> None:
    job = enqueued(bulk)
    told = [status(bulk, job)]
    for _ in range(180):
        bulk.clock.advance(1)
        told.append(status(bulk, job))
    changes = [second for second in range(1, 181) if told[second] != told[second - 1]]
    assert changes
    assert all(second % 60 == 0 for second in changes)
    finished = datetime.fromisoformat(told[-1]["finishedAt"])
    queued = datetime.fromisoformat(told[-1]["queuedAt"])
    # it was done before anybody could know
    assert (finished - queued).seconds < changes[-1]


def test_a_file_is_had_when_it_is_told_to_be_done(serve: Serve) -> None:
    marketo = serve()
    job = enqueued(marketo)
    path = f"{LEADS}/{job}/file.json"
    for _ in range(12):
        answer, is_done = marketo.http.get(path), status(marketo, job)["status"] == "Completed"
        assert answer.status_code == (200 if is_done else 404)
        if not is_done:
            assert answer.headers["content-type"].startswith("text/plain")
        marketo.clock.advance(15)
    assert is_done
    assert marketo.http.get(f"{LEADS}/{'0' * 36}/file.json").status_code == 404
    assert marketo.http.get(f"{ACTIVITIES}/{job}/file.json").status_code == 404
    assert marketo.refused(f"{ACTIVITIES}/{job}/status.json")[0] == "1013"
    marketo.clock.advance(8 * DAY)
    marketo.renew()
    assert marketo.http.get(path).status_code == 404
    assert status(marketo, job)["status"] == "Completed"
    assert marketo.get(f"{LEADS}.json")["result"] == []
    marketo.clock.advance(30 * DAY)
    marketo.renew()
    assert marketo.refused(f"{LEADS}/{job}/status.json")[0] == "1013"


def test_a_file_is_read_in_parts_and_checked(bulk: Served) -> None:
    job = enqueued(bulk)
    bulk.clock.advance(300)
    told, path = status(bulk, job), f"{LEADS}/{job}/file.json"
    whole = bulk.http.get(path).content
    assert len(whole) == told["fileSize"]
    assert told["fileChecksum"] == f"sha256:{hashlib.sha256(whole).hexdigest()}"
    assert told["numberOfRecords"] == len(rows_of(whole))
    parts = b""
    while len(parts) < len(whole):
        wish = f"bytes={len(parts)}-{len(parts) + 499}"
        answer = bulk.http.get(path, headers={"Range": wish})
        assert answer.status_code == 206
        last = len(parts) + len(answer.content) - 1
        assert answer.headers["content-range"] == f"bytes {len(parts)}-{last}/{len(whole)}"
        parts += answer.content
    assert parts == whole
    rest = bulk.http.get(path, headers={"Range": "bytes=100-"})
    assert rest.content == whole[100:]
    beyond = bulk.http.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


def test_a_download_that_is_cut_is_resumed(bulk: Served) -> None:
    job = enqueued(bulk)
    bulk.clock.advance(300)
    path, size = f"{LEADS}/{job}/file.json", status(bulk, job)["fileSize"]
    whole = bulk.http.get(path).content
    bulk.simulator.faults.order(Fault("truncate", times=1, path="/file.json"))
    had = bytearray()

    def download() -> None:
        with bulk.http.stream("GET", path) as answer:
            for chunk in answer.iter_raw():
                had.extend(chunk)

    with pytest.raises(httpx.RemoteProtocolError):
        download()
    assert 0 < len(had) < size
    rest = bulk.http.get(path, headers={"Range": f"bytes={len(had)}-{size - 1}"})
    assert bytes(had) + rest.content == whole


def test_two_jobs_run_and_ten_wait_at_most(bulk: Served) -> None:
    """The first meaning of 1029 (pitfall M5); all kinds share the queue."""
    jobs = [(LEADS, enqueued(bulk)) for _ in range(5)]
    jobs += [(ACTIVITIES, enqueued(bulk, ACTIVITIES, fields=None)) for _ in range(5)]
    last = job_of(bulk)
    refused = bulk.http.post(f"{LEADS}/{last}/enqueue.json")
    assert refusal(refused) == ("1029", "Too many jobs in queue")
    running = set()
    for _ in range(12):
        bulk.clock.advance(60)
        told = Counter(status(bulk, job, base)["status"] for base, job in jobs)
        running.add(told["Processing"])
        assert told["Processing"] <= 2
    assert running == {0, 2}
    assert told == {"Completed": 10}
    assert bulk.post(f"{LEADS}/{last}/enqueue.json")["result"][0]["status"] == "Queued"


def test_a_job_is_queued_once(bulk: Served) -> None:
    """The second meaning of 1029 (pitfall M5)."""
    job = enqueued(bulk)
    again = bulk.http.post(f"{LEADS}/{job}/enqueue.json")
    assert refusal(again) == ("1029", "Job already queued")


def test_a_days_exports_have_a_quota(serve: Serve) -> None:
    """The third meaning of 1029 (pitfall M5): jobs in the queue finish, and no more come."""
    marketo = serve()
    created, running = job_of(marketo), enqueued(marketo)
    marketo.order("quota", of="export")
    quota = ("1029", "Export daily quota exceeded")
    assert refusal(marketo.http.post(f"{LEADS}/create.json", json=WISH)) == quota
    assert refusal(marketo.http.post(f"{LEADS}/{created}/enqueue.json")) == quota
    marketo.clock.advance(300)
    assert status(marketo, running)["status"] == "Completed"
    # 20:05 in Chicago
    marketo.clock.set(datetime(2026, 11, 20, 6, tzinfo=UTC))
    marketo.renew()
    assert marketo.post(f"{LEADS}/{created}/enqueue.json")


def test_what_was_exported_counts_by_the_size_of_its_files(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    marketo = serve()
    size = len(marketo.extract(LEADS, **WISH))
    monkeypatch.setattr("smarketing.sandbox.vendors.marketo.bulk.QUOTA", 2 * size)
    marketo.extract(LEADS, **WISH)
    refused = marketo.http.post(f"{LEADS}/create.json", json=WISH)
    assert refusal(refused) == ("1029", "Export daily quota exceeded")


def test_jobs_are_cancelled_with_two_spellings(serve: Serve) -> None:
    marketo = serve()
    jobs = [enqueued(marketo) for _ in range(4)]
    marketo.clock.advance(40)
    # one of the two that run: the third takes its place
    [told] = marketo.post(f"{LEADS}/{jobs[0]}/cancel.json")["result"]
    assert told["status"] == "Cancelled"
    assert status(marketo, jobs[0])["status"] == "Canceled"
    marketo.post(f"{LEADS}/{jobs[3]}/cancel.json")
    marketo.clock.advance(120)
    assert [status(marketo, job)["status"] for job in jobs] == [
        "Canceled", "Completed", "Completed", "Canceled",
    ]  # fmt: skip
    assert refusal(marketo.http.post(f"{LEADS}/{jobs[1]}/cancel.json"))[0] == "1003"
    assert marketo.http.get(f"{LEADS}/{jobs[0]}/file.json").status_code == 404
    listed = marketo.get(f"{LEADS}.json", status="Completed,Failed")["result"]
    assert [job["exportId"] for job in listed] == jobs[1:3]
    assert marketo.get(f"{ACTIVITIES}.json")["result"] == []


def test_jobs_fail_on_order(serve: Serve) -> None:
    marketo = serve()
    job = enqueued(marketo)
    marketo.order("export_failure")
    marketo.clock.advance(300)
    told = status(marketo, job)
    assert (told["status"], "fileSize" in told) == ("Failed", False)
    assert marketo.http.get(f"{LEADS}/{job}/file.json").status_code == 404


def test_a_file_holds_what_was_there_when_its_job_started(serve: Serve) -> None:
    marketo = serve()
    job = enqueued(marketo, filter={"createdAt": {
        "startAt": "2026-11-20T00:00:00Z", "endAt": "2026-11-30T00:00:00Z"}})  # fmt: skip
    marketo.clock.advance(10)
    marketo.order("import", count=3)
    marketo.clock.advance(40)
    marketo.order("import", count=5)
    marketo.clock.advance(300)
    rows = rows_of(marketo.http.get(f"{LEADS}/{job}/file.json").content)
    assert sum(row["company"].startswith("Import") for row in rows) == 3


@pytest.mark.parametrize(
    ("base", "wish", "code"),
    [
        (LEADS, {"fields": None}, "1002"),
        (LEADS, {"fields": ["unicorn"]}, "1003"),
        (LEADS, {"filter": None}, "1002"),
        (LEADS, {"filter": {**MONTH, "updatedAt": MONTH["createdAt"]}}, "1003"),
        (LEADS, {"filter": {"staticListId": 7}}, "1013"),
        (LEADS, {"format": "XML"}, "1003"),
        (ACTIVITIES, {"fields": None, "filter": {"activityTypeIds": [1]}}, "1002"),
        (ACTIVITIES, {"fields": ["unicorn"]}, "1003"),
        (ACTIVITIES, {"fields": [], "filter": {**MONTH, "primaryAttributeValues": ["x"]}}, "1003"),
        (MEMBERS, {"filter": {}}, "1002"),
        (MEMBERS, {"filter": {"programId": 7}}, "1003"),
        (MEMBERS, {"filter": {"programIds": list(range(1001, 1012))}}, "1003"),
        (MEMBERS, {"filter": {"programId": 1001, "statusNames": ["Asleep"]}}, "1003"),
    ],
)  # fmt: skip
def test_jobs_that_cannot_be_are_refused(
    marketo: Served, base: str, wish: dict[str, Any], code: str
) -> None:
    """Pitfall M4: an unknown field fails the whole job."""
    refused = marketo.http.post(f"{base}/create.json", json={**WISH, **wish})
    assert refusal(refused)[0] == code


@pytest.mark.parametrize(
    ("until", "code"),
    [("2026-11-20T00:00:01Z", "1003"), ("2026-11-20T00:00:00.000Z", "704"), ("soon", "704")],
)
def test_a_range_has_thirty_one_days_and_no_milliseconds(
    marketo: Served, until: str, code: str
) -> None:
    wish = {**WISH, "filter": {"createdAt": {"startAt": "2026-10-20T00:00:00Z", "endAt": until}}}
    assert refusal(marketo.http.post(f"{LEADS}/create.json", json=wish))[0] == code


def test_a_range_holds_both_its_ends(bulk: Served, records: list[Held]) -> None:
    one = next(one for one in records if one.is_live)
    moment = text(one.record.known_at)
    wish = {"filter": {"createdAt": {"startAt": moment, "endAt": moment}}, "fields": ["id"]}
    assert [row["id"] for row in rows_of(bulk.extract(LEADS, **wish))] == [str(one.id)]


def test_an_extract_by_update_goes_by_any_field(serve: Serve, records: list[Held]) -> None:
    """What it goes by is not what ``updatedAt`` shows: a stage is a custom field."""
    marketo = serve()
    marketo.clock.advance(600)
    marketo.order("bulk_edit")
    now = text(marketo.clock.now() // 1_000)
    wish = {"filter": {"updatedAt": {"startAt": now, "endAt": now}}, "fields": ["id", "updatedAt"]}
    rows = rows_of(marketo.extract(LEADS, **wish))
    assert {row["id"] for row in rows} == {str(one.id) for one in records if one.is_live}
    assert all(row["updatedAt"] < now for row in rows)


def test_an_instance_without_corona_knows_no_updates(serve: Serve) -> None:
    """Pitfall M1."""
    marketo = serve()
    marketo.order("no_corona")
    for base, more in ((LEADS, {}), (MEMBERS, {"programId": 1001})):
        for name in ("updatedAt", "smartListId"):
            wish = {**WISH, "filter": {name: MONTH["createdAt"], **more}}
            code, message = refusal(marketo.http.post(f"{base}/create.json", json=wish))
            assert code == "1035"
            assert message.startswith("Unsupported filter type for target subscription")
    assert rows_of(marketo.extract(LEADS, **WISH))


def test_files_have_the_word_null_and_line_ends_in_values(
    serve: Serve, records: list[Held]
) -> None:
    """Pitfall M3: a reader that splits at every line end has too many lines."""
    marketo = serve()
    odd = next(
        one for one in records if one.is_live and "\n" in one.story.prospect.account.name
    )  # fmt: skip
    moment = text(odd.record.known_at)
    marketo.order("new_field", name="note", value="one\rtwo")
    wish = {
        "filter": {"createdAt": {"startAt": moment, "endAt": moment}},
        "fields": ["id", "company", "sfdcContactId", "fullName", "note"],
        "columnHeaderNames": {"company": "Firm"},
    }
    file = marketo.extract(LEADS, **wish)
    [row] = rows_of(file)
    assert row["Firm"] == odd.story.prospect.account.name.replace("\n", "\r")
    assert row["note"] == "one\rtwo"
    assert len(file.decode().splitlines()) > 2
    assert file.count(b"\n") == 2
    # formulas are not exported
    assert row["fullName"] == "null"
    [told] = marketo.get(f"/rest/v1/lead/{odd.id}.json", fields="company,fullName")["result"]
    assert told["company"] == row["Firm"]
    assert told["fullName"] or not odd.story.prospect.has_own_mailbox


def test_files_have_nul_on_order_only(serve: Serve) -> None:
    """Pitfall M3."""
    marketo = serve()
    honest = marketo.extract(LEADS, **WISH)
    assert b"\0" not in honest
    marketo.order("nul")
    spoilt = marketo.extract(LEADS, **WISH)
    assert spoilt.count(b"\0") == len(rows_of(honest))
    assert spoilt.replace(b"\0", b"") == honest


@pytest.mark.parametrize(("format_", "delimiter"), [("CSV", ","), ("TSV", "\t"), ("SSV", ";")])
def test_files_come_in_three_formats(bulk: Served, format_: str, delimiter: str) -> None:
    file = bulk.extract(LEADS, **WISH, format=format_).decode()
    header, *rows = csv.reader(io.StringIO(file, newline=""), delimiter=delimiter)
    assert header == ["id", "company"]
    assert rows
    assert all(len(row) == 2 and row[0].isdigit() for row in rows)


def test_extracts_of_activities_are_narrowed(bulk: Served) -> None:
    wish = {"filter": {**MONTH, "activityTypeIds": [2, 12]}}
    rows = rows_of(bulk.extract(ACTIVITIES, **wish))
    assert {row["activityTypeId"] for row in rows} == {"2", "12"}
    wish = {"filter": {**MONTH, "activityTypeIds": [2], "primaryAttributeValueIds": [3001]}}
    ids = rows_of(bulk.extract(ACTIVITIES, **wish))
    wish = {"filter": {**MONTH, "activityTypeIds": [2], "primaryAttributeValues": ["Talk to us"]}}
    assert ids == rows_of(bulk.extract(ACTIVITIES, **wish))
    assert {row["primaryAttributeValue"] for row in ids} == {"Talk to us"}
    wish = {"filter": MONTH, "fields": ["leadId", "actionResult"]}  # type: ignore[dict-item]
    rows = rows_of(bulk.extract(ACTIVITIES, **wish))
    assert {row["actionResult"] for row in rows} == {"succeeded"}


def test_members_are_extracted_with_fields_of_the_lead(bulk: Served, records: list[Held]) -> None:
    one = next(one for one in records if one.is_live and one.record.campaign_id)
    program = 1_000 + int(one.record.campaign_id[1:])
    wish: dict[str, Any] = {
        "filter": {"programId": program},
        "fields": ["leadId", "country", "statusName"],
    }
    rows = rows_of(bulk.extract(MEMBERS, **wish))
    assert list(rows[0]) == ["leadId", "country", "statusName"]
    country = one.story.prospect.account.country
    assert {"leadId": str(one.id), "country": country, "statusName": "Member"} in rows
    wish["filter"]["statusNames"] = ["Engaged"]
    assert rows_of(bulk.extract(MEMBERS, **wish)) == []


# what nobody expects


def test_an_import_and_a_bulk_edit_are_in_the_log(serve: Serve) -> None:
    marketo = serve()
    marketo.clock.advance(60)
    marketo.order("import", count=400)
    marketo.order("bulk_edit")
    rows = marketo.log(12, 13, since=COMPANY.ends_at)
    told = Counter((row["activityTypeId"], row["activityDate"]) for row in rows)
    moment = text(COMPANY.ends_at + 60)
    assert told[12, moment] == 400
    assert told[13, moment] > 600
    assert len({row["marketoGUID"] for row in rows}) == told.total()


def test_rows_that_change_behind_a_page_are_told_as_changes(serve: Serve) -> None:
    marketo = serve()
    marketo.clock.advance(60)
    marketo.simulator.faults.order(Fault("change", times=1, path="/leads.json"))
    find = {"filterType": "region", "filterValues": "Americas", "batchSize": 20}
    page = marketo.get("/rest/v1/leads.json", **find)
    rows = marketo.log(13, since=COMPANY.ends_at)
    assert {row["leadId"] for row in rows} == {row["id"] for row in page["result"]}


def test_a_page_tells_a_row_twice_on_order(marketo: Served) -> None:
    wish = {"nextPageToken": marketo.since(0), "activityTypeIds": "12"}
    honest = marketo.get(LOG, **wish)["result"]
    marketo.simulator.faults.order(Fault("duplicate", times=1, path=LOG))
    assert marketo.get(LOG, **wish)["result"] == [honest[0], *honest]


def test_fields_come_and_go_and_change_their_type(serve: Serve, records: list[Held]) -> None:
    marketo = serve()
    one = next(one for one in records if one.is_live)
    path = f"/rest/v1/lead/{one.id}.json"

    def types() -> dict[str, str]:
        [lead] = marketo.get("/rest/v1/leads/describe2.json")["result"]
        return {field["name"]: field["dataType"] for field in lead["fields"]}

    before = types()
    marketo.order("new_field", name="cohort", value="2026")
    assert types() == before | {"cohort": "string"}
    assert marketo.get(path, fields="cohort")["result"][0]["cohort"] == "2026"
    marketo.order("retype_field", name="cohort", type="string")
    [score] = marketo.get(path, fields="leadScore")["result"]
    marketo.order("retype_field", name="leadScore", type="string")
    assert types()["leadScore"] == "string"
    [text_score] = marketo.get(path, fields="leadScore")["result"]
    assert text_score["leadScore"] == str(score["leadScore"])
    marketo.order("drop_field", name="phone")
    assert "phone" not in types()
    assert marketo.refused(path, fields="phone")[0] == "1006"
    wish = {**WISH, "fields": ["id", "phone"]}
    assert refusal(marketo.http.post(f"{LEADS}/create.json", json=wish))[0] == "1003"


@pytest.mark.parametrize(
    "wish",
    [
        {"event": "bankruptcy"},
        {"event": "quota", "of": "patience"},
        # who lifted the limits has none to use up
        {"event": "quota", "of": "calls"},
        {"event": "drop_field", "name": "unicorn"},
        {"event": "retype_field", "name": "phone", "type": "float"},
        {"event": "new_field"},
        {"event": "import"},
    ],
)
def test_a_wish_that_makes_no_sense_is_explained(marketo: Served, wish: dict[str, Any]) -> None:
    answer = marketo.http.post("/_sandbox/events", json=wish)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_larger_company_has_ids_of_four_bytes_and_losers_with_a_past() -> None:
    company = Company(seed=8, leads=2_000, nights=1, ends=COMPANY.ends)
    instance = fill(company).instance
    assert 0 < min(instance.leads) < max(instance.leads) < 2**31
    assert number("L0000000000") == 1

    everybody = held(company)
    # before it lost, a loser had its own touches
    told = Counter((one.lead.id, one.at) for one in instance.log if one.type in (2, 6))
    assert told == Counter(
        (one.id, touch.at)
        for one in everybody
        for touch in one.story.touches
        if touch.record == one.index and (touch.kind == "form" or touch.is_automated)
    )
    losers = {one.id for one in everybody if one.now != one.id}
    assert losers & {lead for lead, _ in told}


def test_equal_companies_have_equal_instances(marketo: Served, serve: Serve) -> None:
    twin = serve()
    for types in ((1, 2, 6, 7, 10, 11, 12, 13, 22, 101), (8, 32, 104)):
        assert twin.log(*types) == marketo.log(*types)
