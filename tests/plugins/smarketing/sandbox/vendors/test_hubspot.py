"""HubSpot's manners, each of which has cost somebody data: over plain HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from smarketing.sandbox.story import Story
from smarketing.sandbox.vendors.hubspot import schema

from tests.plugins.smarketing.sandbox.vendors.conftest import (
    COMPANY,
    Serve,
    Served,
    renewal,
)

CONTACTS = "/crm/objects/2026-09/contacts"
MODIFIED = "lastmodifieddate"


def ms(at: str | datetime) -> str:
    """An instant as search filters want it."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return str(round(moment.timestamp() * 1000))


def where(name: str, operator: str, value: object) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def ids(page: Any) -> list[str]:
    return [row["id"] for row in page["results"]]


def instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def history(hubspot: Served, contact: str, name: str) -> list[tuple[str, str, str]]:
    """Value, instant and source, latest first."""
    record = hubspot.get(f"{CONTACTS}/{contact}", propertiesWithHistory=name)
    return [
        (one["value"], one["timestamp"], one["sourceType"])
        for one in record["propertiesWithHistory"][name]
    ]


# paths and paging


@pytest.mark.parametrize(
    ("legacy", "dated"),
    [
        ("/crm/v3/objects/contacts", "/crm/objects/2026-09/contacts"),
        ("/crm/v3/objects/0-3", "/crm/objects/2026-09/deals"),
        ("/crm/v3/owners/", "/crm/owners/2026-09"),
        ("/crm/v3/properties/contacts", "/crm/properties/2026-09/contacts"),
        ("/crm/v3/pipelines/deals", "/crm/pipelines/2026-09/deals"),
        ("/marketing/v3/campaigns", "/marketing/campaigns/2026-09"),
        ("/account-info/v3/details", "/account-info/2026-09/details"),
    ],
)
def test_legacy_and_dated_paths_have_the_same_bodies(
    hubspot: Served, legacy: str, dated: str
) -> None:
    def body(path: str) -> Any:
        content = hubspot.get(path)
        content.pop("paging", None)
        return content

    assert body(legacy) == body(dated)


def test_pages_follow_a_link_on_the_host_that_was_asked(hubspot: Served) -> None:
    page = hubspot.get(CONTACTS, limit=100, properties="email")
    found = ids(page)
    while "paging" in page:
        link = page["paging"]["next"]["link"]
        assert link.startswith(hubspot.url)
        page = hubspot.http.get(link).json()
        found += ids(page)
    assert len(found) == len(set(found)) == len(hubspot.pages(CONTACTS, limit=7))
    assert len(found) > 200


def test_a_page_is_ten_by_default_a_hundred_at_most_and_fifty_with_history(
    hubspot: Served,
) -> None:
    assert len(ids(hubspot.get(CONTACTS))) == 10
    assert hubspot.http.get(CONTACTS, params={"limit": 101}).status_code == 400
    options: dict[str, Any] = {"limit": 51, "propertiesWithHistory": "lifecyclestage"}
    assert hubspot.http.get(CONTACTS, params=options).status_code == 400
    assert len(ids(hubspot.get(CONTACTS, **{**options, "limit": 50}))) == 50
    body: dict[str, Any] = {
        "inputs": [{"id": one} for one in ids(hubspot.get(CONTACTS, limit=100))],
        "properties": [],
    }
    assert len(ids(hubspot.post(f"{CONTACTS}/batch/read", body))) == 100
    body["propertiesWithHistory"] = ["lifecyclestage"]
    assert hubspot.http.post(f"{CONTACTS}/batch/read", json=body).status_code == 400


def test_a_uri_of_too_many_properties_is_refused_and_a_batch_is_not(hubspot: Served) -> None:
    names = [f"property_number_{number}" for number in range(900)] + ["phone"]
    refused = hubspot.http.get(CONTACTS, params={"properties": ",".join(names)})
    assert refused.status_code == 414
    body = {"inputs": [{"id": one} for one in ids(hubspot.get(CONTACTS))], "properties": names}
    for row in hubspot.post(f"{CONTACTS}/batch/read", body)["results"]:
        # unknown names are passed over, a known one without a value is null
        assert "phone" in row["properties"]
        assert not any(name.startswith("property_number") for name in row["properties"])


