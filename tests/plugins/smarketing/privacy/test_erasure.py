"""An erasure waits for a night, refuses what it cannot know, and keeps a reason without names."""

from __future__ import annotations

import psycopg
import pytest
from smarketing import night
from smarketing.privacy.erasure import ErasureError, Warehouse, erase
from smarketing.privacy.ledger import LedgerError
from smarketing.warehouse.connection import WarehouseError

KEY = "a key that only the tests have"


@pytest.fixture
def ours(warehouse: str) -> Warehouse:
    with psycopg.connect(warehouse) as connection:
        connection.execute("insert into ops.systems (system, source) values ('crm', 'csv_export')")
        connection.execute(
            "insert into agreement.versions (version, name, effective_from, zone, marketing_party,"
            " sales_party, content_hash, content, handoff_stage, default_calendar)"
            " values ('1', '-', '2026-01-01', 'UTC', '-', '-', '-', '{}', 'mql', '-')"
        )
        connection.execute("insert into agreement.shared_mailboxes values ('1', 'info')")
    return Warehouse(warehouse, lambda: KEY)


def rows(warehouse: Warehouse, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(warehouse.uri) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize(
    ("identifier", "why"),
    [
        ("ann", "neither an e-mail address"),
        ("ann@", "neither an e-mail address"),
        ("hupsbot:1", "no system called 'hupsbot'; there is crm"),
        ("Info@example.com", "several people read this mailbox"),
        ("ann@example.com", "no record here has this address or key"),
        ("crm:1", "no record here has this address or key"),
    ],
)
def test_what_cannot_be_known_is_explained(ours: Warehouse, identifier: str, why: str) -> None:
    with pytest.raises(ErasureError, match=why):
        erase(ours, [identifier], reason="-", erased_by="somebody")
    assert rows(ours, "select * from ops.erasures") == []


def test_an_unknown_person_can_be_kept_away(ours: Warehouse) -> None:
    for _ in range(2):
        erase(
            ours,
            ["ann@example.com", "crm:1"],
            reason="Ann, ann@example.com, asked on 3 May (crm:1)",
            erased_by="somebody",
            even_if_unknown=True,
        )
    # the second time they are known to be erased
    assert rows(ours, "select state, erased_by, reason, record_count from ops.erasures") == [
        ("done", "somebody", "Ann, (erased), asked on 3 May ((erased))", 0)
    ]
    assert rows(ours, "select count(*) from ops.erasure_ledger") == [(3,)]
    assert rows(ours, "select * from ops.erasure_work") == []


def test_without_a_key_nobody_is_erased(ours: Warehouse) -> None:
    with pytest.raises(LedgerError, match="SMARKETING_ERASURE_KEY"):
        erase(
            Warehouse(ours.uri, lambda: None),
            ["ann@example.com"],
            reason="-",
            erased_by="somebody",
            even_if_unknown=True,
        )
    assert rows(ours, "select * from ops.erasures") == []


def test_a_step_of_a_night_is_waited_for(ours: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "_PATIENCE", "100ms")
    with psycopg.connect(ours.uri, autocommit=True) as step:
        step.execute("select pg_advisory_lock_shared(hashtext('smarketing night'))")
        with pytest.raises(WarehouseError, match="has not ended"):
            erase(ours, ["ann@example.com"], reason="-", erased_by="somebody")
        step.execute("select pg_advisory_unlock_all()")
    erase(ours, ["ann@example.com"], reason="-", erased_by="somebody", even_if_unknown=True)
