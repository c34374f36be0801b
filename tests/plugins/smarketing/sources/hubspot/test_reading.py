"""What is loaded is what HubSpot's own client reads, record by record and value by value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import hubspot as vendor
import pytest
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.hubspot.fill import number_of
from smarketing.sources.api.streams import Extracted
from smarketing.sources.hubspot.records import ENGAGEMENTS

from tests.plugins.smarketing.sources.hubspot.conftest import (
    COMPANY,
    MAPPED,
    Account,
    Rows,
)

Read = tuple[Account, Extracted]
FIXED = {
    "email": "email",
    "lifecycle_stage": "lifecyclestage",
    "lead_status": "hs_lead_status",
    "owner_id": "hubspot_owner_id",
}


@pytest.fixture(scope="module")
def client(read_once: Read) -> Any:
    account, _ = read_once
    return vendor.HubSpot(access_token=account.hubspot.keys.private, host=account.url)


def linked(record: Any, to: str) -> list[str]:
    found = (record.associations or {}).get(to)
    return sorted({one.id for one in found.results}) if found else []


def typed(value: str | None, like: Any) -> Any:
    """A text of HubSpot's as what it was loaded as."""
    if not value:
        return None
    if isinstance(like, Decimal):
        return Decimal(value)
    if isinstance(like, datetime):
        return datetime.fromisoformat(value)
    return value if isinstance(like, str) else type(like).fromisoformat(value)


def loaded(account: Account, table: str, where: str = "true") -> list[dict[str, Any]]:
    names = [
        name
        for (name,) in account.rows(
            "select column_name from information_schema.columns"
            f" where table_schema = 'raw_hubspot' and table_name = '{table}'"
        )
    ]
    rows = account.present(", ".join(names), table, where)
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_contacts_are_those_of_the_client(read_once: Read, client: Any) -> None:
    columns = FIXED | MAPPED
    told = {
        one.id: one
        for one in client.crm.contacts.get_all(
            properties=[*columns.values()],
            properties_with_history=[*columns.values()],
            associations=["companies"],
        )
    }
    account, _ = read_once
    rows = loaded(account, "contacts")
    assert {row["contact_id"] for row in rows} == set(told)
    assert len(rows) > 60
    for row in rows:
        one = told[row["contact_id"]]
        for column, name in columns.items():
            assert row[column] == typed(one.properties.get(name), row[column]), (column, row)
        assert (row["created_at"], row["updated_at"]) == (one.created_at, one.updated_at)
        assert json.loads(row["company_ids"]) == linked(one, "companies")
    # told latest first; of two in one instant the latest counts
    history = {
        (one.id, column, entry.timestamp): (entry.value or None, entry.source_type)
        for one in told.values()
        for column, name in columns.items()
        for entry in reversed(one.properties_with_history[name])
    }
    entries = account.present(
        "record_id, property, changed_at, value, source_type", "property_history",
        "kind = 'contacts'",
    )  # fmt: skip
    assert {entry[:3]: entry[3:] for entry in entries} == history
    assert len(entries) == len(history) > 500


def test_deals_and_companies_are_those_of_the_client(read_once: Read, client: Any) -> None:
    account, _ = read_once
    names = {
        "name": "dealname", "pipeline": "pipeline", "stage": "dealstage", "amount": "amount",
        "currency": "deal_currency_code", "closed_at": "closedate", "owner_id": "hubspot_owner_id",
    }  # fmt: skip
    told = {
        one.id: one
        for one in client.crm.deals.get_all(
            properties=[*names.values()],
            properties_with_history=["dealstage", "amount", "closedate", "hubspot_owner_id"],
            associations=["contacts"],
        )
    }
    rows = loaded(account, "deals")
    assert {row["deal_id"] for row in rows} == set(told)
    assert len(rows) > 3
    for row in rows:
        one = told[row["deal_id"]]
        for column, name in names.items():
            assert row[column] == typed(one.properties.get(name), row[column]), (column, row)
        assert json.loads(row["contact_ids"]) == linked(one, "contacts")
    columns = {names[column]: column for column in ("stage", "amount", "closed_at", "owner_id")}
    assert set(
        account.present(
            "record_id, property, changed_at, value", "property_history", "kind = 'deals'"
        )
    ) == {
        (one.id, columns[name], entry.timestamp, entry.value or None)
        for one in told.values()
        for name, entries in one.properties_with_history.items()
        for entry in entries
    }
    companies = {
        (one.id, one.properties.get("name"), one.properties.get("domain"))
        for one in client.crm.companies.get_all(properties=["name", "domain"])
    }
    assert set(account.present("company_id, name, domain", "companies")) == companies


