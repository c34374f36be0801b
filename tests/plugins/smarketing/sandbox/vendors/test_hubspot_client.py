"""HubSpot's own client reads the company: record by record what the CSV exports say of it.

The exports and HubSpot are two tellings of the same stories; neither is made from the other.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import hubspot as vendor
import pytest
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.contacts import PublicObjectSearchRequest
from smarketing.sandbox.vendors.faults import Fault
from urllib3.util.retry import Retry

from tests.plugins.smarketing.sandbox.exports import MADRID, Exports, Row, instant, is_day
from tests.plugins.smarketing.sandbox.vendors.conftest import COMPANY, Served

STAGES = {
    "subscriber": "subscriber",
    "lead": "lead",
    "marketing qualified": "marketingqualifiedlead",
    "sales accepted": "209147001",
    "sales qualified": "salesqualifiedlead",
    "opportunity": "opportunity",
    "customer": "customer",
    "nurture": "209147002",
    "unqualified": "209147003",
    "closed lost": "209147004",
    "event follow-up": "209147005",
    "waiting for legal": "209147006",
}
ORDER = list(STAGES)
ENGAGEMENTS = {
    "call": "calls",
    "email": "emails",
    "meeting": "meetings",
    "message": "communications",
    "note": "notes",
    "task": "tasks",
}
OUTCOMES = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
    "held": "COMPLETED",
    "no show": "NO_SHOW",
}


@pytest.fixture(scope="module")
def client(shared: Served) -> Any:
    return vendor.HubSpot(
        access_token=shared.vendor.keys.private,
        host=shared.url,
        # urllib3 repeats no POST unless it is told to, and search is one
        retry=Retry(total=3, status_forcelist=(429, 500), allowed_methods=None),
    )


@pytest.fixture(scope="module")
def exports(company: Callable[..., Exports], held: set[str]) -> Exports:
    """The exports without the rows of leads that stand in another system."""

    def is_held(row: Row) -> bool:
        # of a merge it stands for both
        lead = row.get("lead_id", row.get("merged_lead_id"))
        return lead is None or lead in held

    whole = company(seed=COMPANY.seed, leads=COMPANY.leads, nights=1)
    return Exports(
        whole.folder,
        {
            entity: {night: [*filter(is_held, rows)] for night, rows in nights.items()}
            for entity, nights in whole.delivered.items()
        },
    )


@pytest.fixture(scope="module")
def contacts(client: Any) -> dict[str, Any]:
    found = client.crm.contacts.get_all(
        properties=[
            "email", "work_email", "phone", "company", "country", "sales_region", "buyer_persona",
            "first_channel", "first_campaign", "lead_score", "hubspot_owner_id", "met_on",
        ],
        properties_with_history=["lifecyclestage", "hubspot_owner_id", "reason_left"],
    )  # fmt: skip
    return {contact.id: contact for contact in found}


def number(text: str) -> str:
    """The id in HubSpot of what has one of letters and digits in the exports."""
    return "1" + "".join(filter(str.isdigit, text))


def second(at: str | datetime) -> str:
    """An instant without its fraction, in which HubSpot has milliseconds and the exports none."""
    text = at.isoformat() if isinstance(at, datetime) else at
    return text[:19] + "Z"


def by_lead(rows: list[Row]) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["lead_id"]].append(row)
    return found


def settled(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A history without the entries that change nothing."""
    return [next(group) for _, group in groupby(steps, key=lambda step: step[1])]


def history(contact: Any, name: str) -> list[tuple[str, str]]:
    """Oldest first."""
    entries = contact.properties_with_history[name]
    return [(second(entry.timestamp), entry.value) for entry in reversed(entries)]


@pytest.fixture(scope="module")
def gone(exports: Exports) -> set[str]:
    """Leads merged or deleted: they are looked at apart."""
    merged = exports.rows("merges")
    ids = {row[name] for row in merged for name in ("merged_lead_id", "surviving_lead_id")}
    return ids | {row["lead_id"] for row in exports.rows("deletions")}


@pytest.fixture(scope="module")
def alive(exports: Exports, contacts: dict[str, Any], gone: set[str]) -> list[tuple[Row, Any]]:
    leads = exports.latest("leads", "lead_id").values()
    return [(row, contacts[number(row["lead_id"])]) for row in leads if row["lead_id"] not in gone]


def test_every_lead_is_a_contact_and_no_other_is(
    exports: Exports, contacts: dict[str, Any], alive: list[tuple[Row, Any]]
) -> None:
    merged = exports.rows("merges")
    survivors = {row["surviving_lead_id"] for row in merged} - {
        row["merged_lead_id"] for row in merged
    }
    survivors -= {row["lead_id"] for row in exports.rows("deletions")}
    assert len(survivors) > 1
    assert len(contacts) == len(alive) + len(survivors)


