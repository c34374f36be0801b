"""A night that fails publishes nothing, says why, and can be run again."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException
from smarketing import steps
from smarketing.sources.errors import LoadError
from smarketing.warehouse.connection import CONNECTION_VARIABLE, WarehouseError
from smarketing.warehouse.initialise import initialise

from tests.nights.conftest import LAST_NIGHT, Company, Rows, found_company, read_marts
from tests.nights.second_server import READER_PASSWORD, SecondServer, second_server

YESTERDAY = LAST_NIGHT - timedelta(days=1)

State = tuple[dict[str, Rows], Rows]


@pytest.fixture(scope="module")
def company(new_company: Callable[..., Company]) -> Company:
    """A company whose night of yesterday is published."""
    company = new_company(leads=300, nights=2)
    company.run_night(YESTERDAY)
    return company


def published(company: Company) -> State:
    """What readers see, and the very tables that they see it in."""
    return read_marts(company.warehouse), company.query(
        "select relname, pg_class.oid, build_id from pg_class "
        "inner join pg_namespace on relnamespace = pg_namespace.oid "
        "cross join marts.published_night where nspname = 'marts' order by 1"
    )


@contextmanager
def nothing_published(company: Company, *, step: str | None) -> Iterator[pytest.ExceptionInfo[Any]]:
    """The night of this block fails in ``step`` and leaves yesterday's marts as they were."""
    before = published(company)
    with pytest.raises((AirflowFailException, LoadError, WarehouseError)) as failure:
        yield failure
    assert published(company) == before
    _, _, state, failed_step, message = company.last_attempt()
    if step:
        assert (state, failed_step, message) == ("failed", step, str(failure.value))


@contextmanager
def changed(company: Company, *, by: str, undo: str) -> Iterator[None]:
    """A damage done to the warehouse, and mended."""
    with psycopg.connect(company.warehouse, autocommit=True) as connection:
        connection.execute(by)
        try:
            yield
        finally:
            connection.execute(undo)