@pytest.mark.parametrize("kind", ENGAGEMENTS)
def test_engagements_are_those_of_the_client(read_once: Read, client: Any, kind: str) -> None:
    account, _ = read_once
    names = {
        "calls": {"direction": "hs_call_direction", "outcome": "hs_call_disposition"},
        "emails": {"direction": "hs_email_direction", "outcome": "hs_email_status"},
        "meetings": {"outcome": "hs_meeting_outcome"},
        "tasks": {"outcome": "hs_task_status"},
        "communications": {"outcome": "hs_communication_channel_type"},
        "notes": {},
    }[kind] | {"owner_id": "hubspot_owner_id", "happened_at": "hs_timestamp"}
    told = {
        one.id: one
        for one in client.crm.objects.get_all(
            object_type=kind, properties=[*names.values()], associations=["contacts"]
        )
    }
    rows = loaded(account, "engagements", f"kind = '{kind}'")
    assert {row["engagement_id"] for row in rows} == set(told)
    assert rows
    for row in rows:
        one = told[row["engagement_id"]]
        for column, name in names.items():
            assert row[column] == typed(one.properties.get(name), row[column]), (column, row)
        assert json.loads(row["contact_ids"]) == linked(one, "contacts")
        assert (row["created_at"], row["updated_at"]) == (one.created_at, one.updated_at)


def test_owners_and_deletions_are_those_of_the_client(read_once: Read, client: Any) -> None:
    account, _ = read_once
    owners = {
        (one.id, one.email, f"{one.first_name} {one.last_name}", one.teams[0].name, not archived)
        for archived in (False, True)
        for one in client.crm.owners.owners_api.get_page(limit=100, archived=archived).results
    }
    assert set(account.present("owner_id, email, name, team, is_active", "owners")) == owners
    assert {is_active for *_, is_active in owners} == {True, False}
    archived = {
        ("contacts", one.id, one.archived_at, "archived")
        for one in client.crm.contacts.get_all(archived=True)
    }
    rows = account.present("kind, record_id, deleted_at, how", "deletions")
    assert set(rows) == archived


def test_all_that_the_stories_tell_is_loaded(read_once: Read) -> None:
    account, extracted = read_once
    contacts, touches, deals = set(), set(), set()
    for story, _ in stories(COMPANY, Campaigns(COMPANY)):
        held = [i for i in range(len(story.records)) if crm_of(story, i) == "hubspot"]
        gone = {deletion.record for deletion in story.deletions}
        if not story.merges:
            kept = set(held) - gone
            contacts |= {str(number_of(story.records[index].lead_id)) for index in kept}
        touches |= {
            str(number_of(touch.touch_id))
            for touch in story.touches
            if touch.record in held and touch.kind != "form" and not touch.is_automated
        }
        deals |= {
            str(number_of(deal.opportunity_id))
            for deal in story.opportunities
            if deal.record in held
        }
    survivors = {one for (one,) in account.present("distinct surviving_id", "merges")}
    found = {one for (one,) in account.present("contact_id", "contacts")}
    assert found == contacts | survivors
    assert {one for (one,) in account.present("engagement_id", "engagements")} == touches
    assert {one for (one,) in account.present("deal_id", "deals")} == deals
    assert extracted.rows_rejected == 0
    assert extracted.note == ""
    assert len(extracted.counts) == 9
    assert all(count.held == count.at_vendor for count in extracted.counts)