def test_values_are_those_of_the_exports(
    exports: Exports, alive: list[tuple[Row, Any]], client: Any
) -> None:
    for row, contact in alive:
        values = contact.properties
        moment = row["created"]
        if is_day(moment):
            assert values["met_on"] == moment
            assert contact.created_at.astimezone(MADRID).date().isoformat() >= moment
        else:
            assert second(contact.created_at) == moment
        for name, field in (
            ("phone", "phone"), ("company", "company"), ("country", "country"),
            ("sales_region", "region"), ("buyer_persona", "persona"),
            ("first_channel", "channel"), ("lead_score", "score"),
        ):  # fmt: skip
            assert values.get(name, "") == row[field], (name, row)
        assert values.get("hubspot_owner_id") == (
            (row["owner_id"] and number(row["owner_id"])) or None
        )
        campaign = row["campaign_id"]
        name = f"{COMPANY.seed}/{campaign}"
        expected = str(uuid.uuid5(uuid.NAMESPACE_OID, name)) if campaign else None
        assert values.get("first_campaign") == expected


def test_an_address_is_one_contacts_and_the_others_keep_it_as_typed(
    alive: list[tuple[Row, Any]], contacts: dict[str, Any]
) -> None:
    shared = 0
    for row, contact in alive:
        email, work = (contact.properties.get(name) for name in ("email", "work_email"))
        assert (email is None) != (work is None) or not row["email"]
        assert (email or "") == ("" if work else row["email"].strip().lower())
        assert work in (None, row["email"])
        shared += work is not None
    assert shared > 3
    emails = [one.properties["email"] for one in contacts.values() if "email" in one.properties]
    assert len(emails) == len(set(emails))


def test_stage_histories_are_those_of_the_exports(
    exports: Exports, alive: list[tuple[Row, Any]]
) -> None:
    shown = by_lead(exports.rows("stage_changes"))
    steps = 0
    for row, contact in alive:
        rows = sorted(
            (not is_day(change["occurred"]), instant(change["occurred"]), ORDER.index(word), change)
            for change in shown[row["lead_id"]]
            if (word := change["stage"].strip().lower())
        )
        expected = settled(
            [(change["occurred"], STAGES[ORDER[order]]) for *_, order, change in rows]
        )
        found = [step for step in history(contact, "lifecyclestage") if step[1]]
        assert [stage for _, stage in found] == [stage for _, stage in expected]
        for (told, _), (moment, _) in zip(found, expected, strict=True):
            assert told == moment or is_day(moment)
        steps += len(found)
    assert steps > 400


def test_owner_histories_are_those_of_the_exports(
    exports: Exports, alive: list[tuple[Row, Any]]
) -> None:
    shown = by_lead(exports.rows("ownership_changes"))
    for row, contact in alive:
        # an upload may name owners of days before it
        created = second(contact.created_at)
        expected = settled(
            [
                (
                    max(change["occurred"], created),
                    change["owner_id"] and number(change["owner_id"]),
                )
                for change in sorted(shown[row["lead_id"]], key=lambda change: change["occurred"])
            ]
        )
        # nobody is no news of a lead that nobody has had
        if expected and not expected[0][1]:
            del expected[0]
        assert history(contact, "hubspot_owner_id") == expected


def test_merged_leads_are_found_under_a_third_id(
    exports: Exports, client: Any, contacts: dict[str, Any]
) -> None:
    merges = exports.rows("merges")
    deleted = {row["lead_id"] for row in exports.rows("deletions")}
    found = 0
    for row in merges:
        old = [number(row[name]) for name in ("merged_lead_id", "surviving_lead_id")]
        if deleted & {row["merged_lead_id"], row["surviving_lead_id"]}:
            continue
        first, second_ = (client.crm.contacts.basic_api.get_by_id(one) for one in old)
        assert first.id == second_.id
        assert first.id not in old
        assert first.id in contacts
        found += 1
    assert found > 1


def test_deleted_leads_are_archived_or_erased(exports: Exports, client: Any) -> None:
    deletions = exports.latest("deletions", "lead_id")
    archived = {one.id: one for one in client.crm.contacts.get_all(archived=True)}
    erased = 0
    for lead_id, row in deletions.items():
        one = number(lead_id)
        with pytest.raises(vendor.crm.contacts.ApiException) as refused:
            client.crm.contacts.basic_api.get_by_id(one)
        assert refused.value.status == 404
        if one in archived:
            assert second(archived[one].archived_at) == row["deleted"]
            assert client.crm.contacts.basic_api.get_by_id(one, archived=True).archived
        else:
            with pytest.raises(vendor.crm.contacts.ApiException):
                client.crm.contacts.basic_api.get_by_id(one, archived=True)
            erased += 1
    assert erased
    assert erased < len(deletions)
    assert len(archived) == len(deletions) - erased


