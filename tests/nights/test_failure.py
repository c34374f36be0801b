"""A night that fails publishes nothing, says why, and can be run again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException
from psycopg import sql
from smarketing import steps
from smarketing.warehouse.connection import CONNECTION_VARIABLE, WarehouseError, connect

from tests.nights.conftest import LAST_NIGHT, Company, Rows, read_marts

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
    with pytest.raises((AirflowFailException, WarehouseError)) as failure:
        yield failure
    assert published(company) == before
    _, _, state, failed_step, message = company.last_attempt()
    if step:
        assert (state, failed_step, message) == ("failed", step, str(failure.value))


@contextmanager
def changed(company: Company, *undo: str, by: str) -> Iterator[None]:
    """A damage done to the warehouse, and mended."""
    with psycopg.connect(company.warehouse, autocommit=True) as connection:
        connection.execute(by)
        yield
        for statement in undo:
            connection.execute(statement)


@contextmanager
def rewritten(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """A file with another content, and then its own again."""
    before = file.read_text(encoding="utf-8")
    file.write_text(change(before), encoding="utf-8")
    yield
    file.write_text(before, encoding="utf-8")


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
    files = sorted(company.exports.glob("owners_*.csv"))
    away = [file.rename(file.with_suffix(".away")) for file in files]
    with nothing_published(company, step="extract.csv_export") as failure:
        company.run_night(LAST_NIGHT)
    for file in away:
        file.rename(file.with_suffix(".csv"))
    assert "owners_{date}.csv" in str(failure.value)


def test_an_empty_folder_is_named(company: Company) -> None:
    away = company.exports.rename(company.folder / "away")
    company.exports.mkdir()
    with nothing_published(company, step="extract.csv_export") as failure:
        company.run_night(LAST_NIGHT)
    company.exports.rmdir()
    away.rename(company.exports)
    assert str(company.exports) in str(failure.value)
    assert "empty" in str(failure.value)


def test_all_rows_rejected_shows_one_of_them(company: Company) -> None:
    def spoilt(text: str) -> str:
        header, *rows = text.splitlines()
        created = header.split(",").index("created")
        fields = [row.split(",") for row in rows]
        return "\n".join(
            [header, *(",".join([*row[:created], "soon", *row[created + 1 :]]) for row in fields)]
        )

    with (
        rewritten(leads_of(company), spoilt),
        nothing_published(company, step="extract.csv_export") as failure,
    ):
        company.run_night(LAST_NIGHT)
    for told in ("all", "rejected", leads_of(company).name, "line 2", "'created'", "'soon'"):
        assert told in str(failure.value)


def test_no_agreement_is_explained(company: Company) -> None:
    agreements = company.folder / "agreements"
    away = agreements.rename(company.folder / "unsigned")
    agreements.mkdir()
    with nothing_published(company, step="agreement.load") as failure:
        company.run_night(LAST_NIGHT)
    agreements.rmdir()
    away.rename(agreements)
    assert str(agreements) in str(failure.value)


def test_an_agreement_in_force_may_not_change(company: Company) -> None:
    agreements = company.folder / "agreements"
    away = agreements.rename(company.folder / "signed")
    agreements.mkdir()
    [signed] = away.glob("*.yml")
    (agreements / signed.name).write_text(
        signed.read_text().replace("target: at least 240 leads", "target: at least 24 leads")
    )
    with nothing_published(company, step="agreement.load") as failure:
        company.run_night(LAST_NIGHT)
    (agreements / signed.name).unlink()
    agreements.rmdir()
    away.rename(agreements)
    assert "240" in str(failure.value)
    assert "24 leads" in str(failure.value)


def test_a_model_that_does_not_build_is_named(company: Company) -> None:
    with (
        changed(
            company,
            "alter table raw_csv_export.campaigns rename column channel_ to channel",
            by="alter table raw_csv_export.campaigns rename column channel to channel_",
        ),
        nothing_published(company, step="transform.staging") as failure,
    ):
        company.run_night(LAST_NIGHT)
    assert "stg_csv_export__campaigns" in str(failure.value)
    assert "channel" in str(failure.value)


def test_the_night_that_failed_is_simply_run_again(company: Company) -> None:
    """A critical check fails; once the export is mended, the same night is published."""

    def without_channel(text: str) -> str:
        header, *rows = text.splitlines()
        channel = header.split(",").index("channel")
        fields = [row.split(",") for row in rows]
        return "\n".join(
            [header, *(",".join([*row[:channel], "", *row[channel + 1 :]]) for row in fields)]
        )

    first = company.exports / f"leads_{YESTERDAY}.csv"
    with (
        rewritten(first, without_channel),
        nothing_published(company, step="check.qualification") as failure,
    ):
        company.run_night(LAST_NIGHT)
    assert "mql_channel_gate" in str(failure.value)
    [(state, failing)] = company.query(
        "select state, failing from ops.check_results natural join ("
        "select night_id, attempt from ops.nights order by started_at desc limit 1) as newest "
        "where check_name = 'mql_channel_gate'"
    )
    assert state == "failed"
    assert failing > 0
    company.run_night(LAST_NIGHT)
    night, attempt, state, failed_step, message = company.last_attempt()
    assert (state, failed_step, message) == ("published", None, None)
    assert company.query("select night_id from marts.published_night") == [(night,)]
    assert attempt > 1


def test_an_overtaken_attempt_writes_nothing_more(company: Company) -> None:
    older = company.begin_night(YESTERDAY)
    newer = company.begin_night(LAST_NIGHT)
    before = published(company), company.last_attempt()
    for step in (
        lambda: steps.extract(older, "csv_export"),
        lambda: steps.check_arrival(older),
        lambda: steps.transform(older, "staging"),
        lambda: steps.check_qualification(older),
        lambda: steps.publish_marts(older),
        lambda: steps.report(older),
    ):
        with pytest.raises(AirflowFailException, match=r"overtaken by .*, attempt \d+"):
            step()
    assert (published(company), company.last_attempt()) == before
    assert newer["attempt"] == before[1][1]


def test_no_attempt_begins_beside_a_step_of_another(company: Company) -> None:
    """A publication that waits for readers must not publish what the next attempt has begun."""
    older = company.begin_night(LAST_NIGHT)
    for layer in ("staging", "intermediate", "marts"):
        steps.transform(older, layer)  # type: ignore[arg-type]
    build = company.query("select build_id from marts.published_night")
    newer: list[dict[str, Any]] = []
    publishing = threading.Thread(target=steps.publish_marts, args=(older,))
    beginning = threading.Thread(target=lambda: newer.append(company.begin_night(LAST_NIGHT)))
    with connect(company.warehouse, "reader") as reader:
        reader.execute("select * from marts.dim_leads")
        publishing.start()
        wait_for_step(company, "publish.swap")
        beginning.start()
        beginning.join(2)
        assert beginning.is_alive()
        assert company.query("select build_id from marts.published_night") == build
    publishing.join()
    beginning.join()
    assert newer[0]["attempt"] == older["attempt"] + 1
    assert company.query("select night_id, attempt from ops.publications order by build_id")[
        -1
    ] == (older["night_id"], older["attempt"])


def wait_for_step(company: Company, step: str) -> None:
    while company.query("select step from ops.steps order by started_at desc limit 1") != [(step,)]:
        pass


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
    assert nights == ["2026-10-20T02:00Z"] * 2


def test_an_unreachable_warehouse_is_explained(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nothing_published(company, step=None) as failure:
        monkeypatch.setenv(CONNECTION_VARIABLE, "postgresql://someone:hunter2@127.0.0.1:1/x")
        company.run_night(LAST_NIGHT)
    # Airflow tries again: a server that restarts is back in a minute
    assert failure.type is WarehouseError
    assert "127.0.0.1" in str(failure.value)
    assert "hunter2" not in str(failure.value)