def test_every_value_is_text(hubspot: Served) -> None:
    names = ",".join(schema.PROPERTIES["contacts"])
    values = [
        value
        for row in hubspot.pages(CONTACTS, limit=100, properties=names)
        for value in row["properties"].values()
    ]
    assert all(isinstance(value, str) and value for value in values)


def test_a_batch_with_unknown_ids_is_half_an_answer(hubspot: Served) -> None:
    [known] = ids(hubspot.get(CONTACTS, limit=1))
    body = {"inputs": [{"id": known}, {"id": "7"}], "properties": ["email"]}
    answer = hubspot.http.post(f"{CONTACTS}/batch/read", json=body)
    assert answer.status_code == 207
    assert ids(answer.json()) == [known]
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"] == {"ids": ["7"]}


def test_refusals_say_what_is_wrong(hubspot: Served) -> None:
    answer = hubspot.http.get(f"{CONTACTS}/7")
    assert answer.status_code == 404
    body = answer.json()
    assert body["status"] == "error"
    assert body["category"] == "OBJECT_NOT_FOUND"
    assert body["message"]
    assert body["correlationId"]
    assert hubspot.http.get("/crm/v3/objects/unicorns").status_code == 400
    assert hubspot.http.get("/crm/v3/unicorns").json()["category"] == "OBJECT_NOT_FOUND"


# time: what HubSpot knows at an instant


def test_what_has_not_happened_is_not_known(hubspot: Served) -> None:
    hubspot.clock.advance(-timedelta(days=200).total_seconds())
    now = hubspot.clock.now()
    before = {row["id"]: row for row in hubspot.pages(CONTACTS, limit=100)}
    assert 30 < len(before) < 250
    assert all(int(ms(row["updatedAt"])) <= now for row in before.values())
    calls = len(hubspot.pages("/crm/v3/objects/calls", limit=100))

    hubspot.clock.advance(timedelta(days=200).total_seconds())
    after = {row["id"]: row for row in hubspot.pages(CONTACTS, limit=100)}
    assert len(after) > len(before) + 50
    changed = {one for one in before if one in after and before[one] != after[one]}
    assert 5 < len(changed) < len(before)
    assert len(hubspot.pages("/crm/v3/objects/calls", limit=100)) > calls
    # time back: the same answers as before
    hubspot.clock.advance(-timedelta(days=200).total_seconds())
    assert {row["id"]: row for row in hubspot.pages(CONTACTS, limit=100)} == before


def test_a_change_is_searched_for_only_when_the_index_has_seen_it(
    hubspot: Served, told: list[Story]
) -> None:
    """Pitfall H1: whoever moves the cursor to now loses what the index has not seen."""
    story = next(story for story in told if len(story.records) == 1 and not story.merges)
    created = instant(story.records[0].known_at)
    hubspot.clock.set(created + timedelta(seconds=2))
    contact = "1" + story.records[0].lead_id[1:]
    assert hubspot.get(f"{CONTACTS}/{contact}")["id"] == contact
    recent = where(MODIFIED, "GTE", ms(created))
    assert contact not in ids(hubspot.search("contacts", recent))
    hubspot.clock.advance(30)
    found = hubspot.search("contacts", recent)
    assert contact in ids(found)


def test_calculated_stamps_come_seconds_after_what_they_name(hubspot: Served) -> None:
    name = schema.entered("marketingqualifiedlead")
    found = hubspot.search(
        "contacts", {"propertyName": name, "operator": "HAS_PROPERTY"}, properties=[name]
    )
    assert found["total"] > 30
    lateness = []
    for row in found["results"][:30]:
        value, written, source = history(hubspot, row["id"], name)[0]
        assert source == "CALCULATED"
        assert value == row["properties"][name]
        lateness.append(int(ms(written)) - int(ms(value)))
    assert min(lateness) > 1_000
    assert max(lateness) < 30_000