@contextmanager
def rewritten(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """A file with another content, and then its own again."""
    before = file.read_text(encoding="utf-8")
    file.write_text(change(before), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(before, encoding="utf-8")


@contextmanager
def instead_of(folder: Path) -> Iterator[Path]:
    """An empty folder where another one lies; gives where that is meanwhile."""
    away = folder.rename(folder.with_suffix(".away"))
    folder.mkdir()
    try:
        yield away
    finally:
        shutil.rmtree(folder)
        away.rename(folder)


def with_field(text: str, field: str, value: str) -> str:
    """A CSV file in which every record says the same in one field."""
    header, *rows = csv.reader(text.splitlines())
    for row in rows:
        row[header.index(field)] = value
    lines = io.StringIO()
    csv.writer(lines).writerows([header, *rows])
    return lines.getvalue()


def leads_of(company: Company) -> Path:
    return company.exports / f"leads_{LAST_NIGHT}.csv"


def test_a_wrong_header_names_file_line_column_and_what_was_found(company: Company) -> None:
    with (
        rewritten(leads_of(company), lambda text: text.replace("persona", "Persona_", 1)),
        nothing_published(company, step="extract.csv_export") as failure,
    ):
        company.run_night(LAST_NIGHT)
    for told in (leads_of(company).name, "line 1", "'persona'", "Persona_"):
        assert told in str(failure.value)


def test_a_missing_file_is_named(company: Company) -> None:
    with (
        instead_of(company.exports) as away,
        nothing_published(company, step="extract.csv_export") as failure,
    ):
        for file in away.glob("*.csv"):
            if not file.name.startswith("owners_"):
                shutil.copy(file, company.exports)
        company.run_night(LAST_NIGHT)
    assert "owners_{date}.csv: missing" in str(failure.value)


def test_an_empty_folder_is_named(company: Company) -> None:
    with (
        instead_of(company.exports),
        nothing_published(company, step="extract.csv_export") as failure,
    ):
        company.run_night(LAST_NIGHT)
    assert f"{company.exports}: the folder is empty" in str(failure.value)


def test_all_rows_rejected_shows_one_of_them(company: Company) -> None:
    with (
        instead_of(company.exports) as away,
        nothing_published(company, step="extract.csv_export") as failure,
    ):
        for file in away.glob("*.csv"):
            shutil.copy(file, company.exports)
        for file in company.exports.glob("leads_*.csv"):
            file.write_text(with_field(file.read_text(), "created", "soon"))
        company.run_night(LAST_NIGHT)
    for told in ("all", "rejected", "leads_", "line 2", "'created'", "'soon'"):
        assert told in str(failure.value)


def test_no_agreement_is_explained(company: Company) -> None:
    agreements = company.folder / "agreements"
    with (
        instead_of(agreements),
        nothing_published(company, step="agreement.load") as failure,
    ):
        company.run_night(LAST_NIGHT)
    assert str(agreements) in str(failure.value)


def test_a_night_before_the_agreement_is_in_force_is_explained(company: Company) -> None:
    with nothing_published(company, step="agreement.load") as failure:
        company.run_night(date(2025, 3, 31))
    assert "2025-04-01, as the first day of the first version" in str(failure.value)
    assert "run a later night" in str(failure.value)


def test_of_an_agreement_with_a_fault_nothing_is_loaded(company: Company) -> None:
    agreements = company.folder / "agreements"
    loaded = "select version, effective_until, xmin::text from agreement.versions order by 1"
    before = company.query(loaded)
    with (
        instead_of(agreements) as signed,
        nothing_published(company, step="agreement.load") as failure,
    ):
        for file in signed.glob("*.yml"):
            shutil.copy(file, agreements)
        newest = max(agreements.glob("*.yml"))
        text = newest.read_text()
        for start, version in (("2027-04-01", "good"), ("2027-10-01", "bad")):
            new = text.replace(newest.stem, start).replace("version: ", f"version: {version} ")
            if version == "bad":
                new = new.replace("zone: Europe/Madrid", "zone: Madrid", 1)
            (agreements / f"{start}.yml").write_text(new)
        company.run_night(LAST_NIGHT)
    assert "2027-10-01.yml" in str(failure.value)
    assert "say 'Europe/Madrid'" in str(failure.value)
    assert "2027-04-01.yml" not in str(failure.value)
    assert company.query(loaded) == before


def test_an_agreement_in_force_may_not_change(company: Company) -> None:
    agreements = company.folder / "agreements"
    with (
        instead_of(agreements) as signed,
        nothing_published(company, step="agreement.load") as failure,
    ):
        for file in signed.glob("*.yml"):
            text = file.read_text().replace("at least 240 leads", "at least 24 leads")
            (agreements / file.name).write_text(text)
        company.run_night(LAST_NIGHT)
    assert "240" in str(failure.value)
    assert "24" in str(failure.value)


def test_a_model_that_does_not_build_is_named(company: Company) -> None:
    table = "raw_csv_export.campaigns"
    with (
        changed(
            company,
            by=f"revoke select on {table} from smarketing_transformer",
            undo=f"grant select on {table} to smarketing_transformer",
        ),
        nothing_published(company, step="transform.intermediate") as failure,
    ):
        company.run_night(LAST_NIGHT)
    assert "model int_campaign_spend" in str(failure.value)
    assert "permission denied for table campaigns" in str(failure.value)


def test_the_night_that_failed_is_simply_run_again(tmp_path: Path, warehouse: str) -> None:
    """A critical check fails; what it was about is mended."""
    with found_company(tmp_path, warehouse, leads=300, nights=2) as company:
        with without_channels(company), pytest.raises(AirflowFailException) as failure:
            company.run_night(LAST_NIGHT)
        [(state, failing)] = company.query(
            "select state, failing from ops.check_results where check_name = 'mql_channel_gate'"
        )
        assert state == "failed"
        assert failing > 0
        # which rule, how many, some of them to look at, and what to do
        assert f"mql_channel_gate failed ({failing} of " in str(failure.value)
        assert str(failure.value).count("for example https://crm.example/leads/") == 3
        assert "--accept REASON" in str(failure.value)
        unpublished = next((company.folder / "home").rglob("quality.html")).read_text("utf-8")
        assert "This night was not published; readers see the one before." in unpublished
        assert f"{failing} missing" in unpublished
        assert unpublished.count('<a href="https://crm.example/leads/') >= 3

        company.run_night(LAST_NIGHT)
        night, attempt, state, failed_step, message = company.last_attempt()
        assert (state, failed_step, message) == ("published", None, None)
        assert company.query("select night_id from marts.published_night") == [(night,)]
        assert attempt > 1


@pytest.mark.slow
def test_somebody_answers_for_a_night_once(tmp_path: Path, warehouse: str) -> None:
    with found_company(tmp_path, warehouse, leads=300, nights=2) as company:
        with without_channels(company):
            company.run_night(LAST_NIGHT, accept="<b>the fair's</b> list", by="Ana")
        assert company.last_attempt()[2] == "published"
        assert company.query(
            "select check_name, accepted_by, accepted_reason from ops.check_results "
            "inner join ops.nights using (night_id, attempt) where is_accepted"
        ) == [("mql_channel_gate", "Ana", "<b>the fair's</b> list")]
        for page, words in (
            ("scoreboard.html", "Ana answers for it (&lt;b&gt;the fair&#39;s&lt;/b&gt; list)"),
            ("quality.html", "accepted in advance by Ana: &lt;b&gt;the fair&#39;s&lt;/b&gt; list"),
        ):
            assert words in next((company.folder / "home").rglob(page)).read_text("utf-8")
        with without_channels(company), pytest.raises(AirflowFailException, match="mql_channel"):
            company.run_night(LAST_NIGHT)


@contextmanager
def without_channels(company: Company) -> Iterator[None]:
    """Of nobody who was there yesterday it is known meanwhile where they came from."""
    first = company.exports / f"leads_{YESTERDAY}.csv"
    with rewritten(first, lambda text: with_field(text, "channel", "")):
        yield


@pytest.mark.slow
def test_a_handoff_from_before_the_calendars_begin_stops_no_night(company: Company) -> None:
    first = company.exports / f"stage_changes_{YESTERDAY}.csv"

    def long_ago(text: str) -> str:
        row = next(row for row in text.splitlines() if "Marketing Qualified" in row)
        return text.replace(row, re.sub(r"\b20\d\d-(?=\d\d-)", "2005-", row), 1)

    with rewritten(first, long_ago):
        company.run_night(LAST_NIGHT)
    assert company.last_attempt()[2] == "published"
    [(early, undue)] = company.query(
        "select count(*), count(*) filter (where due_at is null) "
        "from intermediate.int_handoff_clocks "
        "where handed_off_at < '2010-01-01' and clock = 'response'"
    )
    assert early == undue == 1


# where the server goes down: in the load, in the middle of the models, in the publication
CRASHES = {
    "dlt.Pipeline.load": 1,
    "dbt.adapters.sql.connections.SQLConnectionManager.add_query": 300,
    "smarketing.warehouse.publish._rename": 1,
}


@pytest.mark.slow
def test_a_server_that_restarts_in_the_middle_of_a_night(
    new_company: Callable[..., Company], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Airflow tries again, whatever step it was; then the night is as any other."""
    company = new_company(leads=300, nights=2)
    for night in (YESTERDAY, LAST_NIGHT):
        company.run_night(night)
    with second_server(tmp_path_factory.mktemp("server")) as server:
        initialise(server.uri(), reader_password=READER_PASSWORD)
        with found_company(tmp_path, server.uri(), leads=300, nights=2) as other:
            other.run_night(YESTERDAY)
            before = read_marts(server.reader)
            for function, calls in CRASHES.items():
                with (
                    crashing(server, function, calls),
                    pytest.raises((psycopg.OperationalError, LoadError, WarehouseError)),
                ):
                    other.run_night(LAST_NIGHT)
                assert read_marts(server.reader) == before
            other.run_night(LAST_NIGHT)
            assert read_marts(server.reader) == read_marts(company.warehouse)


@contextmanager
def crashing(server: SecondServer, function: str, calls: int) -> Iterator[None]:
    """A server that crashes when a function is called for the n-th time."""
    owner, _, name = function.rpartition(".")
    original, left = resolve_name(function), count(calls, -1)

    def call(*arguments: Any, **options: Any) -> Any:
        if next(left) == 1:
            server.crash()
        return original(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve_name(owner), name, call)
        yield


@pytest.fixture
def small_disk(company: Company, postgres: str, tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 MB, with the company's warehouse on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system, and this machine lets nobody")
    try:
        with tablespace(disk / "data", company.warehouse, postgres):
            yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


@contextmanager
def tablespace(folder: Path, warehouse: str, postgres: str) -> Iterator[None]:
    """A warehouse that lies in another folder than the server's own."""
    name = psycopg.conninfo.conninfo_to_dict(warehouse)["dbname"]
    with psycopg.connect(postgres, autocommit=True) as connection:

        def move(to: str) -> None:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
            )
            connection.execute(f"alter database {name} set tablespace {to}")

        [(own,)] = connection.execute("show data_directory").fetchall()
        folder.mkdir()
        shutil.chown(folder, Path(own).owner())
        for parent in folder.parents[:4]:
            parent.chmod(0o755)
        connection.execute(f"create tablespace small location '{folder}'")
        move("small")
        try:
            yield
        finally:
            move("pg_default")
            connection.execute("drop tablespace small")


@contextmanager
def nearly_full(disk: Path) -> Iterator[None]:
    """A disk on which two megabytes are left."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - 2_000_000))
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.slow
def test_on_a_full_disk_the_load_stops_and_later_goes_on(
    company: Company, small_disk: Path
) -> None:
    def grown(text: str) -> str:
        header, *rows = text.splitlines()
        ids = header.split(",").index("lead_id")
        some = [row.split(",") for row in rows]
        more = [
            ",".join([*row[:ids], f"{row[ids]}-{copy}", *row[ids + 1 :]])
            for copy in range(3000)
            for row in some[:10]
        ]
        return "\n".join([text.strip(), *more, ""])

    with (
        rewritten(leads_of(company), grown),
        nothing_published(company, step="extract.csv_export") as failure,
        nearly_full(small_disk),
    ):
        company.run_night(LAST_NIGHT)
    assert "No space left on device" in str(failure.value)
    assert failure.type is LoadError
    company.run_night(LAST_NIGHT)
    assert company.last_attempt()[2] == "published"


def test_an_overtaken_attempt_writes_nothing_more(company: Company) -> None:
    older = company.begin_night(YESTERDAY)
    newer = company.begin_night(LAST_NIGHT)
    before = published(company), company.last_attempt()
    late: tuple[Callable[[], None], ...] = (
        lambda: steps.extract(older, "csv_export"),
        lambda: steps.check_arrival(older),
        lambda: steps.transform(older, "staging"),
        lambda: steps.check_qualification(older),
        lambda: steps.publish_marts(older),
        lambda: steps.report(older),
    )
    for step in late:
        with pytest.raises(AirflowFailException, match=r"overtaken by .*, attempt \d+"):
            step()
    assert (published(company), company.last_attempt()) == before
    assert newer["attempt"] == before[1][1]


@pytest.mark.parametrize(
    ("as_of", "told"), [("2026-10-20T02:00:00", "zone"), ("yesterday", "yesterday")]
)
def test_an_instant_that_is_none_is_refused(company: Company, as_of: str, told: str) -> None:
    with nothing_published(company, step=None) as failure:
        steps.load_agreement(as_of, "")
    assert told in str(failure.value)


def test_an_instant_has_one_name_in_every_zone(company: Company) -> None:
    nights = [
        steps.load_agreement(as_of, "")["night_id"]
        for as_of in ("2026-10-20T02:00:00Z", "2026-10-20T04:00:00+02:00")
    ]
    assert nights == ["2026-10-20T02:00:00Z"] * 2


def test_an_unreachable_warehouse_is_explained(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nothing_published(company, step=None) as failure:
        monkeypatch.setenv(CONNECTION_VARIABLE, "postgresql://someone:hunter2@127.0.0.1:1/x")
        company.begin_night(LAST_NIGHT)
    # Airflow tries again: a server that restarts is back in a minute
    assert failure.type is WarehouseError
    assert "127.0.0.1" in str(failure.value)
    assert "hunter2" not in str(failure.value)
