from __future__ import annotations

import csv
import errno
import io
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from smarketing.sources.csv_export import extract
from smarketing.sources.errors import LoadError, SourceError
from smarketing.sources.loading import _credentials

from tests.plugins.smarketing.sources.csv_export.conftest import night

if TYPE_CHECKING:
    from tests.plugins.smarketing.sources.csv_export.conftest import Folder, Warehouse

HEADER = "id,created,email,score\n"
SERIES = """
  leads:
    - file: leads_{date}.csv
      columns: {lead_id: id, email: email}
"""
KINDS = """
  leads:
    - file: leads.csv
      columns: {lead_id: id, created: created, email: email, score: score}
  owners:
    - file: owners.csv
      columns: {owner_id: id, name: name, is_active: active}
  spend:
    - file: spend.csv
      columns: {campaign_id: campaign, spent: day, amount: amount}
      format: {delimiter: ";", decimal: ",", thousands: ".", encoding: cp1252}
"""
SPEND = """
  leads: [{file: leads.csv, columns: {lead_id: id}}]
  spend: [{file: spend.csv, columns: {campaign_id: campaign, spent: day, amount: amount}}]
"""
SPEND_BY_ID = SPEND.replace("columns: {campaign_id", "columns: {spend_id: id, campaign_id")
CHANGES = """
  leads: [{file: leads.csv, columns: {lead_id: id}}]
  ENTITY:
    - file: changes_{date}.csv
      columns: {change_id: change, lead_id: lead, occurred: at, FIELD: to}
"""
ENTITIES = {
    "leads",
    "stage_changes",
    "owners",
    "ownership_changes",
    "touches",
    "opportunities",
    "campaigns",
    "spend",
    "deletions",
    "merges",
}


def test_every_kind_of_value_arrives(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", HEADER + "1,2018-02-01,a@x,\n2,2018-02-01T10:00+02:00,,-7\n")
    folder.write("owners.csv", "id,name,active\nO1,Zoë 😀,yes\nO2,,no\nO3,,\n")
    folder.write("spend.csv", "campaign;day;amount\nC1;2024-01-01;1.234,50 \n".encode("cp1252"))
    extracted = warehouse.extract(folder.mapping(KINDS))
    assert (extracted.rows_read, extracted.rows_loaded, extracted.rows_rejected) == (6, 6, 0)
    assert warehouse.rows(
        "select lead_id, created_at, created_on, email, score, system, _file, _line"
        " from raw_csv_export.leads order by lead_id"
    ) == [
        ("1", None, date(2018, 2, 1), "a@x", None, "crm", "leads.csv", 2),
        ("2", datetime(2018, 2, 1, 8, tzinfo=UTC), None, None, -7, "crm", "leads.csv", 3),
    ]
    assert warehouse.rows(
        "select owner_id, name, is_active from raw_csv_export.owners order by 1"
    ) == [("O1", "Zoë 😀", True), ("O2", None, False), ("O3", None, None)]
    assert warehouse.rows("select spent, amount::text from raw_csv_export.spend") == [
        (date(2024, 1, 1), "1234.500000000")
    ]


def test_every_table_exists_whatever_is_delivered(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", HEADER)
    assert warehouse.extract(folder.mapping()).rows_read == 0
    tables = warehouse.rows(
        "select relname from pg_class where relnamespace = 'raw_csv_export'::regnamespace"
        " and relkind = 'r' and relname not like '\\_dlt%'"
    )
    assert {name for (name,) in tables} == ENTITIES
    columns = warehouse.rows(
        "select column_name, data_type, is_nullable from information_schema.columns"
        " where (table_schema, table_name) = ('raw_csv_export', 'spend') order by ordinal_position"
    )
    assert columns == [
        ("system", "character varying", "NO"),
        ("campaign_id", "character varying", "NO"),
        ("spent", "date", "NO"),
        ("amount", "numeric", "NO"),
        ("currency", "character varying", "YES"),
        ("spend_id", "character varying", "YES"),
        ("_record_key", "character varying", "NO"),
        ("_row_hash", "character varying", "NO"),
        ("_delivery", "date", "YES"),
        ("_file", "character varying", "NO"),
        ("_line", "bigint", "NO"),
        ("_sequence", "bigint", "NO"),
        ("_known_from", "timestamp with time zone", "YES"),
        ("_known_until", "timestamp with time zone", "YES"),
    ]


def test_hostile_text_arrives_as_it_is(folder: Folder, warehouse: Warehouse) -> None:
    texts = [
        "'; drop table raw_csv_export.leads; --",
        "{{ var('x') }} {0} %s %(a)s $1 ${HOME}",
        '=cmd|"/c calc"!A1',
        "\\N",
        "\\x00 \\n \\.",
        "NULL",
        "  spaces  ",
        " \t\r\n ",
        "😀\u202e\ufeff",
        "e\u0301 \u00e9",
        "x" * 100_000,
    ]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["id", "created", "email", "score"]])
    csv.writer(out).writerows([f"{n:02}", "", text, ""] for n, text in enumerate(texts))
    folder.write("leads.csv", out.getvalue())
    assert warehouse.extract(folder.mapping()).rows_rejected == 0
    assert warehouse.known("email", day=1) == [(text,) for text in texts]


