"""A client in use everywhere reads the same org: record by record what landed in the warehouse.

The stories that the company was made of say which records there are to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
import requests
import simple_salesforce as vendor
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of
from smarketing.sources.api.streams import Extracted
from smarketing.sources.salesforce import Settings
from smarketing.sources.salesforce.objects import Kind, kinds
from smarketing.sources.salesforce.tables import TABLES

from tests.plugins.smarketing.sources.salesforce.conftest import COMPANY, ENDS, MAPPED, Warehouse

Once = tuple[Warehouse, Extracted]
KINDS = kinds(Settings(**MAPPED))


class Plain(requests.adapters.HTTPAdapter):
    """The client speaks TLS only; the simulator is in the clear."""

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


@pytest.fixture(scope="module")
def client(read_once: Once) -> Any:
    org = read_once[0].org
    org.clock.set(ENDS)
    session = requests.Session()
    session.mount("https://127.0.0.1", Plain())
    form = {
        "grant_type": "client_credentials",
        "client_id": org.keys.client_id,
        "client_secret": org.keys.client_secret,
    }
    return vendor.Salesforce(
        session_id=org.keys.grant(form, org.url)["access_token"],
        instance_url=org.url.replace("http://", "https://"),
        session=session,
        version="67.0",
    )


def as_told(value: Any) -> Any:
    """A value of ours as Salesforce writes it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_every_record_landed_with_every_value(read_once: Once, client: Any, kind: Kind) -> None:
    fields = {field["name"]: field for field in getattr(client, kind.object).describe()["fields"]}
    columns = {column: name for column, name in kind.columns.items() if name in fields}
    own = sorted(
        name for name, field in fields.items()
        if kind.has_own and field["custom"] and name not in columns.values()
    )  # fmt: skip
    soql = f"SELECT {', '.join(dict.fromkeys([*columns.values(), *own]))} FROM {kind.object}"
    told = {row["Id"]: row for row in client.query_all_iter(soql)}
    landed = read_once[0].records(kind.table, kind.id)
    if kind.table == "field_history":
        landed = {key: row for key, row in landed.items() if f"{row['object']}H" in kind.object
                  or (row["object"] == "Opportunity" and "Opportunity" in kind.object)}  # fmt: skip
    assert landed.keys() == told.keys()
    assert landed
    for key, row in landed.items():
        for column, name in columns.items():
            if kind.table != "field_history" or column not in ("field", "old", "new"):
                assert as_told(row[column]) == told[key][name], (key, column)
        if kind.has_own:
            expected = {name: told[key][name] for name in own if told[key][name] is not None}
            assert orjson.loads(row["custom"]) == expected
        if kind.table == "field_history":
            assert_same_change(row, told[key])
    required = {column.name for table in TABLES if table.name == kind.table
                for column in table.columns}  # fmt: skip
    assert kind.columns.keys() <= required


def assert_same_change(row: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    for ours, theirs in ((row["old"], told["OldValue"]), (row["new"], told["NewValue"])):
        if isinstance(theirs, float):
            assert float(ours) == theirs
        else:
            assert ours == theirs
    if row["field"] != told["Field"]:
        assert row["field"] in {
            "status", "owner_id", "score", "reason", "lifecycle_stage", "stage", "amount",
            "close_on",
        }  # fmt: skip


def test_the_leads_are_those_of_the_stories(read_once: Once) -> None:
    warehouse, _ = read_once
    held, gone = set(), set()
    for story, _rng in stories(COMPANY, Campaigns(COMPANY)):
        for index, record in enumerate(story.records):
            if crm_of(story, index) == "salesforce":
                lead = id_of("00Q", number_of(record.lead_id))
                held.add(lead)
                if any(one.record == index for one in story.deletions) or any(
                    index in (one.merged, one.survivor) for one in story.merges
                ):
                    gone.add(lead)
    leads = warehouse.records("leads", "lead_id")
    assert held - gone <= leads.keys() <= held
    assert len(held) > 200


def test_deletions_and_merges_are_those_of_the_bin(read_once: Once, client: Any) -> None:
    warehouse, _ = read_once
    for kind in ("Lead", "Contact"):
        soql = f"SELECT Id, MasterRecordId, SystemModstamp FROM {kind} WHERE IsDeleted = true"
        binned = list(client.query_all_iter(soql, include_deleted=True))
        gone = {row[0]: row[1] for row in warehouse.present(
            "record_id, deleted_at", "deletions", f"object = '{kind}'")}  # fmt: skip
        for row in binned:
            assert as_told(gone[row["Id"]]) == row["SystemModstamp"]
        merged = dict(warehouse.present("merged_id, surviving_id", "merges", f"object = '{kind}'"))
        masters = {row["Id"]: row["MasterRecordId"] for row in binned if row["MasterRecordId"]}
        assert merged == masters


def test_what_there_is_to_say_is_described(read_once: Once, client: Any) -> None:
    warehouse, _ = read_once
    for kind in KINDS:
        fields = getattr(client, kind.object).describe()["fields"]
        landed = warehouse.present(
            "name, label, type, is_own", "fields", f"object = '{kind.object}'"
        )
        told = sorted((one["name"], one["label"], one["type"], one["custom"]) for one in fields)
        assert landed == told
