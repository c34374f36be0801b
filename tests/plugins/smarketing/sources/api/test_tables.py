"""What a vendor tells becomes typed rows; what cannot be read is kept aside, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from smarketing.sources.api.rejected import keep_aside
from smarketing.sources.api.tables import Column, Table, TableRows, Unreadable
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import as_role

KINDS = ("text", "integer", "number", "boolean", "date", "instant", "json")
THINGS = Table(
    "things", ("id",), "Things.",
    (Column("id", "text", "id", required=True), *(Column(kind, kind, kind) for kind in KINDS)),  # type: ignore[arg-type]
)  # fmt: skip


def read(*rows: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Unreadable]]:
    told = TableRows(THINGS, "crm")
    unreadable = told.add(rows)
    return [row for batch in told.batches() for row in batch.to_pylist()], unreadable


@pytest.mark.parametrize(
    ("kind", "told", "value"),
    [
        ("text", "  é\u2028 ", "  é\u2028 "),
        ("text", 7, "7"),
        ("integer", "12", 12),
        ("integer", "12.0", 12),
        ("integer", 2**63 - 1, 2**63 - 1),
        ("number", "1e3", Decimal(1000)),
        ("number", 0.1, Decimal("0.1")),
        ("number", "0.0000000005", Decimal(0)),
        ("number", "0.0000000015", Decimal("2e-9")),
        ("number", "9" * 29, Decimal("9" * 29)),
        ("boolean", "TRUE", True),
        ("boolean", False, False),
        ("date", "2026-11-20", date(2026, 11, 20)),
        ("instant", "2026-11-20T03:00:00+01:00", datetime(2026, 11, 20, 2, tzinfo=UTC)),
        ("instant", 0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("json", {"b": 1, "a": ["x"]}, '{"a":["x"],"b":1}'),
        ("json", ["\\u0000"], '["\\\\u0000"]'),
        *((kind, empty, None) for kind in KINDS for empty in (None, "")),
    ],
)
def test_a_value_is_what_its_column_holds(kind: str, told: Any, value: Any) -> None:
    [row], unreadable = read({"id": "1", kind: told})
    assert row[kind] == value
    assert unreadable == []


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("text", "a\0b"), ("text", "\ud800"), ("integer", "1.5"), ("integer", 2**63),
        ("integer", "many"), ("number", "NaN"), ("number", "-Infinity"), ("number", "1,5"),
        ("number", "1_000"), ("number", "1e400"), ("number", "9" * 30), ("number", True),
        ("boolean", "yes"), ("boolean", 2), ("date", "20/11/2026"), ("date", "2026-02-30"),
        ("date", "2026-11-20T00:00:00Z"), ("instant", "2026-11-20T02:00:00"), ("instant", 10**20),
        ("instant", True), ("instant", "0001-01-01T00:00:00+14:00"), ("json", ["\ud800"]),
        ("json", ["\0"]), ("json", {"a": "\\\0"}), ("json", [2**70]),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_kept_aside_and_its_row_goes_on(kind: str, told: Any) -> None:
    rows, [fault] = read({"id": "1", kind: told, "text" if kind != "text" else "integer": 7})
    assert rows[0][kind] is None
    assert rows[0]["text" if kind != "text" else "integer"] in (7, "7")
    assert (fault.table, fault.column, fault.is_row_lost) == ("things", kind, False)
    assert fault.value.encode()
    assert "\0" not in fault.value
    assert fault.expected


@pytest.mark.parametrize("told", [None, "", "\0", "\ud800"])
def test_a_row_without_its_key_is_left_out(told: Any) -> None:
    rows, [fault] = read({"id": told, "text": "lost"}, {"id": "2"})
    assert [row["id"] for row in rows] == ["2"]
    assert fault.is_row_lost
    assert fault.key.encode()


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.datetimes()
    | st.text(st.characters(codec=None), max_size=12) | st.lists(st.text(max_size=3), max_size=2)
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from(["id", *KINDS]), VALUES, max_size=8), max_size=4))
def test_nothing_that_is_told_stops_a_page(rows: list[dict[str, Any]]) -> None:
    told = TableRows(THINGS, "crm")
    unreadable = told.add(rows)
    lost = {fault.key for fault in unreadable if fault.is_row_lost}
    kept = [row for batch in told.batches() for row in batch.to_pylist()]
    assert len(kept) == len(told) <= len(rows)
    assert bool(lost) == (len(kept) < len(rows))
    for fault in unreadable:
        assert (fault.key + fault.value).encode()
    assert [row["_sequence"] for row in kept] == list(range(len(kept)))


def test_equal_rows_are_one_version_and_others_are_not() -> None:
    rows, _ = read(
        {"id": "1", "number": "1"}, {"id": "1", "number": 1.0}, {"id": "1", "number": "2"},
        {"id": "1"}, {"id": "1", "text": "1"}, {"id": "2", "number": "1"},
    )  # fmt: skip
    hashes = [row["_row_hash"] for row in rows]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 5
    assert [row["_record_key"] for row in rows] == ['["crm","1"]'] * 5 + ['["crm","2"]']
    other = TableRows(THINGS, "other")
    other.add([{"id": "1", "number": "1"}])
    [row] = next(other.batches()).to_pylist()
    assert row["_row_hash"] not in hashes


@pytest.fixture
def loader(warehouse: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(as_role(warehouse, "loader"), autocommit=True) as connection:
        yield connection


def columns(connection: Connection[Any]) -> set[tuple[Any, ...]]:
    return set(
        connection.execute(
            "select table_name, column_name, data_type, is_nullable, numeric_precision,"
            " numeric_scale from information_schema.columns where table_schema = 'raw_hubspot'"
            " and table_name not like '\\_dlt%'"
        )
    )


def test_tables_are_made_once_and_columns_that_came_later_are_added(
    loader: Connection[Any],
) -> None:
    create_raw_tables(loader)
    made = columns(loader)
    create_raw_tables(loader)
    assert columns(loader) == made
    loader.execute("alter table raw_hubspot.contacts drop column score")
    create_raw_tables(loader)
    assert columns(loader) == made


def test_what_is_kept_aside_is_kept_once(loader: Connection[Any]) -> None:
    faults = [
        Unreadable("things", '["crm","1"]', "number", value, "a number", is_row_lost=False)
        for value in ("many", r"a\x00b", 'quo"te')
    ]
    for night in ("one", "two"):
        keep_aside(loader, night, "raw_hubspot", "crm", faults)
    rows = loader.execute("select night_id, value, record from ops.rejected_rows").fetchall()
    assert sorted(rows) == sorted(("one", fault.value, {"number": fault.value}) for fault in faults)
