from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from smarketing.sources.csv_export import Mapping, tables
from smarketing.sources.csv_export.deliveries import find_deliveries
from smarketing.sources.csv_export.tables import Batch, DeliveryReader

if TYPE_CHECKING:
    from tests.plugins.smarketing.sources.csv_export.conftest import Folder

OPPORTUNITIES = """
  leads: [{file: deals.csv, columns: {lead_id: id}}]
  opportunities:
    - file: deals.csv
      columns: {opportunity_id: id, lead_id: lead, closed: closed, amount: amount}
      constants: {status: won}
"""


def read(mapping: Mapping, entity: str = "leads") -> list[Batch]:
    [delivery] = [
        delivery
        for delivery in find_deliveries(mapping, datetime(2024, 1, 1, tzinfo=UTC))
        if delivery.entity.name == entity
    ]
    return list(DeliveryReader("crm", delivery, first_sequence=0).batches())


def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.rows.to_pylist()]


def test_a_row(folder: Folder) -> None:
    folder.write("deals.csv", "note;id;lead;closed;amount\n;D1;L1;2018-02-01;1.234,50\n")
    [row] = rows(
        read(
            folder.mapping(OPPORTUNITIES, "delimiter: ';', decimal: ',', thousands: ."),
            "opportunities",
        )
    )
    assert len(row.pop("_row_hash")) == 32
    assert row == {
        "system": "crm",
        "opportunity_id": "D1",
        "lead_id": "L1",
        "opened_at": None,
        "opened_on": None,
        "closed_at": None,
        "closed_on": date(2018, 2, 1),
        "status": "won",
        "amount": Decimal("1234.5"),
        "currency": None,
        "owner_id": None,
        "_record_key": '["crm","D1"]',
        "_delivery": None,
        "_file": "deals.csv",
        "_line": 2,
        "_sequence": 0,
    }