def test_a_night_run_again_changes_nothing(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n2,,b@x,\n")
    first = warehouse.extract(folder.mapping())
    before = warehouse.rows("select * from raw_csv_export.leads order by lead_id")
    again = warehouse.extract(folder.mapping())
    assert (first.rows_loaded, again.rows_read, again.rows_loaded) == (2, 0, 0)
    assert again.entities[0].unchanged == ("leads.csv",)
    assert warehouse.rows("select * from raw_csv_export.leads order by lead_id") == before


def test_a_changed_record_opens_a_version_even_back_to_an_old_one(
    folder: Folder, warehouse: Warehouse
) -> None:
    for day, email in ((1, "old@x"), (2, "new@x"), (3, "new@x"), (4, "old@x")):
        # The note, which is not mapped, changes the file and nothing else.
        folder.write("leads.csv", f"id,created,email,score,note\n1,,{email},,{day}\n2,,b@x,,\n")
        warehouse.extract(folder.mapping(), day)
    for day, email in ((1, "old@x"), (2, "new@x"), (3, "new@x"), (4, "old@x")):
        assert warehouse.known("email", day) == [(email,), ("b@x",)]
    assert warehouse.rows("select count(*) from raw_csv_export.leads") == [(4,)]


def test_of_several_rows_of_one_record_the_last_counts(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n1,,b@x,\n1,,b@x,\n2,,c@x,\n1,,a@x,\n")
    extracted = warehouse.extract(folder.mapping())
    assert (extracted.rows_loaded, extracted.rows_overwritten) == (2, 2)
    assert extracted.note == (
        "2 rows of leads were overwritten by later rows with the same key (lead_id)"
    )
    assert warehouse.known("email, _line", day=1) == [("a@x", 6), ("c@x", 5)]
    assert warehouse.extract(folder.mapping()).rows_overwritten == 0


def test_only_rows_lost_within_a_file_count_as_overwritten(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads_2024-01-01.csv", "id,email\n1,a@x\n1,a@x\n2,b@x\n")
    folder.write("leads_2024-01-02.csv", "id,email\n1,c@x\n2,d@x\n2,e@x\n2,e@x\nbad\n")
    extracted = warehouse.extract(folder.mapping(SERIES), 2)
    assert (extracted.rows_read, extracted.rows_overwritten) == (8, 1)
    assert extracted.note == (
        "1 row of leads was overwritten by a later row with the same key (lead_id)"
    )
    folder.write("leads_2024-01-03.csv", "id,email\n")
    assert warehouse.extract(folder.mapping(SERIES), 3).rows_overwritten == 0


def test_spend_without_an_id_is_overwritten_and_told(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", "id\nL1\n")
    folder.write(
        "spend.csv",
        "id,campaign,day,amount\n"
        "S1,C1,2024-01-01,100\nS2,C1,2024-01-01,50\nS3,C1,2024-01-01,50.00\nS4,C2,2024-01-01,9\n",
    )
    extracted = warehouse.extract(folder.mapping(SPEND), 1)
    assert [(count.entity, count.rows_overwritten) for count in extracted.entities] == [
        (name, int(name == "spend")) for name in (count.entity for count in extracted.entities)
    ]
    assert extracted.note == (
        "1 row of spend was overwritten by a later row with the same key (campaign_id, spent):"
        " name a spend_id"
    )
    assert spent(warehouse) == [("C1", None, 50), ("C2", None, 9)]

    named = warehouse.extract(folder.mapping(SPEND_BY_ID), 2)
    assert (named.rows_loaded, named.rows_overwritten, named.note) == (4, 0, "")
    by_id = [("C1", "S1", 100), ("C1", "S2", 50), ("C1", "S3", 50), ("C2", "S4", 9)]
    assert spent(warehouse) == by_id
    assert spent(warehouse, day=1) == [("C1", None, 50), ("C2", None, 9)]

    # Nothing changes in a night that finds the same again, and the way back is open.
    assert warehouse.extract(folder.mapping(SPEND_BY_ID), 3).rows_loaded == 0
    assert spent(warehouse, day=3) == by_id
    warehouse.extract(folder.mapping(SPEND), 4)
    assert spent(warehouse) == [("C1", None, 50), ("C2", None, 9)]


def test_an_id_that_is_named_in_the_night_itself_takes_over(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads.csv", "id\nL1\n")
    folder.write("spend.csv", "id,campaign,day,amount\nS1,C1,2024-01-01,1\nS2,C1,2024-01-01,2\n")
    warehouse.extract(folder.mapping(SPEND), 1)
    warehouse.extract(folder.mapping(SPEND_BY_ID), 1)
    assert spent(warehouse, day=1) == [("C1", "S1", 1), ("C1", "S2", 2)]


def test_ids_in_one_file_leave_the_rows_of_others_alone(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads.csv", "id\nL1\n")
    folder.write("spend.csv", "id,campaign,day,amount\nS1,C1,2024-01-01,1\nS2,C1,2024-01-01,2\n")
    folder.write("gone.csv", "campaign,day,amount\nC3,2024-01-01,4\n")
    other = "    - {file: FILE, columns: {campaign_id: campaign, spent: day, amount: amount}}\n"
    both = SPEND_BY_ID.replace("spend: [", "spend:\n    - ").replace("amount}}]", "amount}}")
    warehouse.extract(folder.mapping(both + other.replace("FILE", "gone.csv")), 1)
    folder.write("other.csv", "campaign,day,amount\nC2,2024-01-01,3\nC2,2024-01-01,5\n")
    extracted = warehouse.extract(folder.mapping(both + other.replace("FILE", "other.csv")), 2)
    assert "with the same key (campaign_id, spent): name a spend_id" in extracted.note
    assert spent(warehouse) == [
        ("C1", "S1", 1),
        ("C1", "S2", 2),
        ("C2", None, 5),
        ("C3", None, 4),
    ]


def spent(warehouse: Warehouse, day: int = 9) -> list[tuple[object, ...]]:
    """Give campaign, id and amount as known on a day."""
    return warehouse.rows(
        "select campaign_id, spend_id, amount::int from raw_csv_export.spend"
        f" where _known_from <= '{night(day)}'"
        f" and (_known_until is null or _known_until > '{night(day)}') order by 1, 2, 3"
    )


@pytest.mark.parametrize(
    ("entity", "field"), [("stage_changes", "stage"), ("ownership_changes", "owner_id")]
)
def test_a_corrected_change_takes_the_place_of_the_old(
    folder: Folder, warehouse: Warehouse, entity: str, field: str
) -> None:
    mapping = folder.mapping(CHANGES.replace("ENTITY", entity).replace("FIELD", field))
    folder.write("leads.csv", "id\nL1\n")
    folder.write(
        "changes_2024-01-01.csv", "change,lead,at,to\n7,L1,2024-01-01,x\n,L1,2024-01-01,y\n"
    )
    assert warehouse.extract(mapping, 1).rows_rejected == 1
    folder.write("changes_2024-01-02.csv", "change,lead,at,to\n7,L1,2024-01-02T10:00,z\n")
    assert warehouse.extract(mapping, 2).note == ""
    assert warehouse.rows(
        f"select change_id, {field}, occurred_on, occurred_at, _known_until is null"
        f" from raw_csv_export.{entity} order by _known_from"
    ) == [
        ("7", "x", date(2024, 1, 1), None, False),
        ("7", "z", None, datetime(2024, 1, 2, 10, tzinfo=UTC), True),
    ]
    assert warehouse.rows("select column_name, reason from ops.rejected_rows") == [
        ("change", "empty, but required")
    ]


def test_a_stray_quote_costs_one_lead(folder: Folder, warehouse: Warehouse) -> None:
    lines = [f"L{number},,a@x,{number}" for number in range(1, 41)]
    lines[19] = 'L20,,"IT leader,20'
    folder.write("leads.csv", HEADER + "\n".join(lines))
    extracted = warehouse.extract(folder.mapping())
    assert (extracted.rows_read, extracted.rows_loaded, extracted.rows_rejected) == (40, 39, 1)
    assert warehouse.rows("select max(_line) from raw_csv_export.leads") == [(41,)]
    assert warehouse.rows("select line, column_name, value, reason from ops.rejected_rows") == [
        (
            21,
            "email",
            'L20,,"IT leader,20\n',
            "an opened quote is never closed: line 41 gives the end of the file",
        )
    ]


def test_a_series_brings_what_is_new(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads_2024-01-01.csv", "id,email\n1,a@x\n2,b@x\n")
    folder.write("leads_2024-01-02.csv", "id,email\n2,changed@x\n3,c@x\n")
    assert warehouse.extract(folder.mapping(SERIES), 1).rows_read == 2
    second = warehouse.extract(folder.mapping(SERIES), 2)
    assert second.entities[0].files == ("leads_2024-01-02.csv",)
    assert second.entities[0].unchanged == ("leads_2024-01-01.csv",)
    assert warehouse.known("email", 1) == [("a@x",), ("b@x",)]
    assert warehouse.known("email", 2) == [("a@x",), ("changed@x",), ("c@x",)]


def test_nights_missed_are_caught_up_in_order(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads_2024-01-01.csv", "id,email\n1,a@x\n")
    warehouse.extract(folder.mapping(SERIES), 1)
    folder.write("leads_2024-01-02.csv", "id,email\n1,b@x\n")
    folder.write("leads_2024-01-03.csv", "id,email\n1,a@x\n")
    warehouse.extract(folder.mapping(SERIES), 3)
    assert warehouse.known("email", 3) == [("a@x",)]


def test_a_corrected_delivery_does_not_overrule_later_ones(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads_2024-01-01.csv", "id,email\n1,a@x\n2,wrong@x\n")
    folder.write("leads_2024-01-02.csv", "id,email\n1,b@x\n")
    warehouse.extract(folder.mapping(SERIES), 2)
    folder.write("leads_2024-01-01.csv", "id,email\n1,a@x\n2,right@x\n")
    warehouse.extract(folder.mapping(SERIES), 3)
    assert warehouse.known("email", 3) == [("b@x",), ("right@x",)]
    assert warehouse.known("email", 2) == [("b@x",), ("wrong@x",)]


def test_a_changed_mapping_is_read_anew(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", "id,mail,other\n1,a@x,b@x\n")
    leads = "  leads: [{{file: leads.csv, columns: {{lead_id: id, email: {}}}}}]\n"
    warehouse.extract(folder.mapping(leads.format("mail")), 1)
    warehouse.extract(folder.mapping(leads.format("other")), 2)
    assert warehouse.known("email", 2) == [("b@x",)]


def test_an_older_night_does_not_touch_later_knowledge(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    warehouse.extract(folder.mapping(), 1)
    warehouse.extract(folder.mapping(), 3)
    folder.write("leads.csv", HEADER + "1,,b@x,\n")
    late = warehouse.extract(folder.mapping(), 2)
    assert late.note == "already read as of a later night, 2024-01-03T02:00:00+00:00"
    assert late.rows_read == 0
    assert warehouse.known("email", 3) == [("a@x",)]


def test_two_systems_share_the_tables(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    warehouse.extract(folder.mapping(), 2)
    other = folder.mapping().model_copy(update={"system": "erp"})
    assert warehouse.extract(other, 1).rows_loaded == 1
    assert warehouse.rows("select system, _known_until from raw_csv_export.leads order by 1") == [
        ("crm", None),
        ("erp", None),
    ]


def test_rejected_rows_are_stored_once_with_their_place(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n2,,b@x,high\n3,soon,c\x00@x,1\n4\n")
    first = warehouse.extract(folder.mapping(), 1)
    leads = first.entities[0]
    assert (leads.rows_read, leads.rows_loaded, leads.rows_rejected) == (4, 1, 3)
    warehouse.run("delete from raw_csv_export._dlt_pipeline_state")
    assert warehouse.extract(folder.mapping(), 2).rows_rejected == 3
    assert warehouse.rows(
        "select night_id, source, system, entity, file, line, column_name, value, reason,"
        " record->>'email' from ops.rejected_rows order by line"
    ) == [
        (*common, 3, "score", "high", "not a number", "b@x")
        if line == 3
        else (*common, 4, "created", "soon", "neither a time nor a day", r"c\x00@x")
        if line == 4
        else (*common, 5, "", "1 cells", "too few cells", None)
        for line in (3, 4, 5)
        for common in [("night-1", "csv_export", "crm", "leads", "leads.csv")]
    ]


def test_all_leads_rejected_stops_the_night(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", HEADER + "1,soon,a@x,\n2,later,b@x,\n")
    with pytest.raises(SourceError) as caught:
        warehouse.extract(folder.mapping())
    assert str(caught.value) == (
        "leads: all 2 rows are rejected, as is leads.csv, line 2, column 'created':"
        " found 'soon' (neither a time nor a day), expected a time such as 2001-02-03T04:05:06 or"
        " a day such as 2001-02-03. Correct the mapping or the export; the rows are in"
        " ops.rejected_rows."
    )
    assert warehouse.rows("select count(*) from ops.rejected_rows") == [(2,)]
    assert warehouse.rows("select to_regclass('raw_csv_export.leads')") == [(None,)]
    folder.write("leads.csv", HEADER + "1,2018-02-01,a@x,\n")
    assert warehouse.extract(folder.mapping()).rows_loaded == 1


def test_faults_in_the_folder_stop_the_night_before_anything_is_read(
    folder: Folder, warehouse: Warehouse
) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    with pytest.raises(SourceError, match=r"owners\.csv: missing"):
        warehouse.extract(folder.mapping(KINDS))
    assert warehouse.rows("select to_regclass('raw_csv_export.leads')") == [(None,)]


def test_a_full_disk_in_the_warehouse(
    folder: Folder, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    warehouse.extract(folder.mapping(), 1)
    warehouse.run(
        """
        create function raw_csv_export.no_space() returns trigger language plpgsql as $$
        begin
            raise exception 'could not extend file: No space left on device'
            using errcode = 'disk_full';
        end $$;
        create trigger no_space before insert on raw_csv_export.leads
        execute function raw_csv_export.no_space()
        """
    )
    folder.write("leads.csv", HEADER + "1,,b@x,\n2,,c@x,\n")
    with pytest.raises(LoadError, match="No space left on device") as caught:
        warehouse.extract(folder.mapping(), 2)
    assert "remove the cause and run it again" in str(caught.value)
    assert warehouse.known("email", 2) == [("a@x",)]
    warehouse.run("drop trigger no_space on raw_csv_export.leads")
    assert warehouse.extract(folder.mapping(), 2).rows_loaded == 2
    assert warehouse.known("email", 2) == [("b@x",), ("c@x",)]
    assert warehouse.known("email", 1) == [("a@x",)]


def test_a_full_disk_in_the_workdir(
    folder: Folder, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    with monkeypatch.context() as patched:
        patched.setattr("pyarrow.parquet.ParquetWriter.write_table", no_space)
        with pytest.raises(LoadError, match=r"was not loaded: .*No space left on device"):
            warehouse.extract(folder.mapping())
    assert not any(warehouse.workdir.iterdir())
    assert warehouse.extract(folder.mapping()).rows_loaded == 1


def test_a_warehouse_that_was_not_prepared(folder: Folder, warehouse: Warehouse) -> None:
    warehouse.run("drop schema raw_csv_export cascade")
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    with pytest.raises(LoadError, match="was not loaded: permission denied for database"):
        warehouse.extract(folder.mapping())


def test_a_file_in_the_place_of_the_workdir(folder: Folder, warehouse: Warehouse) -> None:
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    warehouse.workdir.write_text("")
    with pytest.raises(OSError, match="work"):
        warehouse.extract(folder.mapping())


def test_only_one_extraction_at_a_time(
    folder: Folder, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smarketing.sources.loading._LOCK_WAIT", "100ms")
    folder.write("leads.csv", HEADER + "1,,a@x,\n")
    with psycopg.connect(warehouse.uri) as other:
        other.execute("select pg_advisory_lock(hashtext('raw_csv_export'))")
        with pytest.raises(LoadError, match="another extraction"):
            warehouse.extract(folder.mapping())
    assert warehouse.extract(folder.mapping()).rows_loaded == 1


def test_a_night_without_a_zone_is_a_mistake(folder: Folder, warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="no zone"):
        extract(
            folder.mapping(),
            warehouse_uri=warehouse.uri,
            night_id="n",
            known_at=datetime(2024, 1, 1),
            workdir=warehouse.workdir,
        )


def test_a_dag_that_imports_the_source_stays_light(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    heavy = "import sys, smarketing.sources.csv_export; print({'dlt', 'pyarrow'} & {*sys.modules})"
    assert python(heavy).stdout == "set()\n"


def test_dlt_gets_the_connection_in_words_it_understands() -> None:
    given = SimpleNamespace(
        user="loader",
        password="p@ss/w:rd+%",  # noqa: S106  # not one
        host="db.example.com",
        port=5433,
        dbname="warehouse",
        options="-c role=smarketing_loader",
        get_parameters=lambda: {"sslmode": "require", "application_name": "with spaces"},
    )
    uri = _credentials(SimpleNamespace(info=given)).to_native_representation()  # type: ignore[arg-type]
    understood = conninfo_to_dict(uri)
    assert str(understood.pop("options")).split() == [
        "-c",
        "role=smarketing_loader",
        "-cenable_nestloop=off",
        "-cwork_mem=256MB",
    ]
    assert understood == {
        "user": "loader",
        "password": "p@ss/w:rd+%",
        "host": "db.example.com",
        "port": "5433",
        "dbname": "warehouse",
        "sslmode": "require",
        "connect_timeout": "15",
    }
