"""A person is planted everywhere, erased, and looked for in every table and every file."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql
from smarketing.privacy import erasure
from smarketing.privacy.erasure import ErasureError, Warehouse, erase
from smarketing.privacy.ledger import KEY_VARIABLE

from tests.nights.conftest import LAST_NIGHT, Company, Rows, end_of, tables_as_text
from tests.nights.test_vendors import YESTERDAY, found_in_vendors

ADDRESS = "zebedee.quillfeather@quillfeather-private.example"
RECORD, DUPLICATE, LATER = "Zq-7781234-x", "Zq-7785678-x", "Zq-7789999-x"
PERSONAL = (
    ADDRESS, "quillfeather", "+34 611 987 654", "Quillfeather & Söhne", RECORD, DUPLICATE, LATER,
)  # fmt: skip
# who it is, or a link to it; what is left of a row is compared
KEYS = {
    "lead_id", "record_key", "touch_key", "first_touch_key", "member_key", "record_url",
    "finding_id", "changed_lead_ids", "value", "masked_email",
}  # fmt: skip


def plant(folder: Path) -> None:
    """Give somebody who was handed over long ago unmistakable values, a duplicate, and faults."""
    [changes] = folder.glob("stage_changes_*.csv")
    [leads] = folder.glob("leads_*.csv")
    [touches] = folder.glob("touches_*.csv")
    old = min(
        (row["occurred"], row["lead_id"])
        for row in _rows(changes)
        if row["stage"].startswith("Marketing Q")
    )[1]
    for file in folder.glob("*.csv"):
        text = file.read_text()
        file.write_text(text.replace(f"{old},", f"{RECORD},"))
    rows = _rows(leads)
    [person] = [row for row in rows if row["lead_id"] == RECORD]
    person |= {"email": ADDRESS, "phone": PERSONAL[2], "company": PERSONAL[3]}
    rows.append(person | {"lead_id": DUPLICATE, "email": f" {ADDRESS.title()}"})
    # a score that cannot be read: the row is kept as it is
    rows.append(person | {"lead_id": f"{RECORD}-again", "score": "many"})
    _write(leads, rows)
    told = _rows(changes)
    [last] = [row for row in told if row["lead_id"] == RECORD][-1:]
    told.append(last | {"stage": "Disqualified", "reason": "Quillfeather wants to be left alone"})
    _write(changes, told)
    answered = _rows(touches)
    answered.append(answered[0] | {"touch_id": "T-many", "lead_id": RECORD, "occurred": "soon"})
    _write(touches, answered)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _write(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def without_keys(company: Company, schema: str) -> dict[str, Rows]:
    """Every row of every mart, but for the keys of records, and the mart that has whom to call."""
    marts: dict[str, Rows] = {}
    with psycopg.connect(company.warehouse) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = %s"
            " and table_name not in ('published_night', 'check_results', 'dim_lead_contacts')"
            " order by 1, 2",
            [schema],
        ):
            columns.setdefault(table, [])
            if column not in KEYS:
                columns[table].append(column)
        for table, names in columns.items():
            query = sql.SQL("select {} from {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table)
            )
            marts[table] = sorted(connection.execute(query).fetchall(), key=repr)
    return marts


def tables_with(uri: str, texts: tuple[str, ...]) -> set[str]:
    """The tables of every schema that hold any of these texts, however written."""
    # an id may be the beginning of another
    wanted = re.compile(
        "|".join(
            rf"(?<![0-9a-z]){re.escape(form)}(?![0-9a-z])" for text in texts for form in forms(text)
        ),
        re.IGNORECASE,
    )
    return {
        f"{schema}.{table}"
        for schema, table, rows in tables_as_text(uri)
        if any(wanted.search(row) for row in rows)
    }


def files_with(folder: Path, texts: tuple[str, ...]) -> list[Path]:
    """The files under a folder that hold any of these texts, however written."""
    wanted = [
        form.lower().encode(encoding)
        for text in texts
        for form in forms(text)
        for encoding in ("utf-8", "utf-16-le")
    ]
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and any(form in file.read_bytes().lower() for form in wanted)
    ]


def forms(text: str) -> set[str]:
    return {text, quote(text, safe=""), json.dumps(text)[1:-1]}


def relations_with(uri: str, texts: tuple[str, ...]) -> set[str]:
    """The relations, system catalogs included, whose files hold any of these texts, dead or not."""
    with psycopg.connect(uri) as connection:
        [(folder, number)] = connection.execute(
            "select current_setting('data_directory'), oid from pg_database"
            " where datname = current_database()"
        ).fetchall()
        files: dict[str, str] = dict(
            connection.execute(
                "select pg_relation_filenode(oid)::text, oid::regclass::text from pg_class"
                " where pg_relation_filenode(oid) is not null"
            ).fetchall()
        )
    found = files_with(Path(folder, "base", str(number)), texts)
    return {files.get(file.name.split(".")[0].split("_")[0], file.name) for file in found}


def kill_in(step: str, warehouse: Warehouse) -> None:
    """Begin the erasure in a process of its own, which dies where ``step`` begins."""
    child = os.fork()
    if child == 0:
        setattr(erasure, step, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        try:
            erase(warehouse, [ADDRESS], reason="a letter", erased_by="somebody")
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    key = "a key that only the tests have"
    monkeypatch.setenv(KEY_VARIABLE, key)
    return key


def test_an_erased_person_is_nowhere_and_counts_as_before(
    company: Callable[..., Company], postgres: str, key: str
) -> None:
    ours = company(leads=200)
    plant(ours.exports)
    ours.run_night(LAST_NIGHT)
    log = ours.folder / "home" / "nights" / "test" / "logs" / "planted.log"
    log.write_text(f"{ADDRESS} {quote(ADDRESS, safe='')} {RECORD} {PERSONAL[2]}")
    ours.query(f"update ops.steps set note = 'odd: {ADDRESS}' where step = 'arrive.check'"
               " returning 1")  # fmt: skip
    before = without_keys(ours, "marts")
    held = tables_with(ours.warehouse, PERSONAL)
    assert {
        "raw_csv_export.leads", "raw_csv_export.touches", "intermediate.int_lead_records",
        "marts.dim_leads", "marts.sla_breaches", "marts.fct_findings", "ops.reported_periods",
        "ops.check_failures", "ops.rejected_rows", "ops.steps", "raw_csv_export_staging.leads",
    } <= held  # fmt: skip

    home = ours.folder / "home"
    warehouse = Warehouse(ours.warehouse, lambda: key, [home], administrator=postgres)
    with pytest.raises(ErasureError, match=r"nobody@example\.com: no record here"):
        erase(warehouse, ["nobody@example.com"], reason="-", erased_by="somebody")
    for step in ("erase_raw", "erase_models", "mask_files", "_overwrite"):
        kill_in(step, warehouse)
    erased = erase(warehouse, [ADDRESS], reason=f"letter of {ADDRESS}, 3 May", erased_by="somebody")

    assert "was completed" in erased.notes[0]
    assert tables_with(ours.warehouse, PERSONAL) == set()
    assert files_with(home, PERSONAL) == []
    assert relations_with(ours.warehouse, PERSONAL) == set()
    assert without_keys(ours, "marts") == before
    assert ours.query("select state, origin, person_count, record_count from ops.erasures") == [
        ("done", "command line", 1, 2)
    ]

    # a file that changed is read again from its first line, and they come with another record
    [leads] = ours.exports.glob("leads_*.csv")
    rows = _rows(leads)
    [person] = [row for row in rows if row["lead_id"] == RECORD]
    _write(leads, [*rows, person | {"lead_id": LATER}])
    ours.run_night(LAST_NIGHT, until="transform")
    assert without_keys(ours, "marts_candidate") == before
    assert tables_with(ours.warehouse, PERSONAL) == set()
    assert files_with(home, PERSONAL) == []
    assert ours.query("select origin, record_count from ops.erasures order by erasure_id") == [
        ("command line", 2), ("ledger", 0),
    ]  # fmt: skip


@pytest.mark.slow
def test_across_three_vendors(tmp_path: Path, warehouse: str, postgres: str, key: str) -> None:
    """One by hand, one by HubSpot; then every system tells all once more."""
    with found_in_vendors(tmp_path, warehouse) as ours:
        assert ours.run_night(YESTERDAY) == {}
        company = ours.company
        [(by_hand,), (by_vendor,)] = company.query(
            """
            (
                select lead_id from intermediate.int_lead_identity
                inner join marts.fct_opportunities using (lead_id)
                where record_key like 'salesforce:%' or record_key like 'marketo:%'
                group by 1
                having count(distinct left(record_key, 3)) = 2
                order by count(*) desc, 1
                limit 1
            )
            union all
            (
                select lead_id from marts.fct_handoffs
                inner join marts.fct_opportunities using (lead_id)
                where lead_id like 'hubspot:%'
                order by 1
                limit 1
            )
            """
        )
        records = company.query(
            "select record_key, normal_email, phone from intermediate.int_lead_identity"
            " inner join intermediate.int_lead_records using (record_key)"
            f" where lead_id in ('{by_hand}', '{by_vendor}') order by 1"
        )
        texts = {text for row in records for text in row if text}
        personal = tuple(sorted(texts | {record.partition(":")[2] for record, *_ in records}))
        before, closed = without_keys(company, "marts"), closed_periods(company)
        assert closed

        files = Warehouse(warehouse, lambda: key, [tmp_path / "home"], administrator=postgres)
        [address] = {email for record, email, _ in records if record == by_hand}
        erased = erase(files, [address], reason="a letter", erased_by="somebody")
        assert erased.records >= 3
        assert without_keys(company, "marts") == before

        ours.vendors.clock.set(end_of(LAST_NIGHT) - timedelta(hours=1))
        for record in [text for text, *_ in records if text.startswith("hubspot:")]:
            forget(record.partition(":")[2])
        for schema in ("raw_hubspot", "raw_salesforce", "raw_marketo"):
            company.query(f"delete from {schema}._dlt_pipeline_state returning 1")
        assert ours.run_night(LAST_NIGHT) == {}

        assert company.query("select origin, state from ops.erasures order by 1") == [
            ("command line", "done"), ("hubspot", "done"),
        ]  # fmt: skip
        assert tables_with(warehouse, personal) == set()
        assert files_with(tmp_path / "home", tuple(texts)) == []
        told = closed_periods(company)
        assert {period: told.get(period) for period in closed} == closed
        assert company.query(
            "select * from marts.restatements where deleted_count > 0 or corrected_count > 0"
        ) == []  # fmt: skip


def closed_periods(company: Company) -> dict[str, str]:
    """What is said of every period that was over and final yesterday."""
    return dict(
        company.query(
            f"""
            select
                concat_ws('/', agreement_version, commitment_id, segment, period_start_date),
                concat_ws('/', status, actual, sample_size, success_count, attainment)
            from marts.sla_compliance
            where is_final and period_end_date <= '{YESTERDAY}'
            """
        )
    )


def forget(record: str) -> None:
    """Erase a contact for privacy, as a user of HubSpot does."""
    hubspot = json.loads(os.environ["AIRFLOW_CONN_HUBSPOT"])
    httpx.post(
        f"{hubspot['host']}/crm/objects/2026-09/contacts/gdpr-delete",
        headers={"Authorization": f"Bearer {hubspot['password']}"},
        json={"objectId": record},
    ).raise_for_status()