def test_equal_values_are_one_version_however_they_are_written(folder: Folder) -> None:
    hashes = []
    for cells in ("1.50,2018-02-01T10:00Z", "1.5,2018-02-01 12:00+02:00", "1.5,2018-02-01"):
        folder.write("deals.csv", f"id,lead,amount,closed\nD1,L1,{cells}\n")
        hashes += [
            row["_row_hash"] for row in rows(read(folder.mapping(OPPORTUNITIES), "opportunities"))
        ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_key_names_its_record_without_doubt(folder: Folder) -> None:
    folder.write("s.csv", 'lead,at,stage\na,2018-02-01,"b"",""c"\na,2018-02-01T00:00Z,b\n')
    mapping = folder.mapping(
        """
  leads: [{file: s.csv, columns: {lead_id: lead}}]
  stage_changes: [{file: s.csv, columns: {lead_id: lead, occurred: at, stage: stage}}]
"""
    )
    assert [row["_record_key"] for row in rows(read(mapping, "stage_changes"))] == [
        '["crm","a","2018-02-01","b\\",\\"c"]',
        '["crm","a","2018-02-01T00:00:00+00:00","b"]',
    ]


def test_an_id_of_its_own_is_the_key_of_a_row(folder: Folder) -> None:
    folder.write("s.csv", "id,lead,at\n7,a,2018-02-01\n,a,2018-02-01\n")
    mapping = folder.mapping(
        """
  leads: [{file: s.csv, columns: {lead_id: lead}}]
  ownership_changes: [{file: s.csv, columns: {change_id: id, lead_id: lead, occurred: at}}]
"""
    )
    [batch] = read(mapping, "ownership_changes")
    [row] = batch.rows.to_pylist()
    assert (row["change_id"], row["_record_key"]) == ("7", '["crm","7"]')
    [rejected] = batch.rejected
    assert (rejected.line, rejected.column) == (3, "id")
    assert rejected.reason == "empty, but required"


def test_rejected_records_are_kept_whole_and_the_others_go_on(folder: Folder) -> None:
    folder.write(
        "leads.csv",
        b"id,created,email,score,\n"
        b"1,2018-02-01,a@x,5,\n"
        b",2018-02-01,b@x,5,\n"
        b'3,soon,"c\n@x",high,\n'
        b"4,2018-02-01,d\x00@x,5,\n"
        b"5,2018-02-01,\xff@x,5,\n"
        b"6,2018-02-01\n"
        b"7,2018-02-01,g@x,5,,\n"
        b'8,"2018"-02-01,h@x,5,\n'
        b"9,,,,\n",
    )
    [batch] = read(folder.mapping())
    assert [row["lead_id"] for row in batch.rows.to_pylist()] == ["1", "9"]
    assert [row["_line"] for row in batch.rows.to_pylist()] == [2, 11]
    found = {row.line: (row.column, row.value, row.reason) for row in batch.rejected}
    assert found == {
        3: ("id", "", "empty, but required"),
        4: ("created", "soon", "neither a time nor a day"),
        6: ("email", r"d\x00@x", "holds a NUL character, which PostgreSQL cannot store"),
        7: ("email", r"\xff@x", "holds bytes that are not utf-8"),
        8: ("", "2 cells", "too few cells"),
        9: ("", "6 cells", "too many cells"),
        10: ("", '8,"2018"-02-01,h@x,5,\n', "',' expected after '\"'"),
    }
    by_line = {row.line: row for row in batch.rejected}
    assert by_line[4].expected == "a time such as 2001-02-03T04:05:06 or a day such as 2001-02-03"
    assert by_line[9].expected == "5 cells, as many as the header has"
    assert by_line[9].record == {
        "id": "7",
        "created": "2018-02-01",
        "email": "g@x",
        "score": "5",
        "(column 5)": "",
        "(column 6)": "",
    }


def test_bad_bytes_matter_only_in_columns_that_are_read(folder: Folder) -> None:
    folder.write("leads.csv", b"id,created,email,score,note\n1,,,,\xff\x00\n")
    [batch] = read(folder.mapping())
    assert (batch.rows.num_rows, batch.rejected) == (1, [])


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
records = st.tuples(
    texts,
    st.none() | texts,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none()
    | st.decimals(
        allow_nan=False, allow_infinity=False, places=9, max_value=10**28, min_value=-(10**28)
    ),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(table=st.lists(records, max_size=8))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_values_are_read_back_exactly(folder: Folder, table: list[tuple[Any, ...]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["id", "email", "score", "amount", "at"])
    for key, email, score, amount, at in table:
        shown = None if amount is None else f"{amount:f}".replace(".", ",")
        writer.writerow([key, email, score, shown, at and at.isoformat()])
    folder.write("t.csv", out.getvalue().encode("utf-16"))
    mapping = folder.mapping(
        """
  leads: [{file: t.csv, columns: {lead_id: id, email: email, score: score}}]
  opportunities:
    - file: t.csv
      columns: {opportunity_id: id, lead_id: id, amount: amount, opened: at}
      constants: {status: open}
""",
        "encoding: utf-16, decimal: ','",
    )
    leads = [(row["lead_id"], row["email"], row["score"]) for row in rows(read(mapping))]
    assert leads == [record[:3] for record in table]
    opportunities = rows(read(mapping, "opportunities"))
    assert [(row["amount"], row["opened_at"]) for row in opportunities] == [
        record[3:] for record in table
    ]


@pytest.mark.parametrize("bad", [False, True])
def test_memory_does_not_grow_with_the_file(
    folder: Folder, bad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", 2_000)

    def peak(records: int) -> int:
        line = "L{0},2018-02-01T10:00Z,person{0}@example.com," + ("high\n" if bad else "7\n")
        folder.write(
            "leads.csv", "id,created,email,score\n" + "".join(map(line.format, range(records)))
        )
        [delivery] = find_deliveries(folder.mapping(), datetime(2024, 1, 1, tzinfo=UTC))
        tracemalloc.start()
        for _ in DeliveryReader("crm", delivery, first_sequence=0).batches():
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40_000) < 1.2 * peak(4_000)