def test_to_go_back_a_stage_is_cleared_first(hubspot: Served) -> None:
    falls = 0
    order = schema.STAGE_ORDER
    name = merged_ids(hubspot)
    options = {"propertiesWithHistory": "lifecyclestage", "properties": name}
    for row in hubspot.pages(CONTACTS, limit=50, **options):
        path = [one["value"] for one in reversed(row["propertiesWithHistory"]["lifecyclestage"])]
        # two joined histories interleave
        if name not in row["properties"]:
            for before, after in pairwise(path):
                assert not (before and after) or order[before] < order[after]
                falls += not after
    assert falls > 10


def merged_ids(hubspot: Served) -> str:
    """The property with the ids of old; found by its label, as its name is not documented."""
    properties = hubspot.get("/crm/properties/2026-09/contacts")["results"]
    [name] = [one["name"] for one in properties if one["label"] == "Merged record IDs"]
    return str(name)


def merged(hubspot: Served, contact: str) -> list[str]:
    """The ids that a contact had."""
    name = merged_ids(hubspot)
    value = hubspot.get(f"{CONTACTS}/{contact}", properties=name)["properties"][name]
    return value.split(";") if value else []


# search


def test_search_pages_by_two_hundred_in_the_order_of_creation(hubspot: Served) -> None:
    page = hubspot.search("contacts")
    assert len(page["results"]) == 200
    created = [row["createdAt"] for row in page["results"]]
    assert created == sorted(created)
    rest = hubspot.search("contacts", after=page["paging"]["next"]["after"])
    assert "paging" not in rest
    assert len(rest["results"]) == page["total"] - 200
    assert set(ids(page)) | set(ids(rest)) == set(ids({"results": hubspot.pages(CONTACTS)}))
    answer = hubspot.http.post(f"{CONTACTS}/search", json={"limit": 201})
    assert answer.status_code == 400


