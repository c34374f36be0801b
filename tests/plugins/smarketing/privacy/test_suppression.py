"""What of a batch is let through: nothing that tells of anybody erased, and all the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from smarketing.privacy.ledger import Ledger
from smarketing.privacy.suppression import Suppression
from smarketing.sources.api.tables import Table, TableRows
from smarketing.sources.csv_export.entities import ENTITIES
from smarketing.sources.csv_export.tables import arrow_schema
from smarketing.sources.hubspot.tables import CONTACTS, DEALS, ENGAGEMENTS, PROPERTY_HISTORY
from smarketing.sources.marketo.tables import LEADS

if TYPE_CHECKING:
    import pyarrow as pa

LEDGER = Ledger("a key that only the tests have")
ERASED = {
    LEDGER.record("hubspot", "1"),
    LEDGER.record("crm", "1"),
    LEDGER.address("ann@example.com"),
    LEDGER.event(("hubspot", "", "calls", "11")),
    LEDGER.foreign_record("003A"),
}


def passing(lasting: dict[str, Any] | None = None, entries: set[bytes] = ERASED) -> Suppression:
    nowhere: Any = None
    return Suppression(nowhere, LEDGER, entries, lasting or {})


def told(table: Table, *rows: dict[str, Any], system: str = "hubspot") -> pa.RecordBatch:
    collected = TableRows(table, system)
    assert collected.add(rows) == []
    [batch] = collected.batches()
    return batch


def left(
    batch: pa.RecordBatch, table: str, column: str, suppression: Suppression | None = None
) -> list[Any]:
    kept = (suppression or passing()).without_erased(table, batch)
    return list(kept.column(column).to_pylist())


def test_a_person_by_id_and_by_each_address() -> None:
    batch = told(
        CONTACTS,
        {"contact_id": "1", "email": "another@example.com"},
        {"contact_id": "2", "email": " Ann@Example.com"},
        {"contact_id": "3", "second_email": "ann@example.com"},
        {"contact_id": "4", "email": "ben@example.com"},
    )
    assert left(batch, "raw_hubspot.contacts", "contact_id") == ["4"]
    assert left(batch, "raw_hubspot.contacts", "contact_id", passing(entries=set())) == [
        "1", "2", "3", "4",
    ]  # fmt: skip


def test_who_came_back_is_asked_for(warehouse: str) -> None:
    batch = told(CONTACTS, {"contact_id": "1"}, {"contact_id": "2", "email": "ann@example.com"})
    with psycopg.connect(warehouse) as connection:
        suppression = Suppression(connection, LEDGER, ERASED, {})
        for _ in range(2):
            suppression.without_erased("raw_hubspot.contacts", batch)
            suppression.ask_for_erasure()
        assert connection.execute("select system, record from ops.erasure_requests").fetchall() == [
            ("hubspot", "2")
        ]


def test_another_system_names_the_record() -> None:
    batch = told(
        LEADS,
        {"lead_id": "7", "sfdc_contact_id": "003A"},
        {"lead_id": "8", "sfdc_contact_id": "003B"},
        system="marketo",
    )
    assert left(batch, "raw_marketo.leads", "lead_id") == ["8"]


def test_a_history_by_record_by_kind_and_by_value() -> None:
    rows = [
        {"kind": "contacts", "record_id": "1", "property": "score", "value": "3"},
        # a deal of the same number
        {"kind": "deals", "record_id": "1", "property": "amount", "value": "4"},
        {"kind": "contacts", "record_id": "2", "property": "email", "value": "ann@example.com"},
        {"kind": "contacts", "record_id": "2", "property": "score", "value": "5"},
    ]
    batch = told(PROPERTY_HISTORY, *(row | {"changed_at": 0} for row in rows))
    assert left(batch, "raw_hubspot.property_history", "value") == ["4", "5"]


def test_what_several_took_part_in_is_the_others() -> None:
    batch = told(
        ENGAGEMENTS,
        {"kind": "calls", "engagement_id": "11", "contact_ids": []},
        {"kind": "notes", "engagement_id": "11", "contact_ids": ["2"]},
        {"kind": "calls", "engagement_id": "12", "contact_ids": ["1", "2"]},
    )
    assert left(batch, "raw_hubspot.engagements", "contact_ids") == ['["2"]', '["2"]']


def test_a_deal_goes_on_without_a_name_and_is_one_version() -> None:
    batch = told(
        DEALS,
        {"deal_id": "5", "name": "Ann's", "amount": 9, "contact_ids": ["2"]},
        {"deal_id": "6", "name": "Ben's", "amount": 9, "contact_ids": ["2"]},
    )
    [first, _] = batch.column("_record_key").to_pylist()
    lasting = {
        "raw_hubspot.deals": {first: {"name": None, "custom": None, "contact_ids": '["erased-x"]'}}
    }
    kept = passing(lasting).without_erased("raw_hubspot.deals", batch)
    assert kept.column("name").to_pylist() == [None, "Ben's"]
    assert kept.column("amount").to_pylist() == [9, 9]
    assert kept.column("contact_ids").to_pylist() == ['["2","erased-x"]', '["2"]']
    hashes = kept.column("_row_hash").to_pylist()
    assert hashes[0] != batch.column("_row_hash").to_pylist()[0]
    assert hashes[1] == batch.column("_row_hash").to_pylist()[1]
    again = passing(lasting).without_erased("raw_hubspot.deals", batch)
    assert again.column("_row_hash").to_pylist() == hashes


def test_an_opportunity_of_an_export_stays_nobodys_until_it_is_somebodys() -> None:
    import pyarrow as pa

    [entity] = [each for each in ENTITIES if each.name == "opportunities"]
    schema = arrow_schema(entity)
    rows = [
        dict.fromkeys(schema.names)
        | {"system": "crm", "opportunity_id": one, "lead_id": lead, "status": "won",
           "_record_key": one, "_row_hash": one}
        for one, lead in (("a", "1"), ("b", "2"), ("c", "1"))
    ]  # fmt: skip
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    lasting = {
        "raw_csv_export.opportunities": {
            "a": {"lead_id": "erased-x"},
            "b": {"lead_id": "erased-x"},
        }
    }
    leads = left(batch, "raw_csv_export.opportunities", "lead_id", passing(lasting))
    assert leads == ["erased-x", "2"]


def test_what_is_kept_aside_says_nothing_of_them() -> None:
    suppression = passing()
    assert suppression.mentions("crm", '1,"Ann",12 Oct')
    assert suppression.mentions("crm", None, "x;ANN@example.com;y")
    assert suppression.mentions("hubspot", '["hubspot","1"]')
    assert not suppression.mentions("crm", "12,Ann,ann@example.org")