def test_a_client_that_repeats_searches_gets_past_refusals(hubspot: Served, client: Any) -> None:
    hubspot.simulator.faults.order(Fault("status", status=429, every=2, path="/search"))
    request = PublicObjectSearchRequest(
        filter_groups=[], sorts=[], properties=["email"], limit=200, after="0"
    )
    first, second_ = (client.crm.contacts.search_api.do_search(request) for _ in range(2))
    assert len(first.results) == 200
    assert [one.id for one in first.results] == [one.id for one in second_.results]


@pytest.mark.parametrize("kind", ENGAGEMENTS)
def test_engagements_are_the_touches_of_the_exports(
    kind: str, exports: Exports, client: Any
) -> None:
    found = {
        one.id: one
        for one in client.crm.objects.get_all(
            object_type=ENGAGEMENTS[kind],
            properties=[
                "hs_timestamp", "hubspot_owner_id", "hs_call_direction", "hs_call_disposition",
                "hs_email_direction", "hs_meeting_outcome",
            ],
        )
    }  # fmt: skip
    touches = [
        row
        for row in exports.rows("touches")
        if row["kind"] == kind and row["is_automated"] == "false"
    ]
    assert set(found) == {number(row["touch_id"]) for row in touches}
    assert touches
    for row in touches:
        values = found[number(row["touch_id"])].properties
        assert second(values["hs_timestamp"]) == row["occurred"]
        assert values.get("hubspot_owner_id", "") == (row["owner_id"] and number(row["owner_id"]))
        if kind == "call":
            assert values["hs_call_direction"] == row["direction"].upper()
            assert values["hs_call_disposition"] == OUTCOMES[row["outcome"]]
        if kind == "email":
            is_inbound = values["hs_email_direction"] == "INCOMING_EMAIL"
            assert is_inbound == (row["direction"] == "inbound")
        if kind == "meeting":
            assert values["hs_meeting_outcome"] == OUTCOMES[row["outcome"]]


def test_associations_lead_from_a_touch_to_whoever_the_lead_is_now(
    exports: Exports, client: Any, contacts: dict[str, Any]
) -> None:
    calls = [row for row in exports.rows("touches") if row["kind"] == "call"]
    lead_of = {number(row["touch_id"]): row["lead_id"] for row in calls}
    now = {number(row["lead_id"]): number(row["lead_id"]) for row in calls}
    for lead in now:
        if lead not in contacts:
            try:
                now[lead] = client.crm.contacts.basic_api.get_by_id(lead).id
            except vendor.crm.contacts.ApiException:
                now[lead] = ""
    told = {}
    ids = list(lead_of)
    for begin in range(0, len(ids), 100):
        answer = client.crm.associations.v4.batch_api.get_page(
            "calls",
            "contacts",
            BatchInputPublicFetchAssociationsBatchRequest(
                inputs=[{"id": one} for one in ids[begin : begin + 100]]
            ),
        )
        for result in answer.results:
            [other] = result.to
            assert [type_.type_id for type_ in other.association_types] == [194]
            told[result._from.id] = other.to_object_id
    expected = {call: now[number(lead)] for call, lead in lead_of.items() if now[number(lead)]}
    assert told == expected


def test_deals_are_the_opportunities_of_the_exports(exports: Exports, client: Any) -> None:
    found = {
        deal.id: deal
        for deal in client.crm.deals.get_all(
            properties=["amount", "dealstage", "closedate", "hubspot_owner_id"],
            properties_with_history=["dealstage"],
        )
    }
    rows = exports.latest("opportunities", "opportunity_id")
    assert set(found) == {number(deal) for deal in rows}
    assert len(found) > 10
    for row in rows.values():
        deal = found[number(row["opportunity_id"])]
        values, stages = deal.properties, history(deal, "dealstage")
        assert second(deal.created_at) == row["opened"]
        assert stages[0] == (row["opened"], "appointmentscheduled")
        assert values["amount"] == row["amount"]
        assert values.get("hubspot_owner_id", "") == (row["owner_id"] and number(row["owner_id"]))
        if row["status"] == "open":
            assert values["dealstage"] not in ("closedwon", "closedlost")
            assert "closedate" not in values
        else:
            assert stages[-1] == (row["closed"], f"closed{row['status']}")
            assert second(values["closedate"]) == row["closed"]