def test_search_has_neither_history_nor_associations(hubspot: Served) -> None:
    page = hubspot.search(
        "contacts", propertiesWithHistory=["lifecyclestage"], associations=["companies"]
    )
    assert not any({"propertiesWithHistory", "associations"} & set(row) for row in page["results"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {"filterGroups": [{"filters": [where("phone", "EQ", 1)]}] * 6}, id="six groups"
        ),
        pytest.param(
            {"filterGroups": [{"filters": [where("phone", "EQ", 1)] * 7}]}, id="seven filters"
        ),
        pytest.param(
            {"filterGroups": [{"filters": [where("phone", "EQ", 1)] * 5}] * 4}, id="twenty in all"
        ),
        pytest.param({"sorts": ["phone", "email"]}, id="two sorts"),
        pytest.param({"properties": ["p" * 3_000]}, id="long body"),
        pytest.param(
            {"filterGroups": [{"filters": [where(MODIFIED, "GT", "2026-01-01")]}]}, id="ISO date"
        ),
        pytest.param(
            {"filterGroups": [{"filters": [where("nonsense", "EQ", 1)]}]}, id="unknown property"
        ),
        pytest.param(
            {"filterGroups": [{"filters": [where("phone", "LIKE", 1)]}]}, id="unknown operator"
        ),
    ],
)
def test_search_refuses_what_is_too_much_or_wrong(hubspot: Served, body: dict[str, Any]) -> None:
    answer = hubspot.http.post(f"{CONTACTS}/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"


def test_search_compares_as_hubspot_does(hubspot: Served) -> None:
    everybody = hubspot.pages(
        CONTACTS, limit=100, properties="country,lifecyclestage,hs_lead_status,lead_score"
    )

    def matching(name: str, test: Any) -> list[str]:
        return sorted(
            row["id"]
            for row in everybody
            if name in row["properties"] and test(row["properties"][name])
        )

    def found(*filters: dict[str, Any]) -> list[str]:
        first = hubspot.search("contacts", *filters)
        rest = hubspot.search("contacts", *filters, after="200") if "paging" in first else None
        return sorted(ids(first) + (ids(rest) if rest else []))

    spanish = matching("country", lambda value: value == "ES")
    assert len(spanish) > 10
    assert found(where("country", "EQ", "es")) == spanish
    among = {"propertyName": "country", "operator": "IN"}
    assert found({**among, "values": ["es"]}) == spanish
    assert found({**among, "values": ["ES"]}) == []
    leads = matching("lifecyclestage", lambda value: value == "lead")
    assert found(where("lifecyclestage", "EQ", "lead")) == leads
    assert found(where("lifecyclestage", "EQ", "Lead")) == []
    new = matching("hs_lead_status", lambda value: value == "NEW")
    assert found(where("hs_lead_status", "EQ", "NEW")) == new
    assert len(new) > 5
    high = matching("lead_score", lambda value: float(value) > 9)
    assert found(where("lead_score", "GT", 9)) == high
    between = {**where("lead_score", "BETWEEN", 9), "highValue": "40"}
    assert found(between) == matching("lead_score", lambda value: 9 <= float(value) <= 40)
    known = matching("country", bool)
    assert found({"propertyName": "country", "operator": "HAS_PROPERTY"}) == known
    middle = sorted(ids({"results": everybody}), key=int)[150]
    above = found(where("hs_object_id", "GT", middle), where("lead_score", "GT", 9))
    assert above == [one for one in high if int(one) > int(middle)]


def test_ten_thousand_equal_timestamps_are_past_the_cap(serve: Serve) -> None:
    """Pitfall H2: a cursor on the time of change never gets past a bulk import."""
    hubspot = serve()
    at = hubspot.clock.now()
    hubspot.vendor.happen("import", count=10_050)
    hubspot.clock.advance(60)
    equal = where(MODIFIED, "EQ", at)
    page = hubspot.search("contacts", equal, after="9800", sorts=["hs_object_id"])
    assert page["total"] == 10_050
    last = int(ids(page)[-1])
    after = page["paging"]["next"]["after"]
    assert after == "10000"
    refused = hubspot.http.post(
        f"{CONTACTS}/search",
        json={"filterGroups": [{"filters": [equal]}], "after": after, "limit": 200},
    )
    assert refused.status_code == 400
    # the cure: by id within the window
    rest = hubspot.search(
        "contacts", equal, where("hs_object_id", "GT", last), sorts=["hs_object_id"]
    )
    assert len(ids(rest)) == rest["total"] == 50


# merges, the recycle bin, erasure


def test_a_merge_makes_a_third_record_for_both_ids(hubspot: Served, told: list[Story]) -> None:
    """Pitfall H11."""
    story = next(story for story in told if len(story.merges) == 1 and not story.deletions)
    [merge] = story.merges
    old = ["1" + story.records[index].lead_id[1:] for index in (merge.survivor, merge.merged)]
    hubspot.clock.set(instant(merge.at) - timedelta(seconds=1))
    names = "lifecyclestage,phone,lead_score,email,work_email,hubspot_owner_id"

    def read(contact: str) -> Any:
        return hubspot.get(
            f"{CONTACTS}/{contact}", properties=names, propertiesWithHistory="lead_score"
        )

    primary, other = map(read, old)
    assert [primary["id"], other["id"]] == old

    hubspot.clock.set(instant(merge.at))
    result = read(old[0])
    assert result["id"] not in old
    assert read(old[1]) == result == read(result["id"])
    for name, value in primary["properties"].items():
        if name in names and value:
            assert result["properties"][name] == value
    joined = [entry["timestamp"] for entry in result["propertiesWithHistory"]["lead_score"]]
    for record in (primary, other):
        for entry in record["propertiesWithHistory"]["lead_score"]:
            assert entry["timestamp"] in joined
    assert sorted(merged(hubspot, result["id"])) == sorted(old)
    listed = ids({"results": hubspot.pages(CONTACTS, limit=100)})
    assert result["id"] in listed
    assert not set(old) & set(listed)
    # two inputs, one record, another id
    body = {"inputs": [{"id": one} for one in old], "properties": []}
    assert ids(hubspot.post(f"{CONTACTS}/batch/read", body)) == [result["id"]]


def test_a_chain_of_merges_leads_to_the_last_record(hubspot: Served, told: list[Story]) -> None:
    story = next(story for story in told if len(story.merges) == 2 and not story.deletions)
    old = ["1" + record.lead_id[1:] for record in story.records]
    now = {hubspot.get(f"{CONTACTS}/{one}")["id"] for one in old}
    assert len(now) == 1
    [last] = now
    before = merged(hubspot, last)
    assert set(old) < set(before)
    # the record in between has an id too, and it means the last one
    [between] = set(before) - set(old)
    assert hubspot.get(f"{CONTACTS}/{between}")["id"] == last


def test_records_can_be_merged_archived_and_erased_now(serve: Serve) -> None:
    hubspot = serve()
    everybody = ids({"results": hubspot.pages(CONTACTS, limit=100)})
    unmerged = [one for one in everybody[:20] if not merged(hubspot, one)]
    one, other, third, fourth = unmerged[:4]
    body = {"primaryObjectId": one, "objectIdToMerge": other}
    result = hubspot.post(f"{CONTACTS}/merge", body)
    assert result["id"] not in everybody
    assert hubspot.get(f"{CONTACTS}/{other}")["id"] == result["id"]

    assert hubspot.http.delete(f"{CONTACTS}/{third}").status_code == 204
    assert hubspot.http.get(f"{CONTACTS}/{third}").status_code == 404
    # the index is late with what is new, and never tells of what is archived
    assert hubspot.search("contacts", where("hs_object_id", "EQ", third))["total"] == 0
    assert hubspot.get(f"{CONTACTS}/{third}", archived="true")["archivedAt"]
    assert (
        hubspot.http.post(f"{CONTACTS}/gdpr-delete", json={"objectId": fourth}).status_code == 204
    )
    for archived in ("false", "true"):
        answer = hubspot.http.get(f"{CONTACTS}/{fourth}", params={"archived": archived})
        assert answer.status_code == 404
        assert fourth not in ids({"results": hubspot.pages(CONTACTS, limit=100, archived=archived)})


def test_the_archived_are_listed_by_their_flag_only_and_never_found(hubspot: Served) -> None:
    archived = hubspot.pages(CONTACTS, archived="true")
    assert archived
    assert not set(ids({"results": archived})) & set(ids({"results": hubspot.pages(CONTACTS)}))
    for row in archived:
        found = where("hs_object_id", "EQ", row["id"])
        hubspot.clock.set(datetime.fromisoformat(row["archivedAt"]))
        assert hubspot.search("contacts", found)["total"] == 0
        hubspot.clock.advance(-1)
        assert hubspot.search("contacts", found)["total"] == 1
        assert row["id"] not in ids({"results": hubspot.pages(CONTACTS, archived="true")})


def test_an_association_does_not_bump_the_record(hubspot: Served, told: list[Story]) -> None:
    """Pitfall H4."""
    story = next(
        story
        for story in told
        if len(story.records) == 1
        for touch in story.touches[-1:]
        if touch.kind == "call" and not story.deletions
        and all(abs(touch.at - move.known_at) > 60 for move in story.moves)
        and all(abs(touch.at - change.at) > 60 for change in story.ownerships)
    )  # fmt: skip
    at = instant(story.touches[-1].at)
    contact = "1" + story.records[0].lead_id[1:]
    hubspot.clock.set(at - timedelta(seconds=5))

    def look() -> tuple[str, int]:
        record = hubspot.get(f"{CONTACTS}/{contact}")
        path = f"/crm/v4/objects/contacts/{contact}/associations/calls"
        return record["updatedAt"], len(hubspot.get(path)["results"])

    updated, calls = look()
    hubspot.clock.advance(10)
    assert look() == (updated, calls + 1)


# who may call, and how often


def test_a_stranger_is_refused(hubspot: Served) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = httpx.get(f"{hubspot.url}{CONTACTS}", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["status"] == "error"


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/2026-09/token"])
def test_an_access_token_lives_as_long_as_it_says(hubspot: Served, path: str) -> None:
    form = renewal(hubspot)
    granted = httpx.post(f"{hubspot.url}{path}", data=form).json()
    assert granted["expires_in"] == 1800
    headers = {"Authorization": f"Bearer {granted['access_token']}"}

    def status() -> int:
        return httpx.get(f"{hubspot.url}{CONTACTS}", headers=headers).status_code

    hubspot.clock.advance(1799)
    assert status() == 200
    hubspot.clock.advance(1)
    assert status() == 401
    wrong = httpx.post(f"{hubspot.url}{path}", data={**form, "refresh_token": "stolen"})
    assert wrong.status_code == 400


def test_an_oauth_app_has_a_smaller_window_and_no_day(serve: Serve) -> None:
    hubspot = serve(throttled=True)
    granted = httpx.post(f"{hubspot.url}/oauth/2026-09/token", data=renewal(hubspot)).json()
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    answer = httpx.get(f"{hubspot.url}{CONTACTS}", headers=headers)
    assert answer.headers["X-HubSpot-RateLimit-Max"] == "110"
    assert not [name for name in answer.headers if "daily" in name]


def test_calls_are_limited_in_rolling_windows_of_ten_seconds(serve: Serve) -> None:
    hubspot = serve(throttled=True)
    path = "/crm/v3/owners/"
    first = hubspot.http.get(path)
    assert first.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert first.headers["X-HubSpot-RateLimit-Remaining"] == "189"
    assert first.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert first.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "624999"
    hubspot.clock.advance(5)
    for _ in range(189):
        assert hubspot.http.get(path).status_code == 200
    refused = hubspot.http.get(path)
    assert refused.status_code == 429
    assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refused.json()["errorType"] == "RATE_LIMIT"
    assert "Retry-After" not in refused.headers
    # the first call leaves the window, and one has room
    hubspot.clock.advance(5)
    assert hubspot.http.get(path).status_code == 200
    assert hubspot.http.get(path).status_code == 429


def test_search_has_a_window_of_its_own_that_no_header_tells_of(serve: Serve) -> None:
    hubspot = serve(throttled=True)
    answers = [hubspot.http.post(f"{CONTACTS}/search", json={}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert not [name for answer in answers for name in answer.headers if "ratelimit" in name]
    assert hubspot.http.get(CONTACTS).headers["X-HubSpot-RateLimit-Remaining"] == "189"
    hubspot.clock.advance(1)
    assert hubspot.http.post(f"{CONTACTS}/search", json={}).status_code == 200


def test_the_daily_limit_ends_at_the_accounts_midnight(serve: Serve) -> None:
    # 23:59 in Madrid
    hubspot = serve(at=datetime(2026, 11, 19, 22, 59, tzinfo=UTC), throttled=True)
    assert hubspot.get("/account-info/2026-09/details")["timeZone"] == "Europe/Madrid"
    hubspot.post("/_sandbox/events", {"event": "quota"})
    refused = hubspot.http.get(CONTACTS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    hubspot.clock.advance(60)
    assert hubspot.http.get(CONTACTS).status_code == 200


def test_associations_have_a_window_of_their_own(serve: Serve) -> None:
    hubspot = serve(throttled=True)
    path = "/crm/associations/2026-09/contacts/companies/batch/read"
    for _ in range(150):
        assert hubspot.http.post(path, json={"inputs": []}).status_code == 200
    assert hubspot.http.post(path, json={"inputs": []}).status_code == 429
    assert hubspot.http.get(CONTACTS).status_code == 200


def test_equal_companies_are_equal_accounts(hubspot: Served, serve: Serve) -> None:
    one, other = (
        {kind: served.pages(f"/crm/v3/objects/{kind}", limit=100) for kind in schema.KINDS}
        for served in (hubspot, serve())
    )
    assert one == other
    assert sum(map(len, one.values())) > COMPANY.leads