def test_the_rest_is_what_the_endpoints_tell(read_once: Read) -> None:
    account, _ = read_once
    forms = account.call("GET", "/marketing/v3/forms")["results"]
    assert set(account.present("form_id, name", "forms")) == {
        (form["id"], form["name"]) for form in forms
    }
    submissions, events, after = set(), set(), "o0"
    for form in forms:
        path = f"/form-integrations/v1/submissions/forms/{form['id']}"
        wish: dict[str, Any] = {"limit": 50}
        while True:
            page = account.call("GET", path, params=wish)
            submissions |= {
                (form["id"], one["conversionId"], one["values"][0]["value"])
                for one in page["results"]
            }
            if "paging" not in page:
                break
            wish["after"] = page["paging"]["next"]["after"]
    found = account.present("form_id, submission_id, email", "form_submissions")
    assert set(found) == submissions
    assert len(found) == len(submissions) > 20
    while True:
        wish = {"limit": 1000, "offset": after}
        page = account.call("GET", "/email/public/v1/events", params=wish)
        events |= {
            (one["id"], one["type"], datetime.fromtimestamp(one["created"] / 1000, UTC))
            for one in page["events"]
        }
        if not page["hasMore"]:
            break
        after = page["offset"]
    assert set(account.present("event_id, type, happened_at", "email_events")) == events
    spent = account.rows("select sum(amount) from raw_hubspot.spend")[0][0]
    totals = [
        Decimal(str(account.call("GET", f"/marketing/v3/campaigns/{one}/budget/totals")[name]))
        for name in ("spendTotal",)
        for (one,) in account.present("campaign_id", "campaigns")
    ]
    assert spent == sum(totals) > 0


def test_legacy_paths_tell_the_same(account: Account, clean: Rows) -> None:
    account.extract(api="legacy")
    assert account.loaded() == clean
    called = {call.path for call in account.recorder.calls}
    assert not [path for path in called if "2026-09" in path]


def test_an_oauth_app_reads_the_same_as_a_private_one(account: Account, clean: Rows) -> None:
    account.order("expire", path="/objects/", every=20, times=1)
    account.extract(connection=account.oauth)
    assert account.loaded() == clean
    renewals = [call for call in account.recorder.calls if "/oauth/" in call.path]
    assert 2 <= len(renewals) < 10


@pytest.mark.parametrize(
    ("is_oauth", "contacts"),
    [(True, 2_000), pytest.param(False, 7_000, marks=pytest.mark.slow)],
)
def test_no_call_is_refused_for_being_one_too_many(
    throttled: Account, is_oauth: bool, contacts: int
) -> None:
    throttled.happen("import", count=contacts)
    throttled.extract(connection=throttled.oauth if is_oauth else None)
    statuses = [call.status for call in throttled.recorder.calls]
    assert set(statuses) == {200, 207}
    assert len(statuses) > (110 if is_oauth else 190)
    assert max(throttled.slept) > 5
    assert len(throttled.present("contact_id", "contacts")) > contacts


def test_what_proves_who_asks_is_nowhere_to_be_found(
    account: Account, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    keys = account.hubspot.keys
    secrets = [keys.private, keys.client_secret, keys.refresh_token, "access-token-1"]
    account.order("status", status=500, path="/owners", times=1)
    account.extract()
    account.night(1, connection=account.oauth)
    told = (
        "".join(capfd.readouterr()) + caplog.text + repr(account.oauth) + repr(account.connection)
    )
    tables = account.rows(
        "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    assert len(tables) > 20
    for (table,) in tables:
        told += str(account.rows(f"select t::text from {table} as t"))
    # dlt packs its state
    for (state,) in account.rows("select state from raw_hubspot._dlt_pipeline_state"):
        from dlt.common.versioned_state import decompress_state

        told += str(decompress_state(state))
    assert "known_at" in told
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.slow
def test_a_second_account_stands_beside_the_first(
    account: Account, clean: Mapping[str, Any]
) -> None:
    account.extract()
    extracted = account.extract(system="hubspot_apac")
    assert extracted.rows_loaded > 0
    assert all(count.held == count.at_vendor for count in extracted.counts)
    for table, rows in clean.items():
        found = account.rows(f"select system, count(*) from raw_hubspot.{table} group by 1")
        held = len(rows)
        assert sorted(found) == [("hubspot", held), ("hubspot_apac", held)], table
