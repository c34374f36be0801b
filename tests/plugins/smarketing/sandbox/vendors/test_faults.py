"""Faults strike when a script says so, and at no other call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest
from smarketing.sandbox.vendors.faults import Fault

from tests.plugins.smarketing.sandbox.vendors.conftest import ENDS, Serve, Served, renewal

CONTACTS = "/crm/objects/2026-09/contacts"


def statuses(hubspot: Served, calls: int, path: str = CONTACTS) -> list[int]:
    return [hubspot.http.get(path).status_code for _ in range(calls)]


def ids(rows: list[Any]) -> list[str]:
    return [row["id"] for row in rows]


def test_every_nth_call_is_refused_as_often_as_ordered(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("status", status=500, every=3, times=2))
    assert statuses(hubspot, 10) == [200, 200, 500, 200, 200, 500, 200, 200, 200, 200]


def test_a_fault_strikes_the_paths_it_names(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("status", status=503, path="/owners"))
    assert statuses(hubspot, 1) == [200]
    assert statuses(hubspot, 1, "/crm/v3/owners/") == [503]


def test_a_refusal_on_order_is_worded_as_hubspots_own(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("status", status=429))
    assert hubspot.http.get(CONTACTS).json()["policyName"] == "TEN_SECONDLY_ROLLING"
    answer = hubspot.http.post(f"{CONTACTS}/search", json={})
    assert (answer.status_code, answer.json()["policyName"]) == (429, "SECONDLY")


def test_a_connection_is_cut_without_an_answer(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("cut", every=2))
    assert statuses(hubspot, 1) == [200]
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        hubspot.http.get(CONTACTS)
    assert statuses(hubspot, 1) == [200]


def test_an_answer_is_cut_in_the_middle(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("truncate", times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="closed connection"):
        hubspot.http.get(CONTACTS)
    assert statuses(hubspot, 1) == [200]


def test_a_slow_answer_takes_the_simulators_time_and_not_ours(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("slow", seconds=3_600, times=1))
    assert statuses(hubspot, 2) == [200, 200]
    assert hubspot.clock.now() == ENDS.timestamp() * 1000 + 3_600_000


def test_an_answer_that_never_comes_is_for_the_client_to_give_up(hubspot: Served) -> None:
    hubspot.simulator.faults.order(Fault("hang", times=1))
    with pytest.raises(httpx.ReadTimeout):
        hubspot.http.get(CONTACTS, timeout=0.05)
    assert statuses(hubspot, 1) == [200]


def test_a_token_expires_between_two_pages(hubspot: Served) -> None:
    def renew() -> dict[str, str]:
        token = httpx.post(f"{hubspot.url}/oauth/2026-09/token", data=renewal(hubspot)).json()
        return {"Authorization": f"Bearer {token['access_token']}"}

    headers = renew()
    hubspot.simulator.faults.order(Fault("expire", every=2, times=1, path=CONTACTS))
    first = httpx.get(f"{hubspot.url}{CONTACTS}", headers=headers)
    link = first.json()["paging"]["next"]["link"]
    refused = httpx.get(link, headers=headers)
    assert (refused.status_code, refused.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert httpx.get(link, headers=renew()).status_code == 200


def test_rows_that_change_between_pages_are_lost_to_whoever_counts_pages(serve: Serve) -> None:
    """Pitfall H3: sorted by change, the edited rows move to the end, and the others move up."""
    hubspot = serve()
    everybody = {row["id"] for row in hubspot.pages(CONTACTS, limit=100)}
    hubspot.simulator.faults.order(Fault("change", times=1, path="/search"))
    first = hubspot.search("contacts", sorts=["lastmodifieddate"], limit=100)
    hubspot.clock.advance(60)
    found = ids(first["results"])
    for after in (100, 200, 300):
        page = hubspot.search("contacts", sorts=["lastmodifieddate"], limit=100, after=str(after))
        found += ids(page["results"])
    assert len(everybody - set(found)) == 100
    assert len(found) > len(set(found))


def test_what_is_no_record_is_told_unchanged(hubspot: Served) -> None:
    paths = (
        "/crm/v3/pipelines/deals",
        "/crm/v3/owners/",
        "/marketing/v3/forms",
        f"/crm/v4/objects/contacts/{ids(hubspot.get(CONTACTS)['results'])[0]}/associations/companies",
    )
    honest = [hubspot.get(path) for path in paths]
    hubspot.simulator.faults.order(Fault("change"))
    assert [hubspot.get(path) for path in paths] == honest


def test_a_page_tells_a_row_twice_or_leaves_one_out(hubspot: Served) -> None:
    honest = ids(hubspot.get(CONTACTS)["results"])
    hubspot.simulator.faults.order(Fault("duplicate", times=1))
    assert ids(hubspot.get(CONTACTS)["results"]) == [honest[0], *honest]
    hubspot.simulator.faults.clear()
    hubspot.simulator.faults.order(Fault("missing", times=1))
    assert ids(hubspot.get(CONTACTS)["results"]) == honest[:-1]
    assert ids(hubspot.get(CONTACTS)["results"]) == honest


def test_a_script_orders_everything_over_http(serve: Serve) -> None:
    hubspot = serve()
    order = {"kind": "status", "status": 502, "every": 2}
    assert hubspot.post("/_sandbox/faults", order)["faults"][0]["status"] == 502
    assert statuses(hubspot, 4) == [200, 502, 200, 502]
    assert hubspot.http.delete("/_sandbox/faults").json()["faults"] == []
    assert statuses(hubspot, 2) == [200, 200]

    now = hubspot.post("/_sandbox/clock", {"now": "2026-11-20T03:00:00Z"})["now"]
    assert now == "2026-11-20T03:00:00.000Z"
    assert hubspot.post("/_sandbox/clock", {"advance": 90})["now"] == "2026-11-20T03:01:30.000Z"
    before = len(hubspot.pages(CONTACTS, limit=100))
    hubspot.post("/_sandbox/events", {"event": "import", "count": 150})
    assert len(hubspot.pages(CONTACTS, limit=100)) == before + 150
    hubspot.post("/_sandbox/events", {"event": "bulk_edit", "kind": "deals"})
    deals = hubspot.pages("/crm/v3/objects/deals", limit=100)
    assert {row["updatedAt"] for row in deals} == {"2026-11-20T03:01:30.000Z"}


def test_a_script_changes_what_the_account_knows(serve: Serve) -> None:
    hubspot = serve()
    first, second = ids(hubspot.get(CONTACTS)["results"])[:2]
    [call] = ids(hubspot.get("/crm/v3/objects/calls", limit=1)["results"])

    def happen(event: str, **details: Any) -> None:
        hubspot.post("/_sandbox/events", {"event": event, **details})

    def told(name: str) -> Any:
        [found] = [
            one
            for one in hubspot.get("/crm/properties/2026-09/contacts")["results"]
            if one["name"] == name
        ]
        return found

    happen("new_property", kind="contacts", name="shoe_size", value_type="number")
    assert (told("shoe_size")["hubspotDefined"], told("shoe_size")["type"]) == (False, "number")
    assert told("shoe_size")["dataSensitivity"] == told("email")["dataSensitivity"]
    happen("new_property", kind="contacts", name="allergies", sensitivity="highly_sensitive")
    assert told("allergies")["dataSensitivity"] == "highly_sensitive"
    happen("change", kind="contacts", record=first, name="shoe_size", value="43")
    path = f"{CONTACTS}/{first}"
    assert hubspot.get(path, properties="shoe_size")["properties"]["shoe_size"] == "43"
    happen("retype_property", kind="contacts", name="shoe_size", value_type="string")
    assert told("shoe_size")["type"] == "string"
    happen("drop_property", kind="contacts", name="shoe_size")
    assert "shoe_size" not in hubspot.get(path, properties="shoe_size")["properties"]

    updated = hubspot.get(f"{CONTACTS}/{second}")["updatedAt"]
    happen("associate", kind="calls", record=call, to="contacts", other=second)
    links = hubspot.get(f"/crm/v4/objects/contacts/{second}/associations/calls")["results"]
    assert call in [link["toObjectId"] for link in links]
    assert hubspot.http.delete(f"{CONTACTS}/{second}").status_code == 204
    assert hubspot.http.get(f"{CONTACTS}/{second}").status_code == 404
    happen("restore", kind="contacts", record=second)
    assert hubspot.get(f"{CONTACTS}/{second}")["updatedAt"] == updated


@pytest.mark.parametrize(
    ("door", "wish"),
    [
        ("faults", {"kind": "meteorite"}),
        ("faults", {"kind": "status", "every": 0}),
        ("faults", {"kind": "status", "often": True}),
        ("clock", {"back": 3}),
        ("clock", {"now": "tomorrow"}),
        ("events", {"event": "bankruptcy"}),
        ("events", {"event": "bulk_edit", "kind": "unicorns"}),
        ("events", {"event": "import"}),
        ("events", {"event": "restore", "kind": "contacts", "record": "7"}),
        ("events", {"event": "drop_property", "kind": "contacts", "name": "unheard_of"}),
    ],
)
def test_a_wish_that_makes_no_sense_is_explained(
    hubspot: Served, door: str, wish: dict[str, Any]
) -> None:
    answer = hubspot.http.post(f"/_sandbox/{door}", json=wish)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert statuses(hubspot, 1) == [200]


def test_the_clock_starts_where_it_is_told(hubspot: Served) -> None:
    assert datetime.fromisoformat(hubspot.get("/_sandbox")["now"]) == ENDS