def test_owners_are_those_of_the_exports(exports: Exports, client: Any) -> None:
    rows = exports.latest("owners", "owner_id")
    for is_archived in (False, True):
        page = client.crm.owners.owners_api.get_page(limit=100, archived=is_archived)
        told = {
            (one.id, f"{one.first_name} {one.last_name}", one.teams[0].name) for one in page.results
        }
        assert told == {
            (number(row["owner_id"]), row["name"], row["team"])
            for row in rows.values()
            if row["is_active"] == ("false" if is_archived else "true")
        }
        assert told


def test_stages_have_their_labels_in_pipelines_and_properties(client: Any) -> None:
    [pipeline] = client.crm.pipelines.pipelines_api.get_all("contacts").results
    labels = {stage.id: stage.label for stage in pipeline.stages}
    assert labels["209147001"] == "Sales Accepted"
    stage = client.crm.properties.core_api.get_by_name("contacts", "lifecyclestage")
    assert {option.value: option.label for option in stage.options} == labels
    assert all(stage.display_order == place for place, stage in enumerate(pipeline.stages))


def test_companies_have_their_people(
    exports: Exports, client: Any, contacts: dict[str, Any]
) -> None:
    companies = {
        one.id: one for one in client.crm.companies.get_all(properties=["name", "country"])
    }
    names = sorted(one.properties["name"] for one in companies.values())
    assert names == sorted({row["company"] for row in exports.rows("leads")})
    assert len(names) > 50
    page = client.crm.contacts.basic_api.get_page(limit=100, associations=["companies"])
    for contact in page.results:
        [link] = contact.associations["companies"].results
        assert link.type == "contact_to_company"
        assert companies[link.id].properties["name"] == contacts[contact.id].properties["company"]


def test_campaigns_are_those_of_the_exports_and_cost_what_is_not_the_americas(
    exports: Exports, shared: Served
) -> None:
    names = "hs_name,hs_start_date,hs_utm"
    rows = shared.pages("/marketing/campaigns/2026-09", limit=10, properties=names)
    campaigns = {row["properties"]["hs_name"]: row for row in rows}
    expected = exports.latest("campaigns", "campaign_id")
    assert set(campaigns) == {row["name"] for row in expected.values()}
    spent = exports.rows("spend")
    for campaign_id, row in expected.items():
        told = campaigns[row["name"]]
        assert told["properties"]["hs_start_date"] == row["started"]
        assert told["properties"]["hs_utm"] == row["channel"]
        budget = shared.get(f"/marketing/campaigns/2026-09/{told['id']}/budget/totals")
        told_items = [(item["name"], f"{item['amount']:.2f}") for item in budget["spendItems"]]
        assert told_items == [
            (line["spent"], str(amount - Decimal(int(amount * 30)) / 100))
            for line in spent
            if line["campaign_id"] == campaign_id
            for amount in [Decimal(line["amount"])]
        ]


def test_forms_and_mailings_are_the_other_touches(exports: Exports, shared: Served) -> None:
    erased = {
        row["lead_id"]
        for row in exports.rows("deletions")
        if shared.http.get(
            f"/crm/v3/objects/contacts/{number(row['lead_id'])}?archived=true"
        ).status_code == 404
    }  # fmt: skip
    touches = [row for row in exports.rows("touches") if row["lead_id"] not in erased]
    emails = {lead: row["email"] for lead, row in exports.latest("leads", "lead_id").items()}

    submissions = [
        submission
        for form in shared.get("/marketing/v3/forms")["results"]
        for submission in shared.pages(
            f"/form-integrations/v1/submissions/forms/{form['id']}", limit=50
        )
    ]
    told = sorted((one["submittedAt"] // 1000, one["values"][0]["value"]) for one in submissions)
    assert told == sorted(
        (int(instant(row["occurred"]).timestamp()), emails[row["lead_id"]])
        for row in touches
        if row["kind"] == "form"
    )

    events, offset, has_more = [], "o0", True
    while has_more:
        page = shared.get("/email/public/v1/events", limit=100, offset=offset)
        events += page["events"]
        offset, has_more = page["offset"], page["hasMore"]
    assert [one["created"] for one in events] == sorted(
        (one["created"] for one in events), reverse=True
    )
    assert sorted(
        (one["created"] // 1000, one["recipient"], one["type"]) for one in events
    ) == sorted(
        (
            int(instant(row["occurred"]).timestamp()),
            emails[row["lead_id"]],
            "BOUNCE" if row["outcome"] == "bounced" else "SENT",
        )
        for row in touches
        if row["is_automated"] == "true"
    )
