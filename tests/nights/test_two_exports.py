"""A company that keeps its leads in two systems, and gets files from both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException
from smarketing import steps
from smarketing.home import PROJECT
from smarketing.warehouse.connection import connect

from tests.nights.conftest import LAST_NIGHT, Company

LEADS = {
    "crm": "1,2026-10-01T10:00:00Z,ana@example.com\n2,2026-10-19T10:00:00Z,ben@example.com\n",
    # the same person, and somebody who has the number of another
    "shop": "1,2026-10-19T12:00:00Z,eva@example.com\n7,2026-09-01T10:00:00Z,Ana@Example.com\n",
}
CHANGES = {
    "crm": "1,2026-10-02T10:00:00Z,Marketing Qualified\n",
    "shop": "7,2026-09-01T10:00:00Z,subscribed\n",
}


@contextmanager
def company_of_two(folder: Path, warehouse: str, *, systems: tuple[str, str]) -> Iterator[Company]:
    """Two folders of exports, each with a mapping of its own."""
    for source, system in zip(LEADS, systems, strict=True):
        (folder / source).mkdir()
        leads, changes = (folder / source / name for name in ("leads.csv", "changes.csv"))
        leads.write_text("id,created,email\n" + LEADS[source])
        changes.write_text("id,at,stage\n" + CHANGES[source])
        mapping: dict[str, Any] = {
            "system": system,
            "folder": source,
            "format": {"zone": "UTC"},
            "entities": {
                "leads": [
                    {
                        "file": "leads.csv",
                        "columns": {"lead_id": "id", "created": "created", "email": "email"},
                        # what an MQL must have
                        "constants": {"persona": "Founder", "channel": "referral"},
                    }
                ],
                "stage_changes": [
                    {
                        "file": "changes.csv",
                        "columns": {"lead_id": "id", "occurred": "at", "stage": "stage"},
                    }
                ],
            },
        }
        (folder / f"{source}.yml").write_text(yaml.safe_dump(mapping))
    sources = {
        source: {"kind": "csv_export", "mapping": f"{source}.yml", "fresh_within_hours": 36}
        for source in LEADS
    }
    (folder / "smarketing.yml").write_text(
        yaml.safe_dump({"company": "Two", "database": "two", "sources": sources})
    )
    (folder / "agreements").mkdir()
    for file in (PROJECT / "agreements").glob("2*.yml"):
        signed = yaml.safe_load(file.read_text(encoding="utf-8"))
        signed["systems"] = ["shop", "crm"]
        signed["mappings"] = {
            "crm": signed["mappings"]["crm"],
            "shop": {"subscriber": ["subscribed"]},
        }
        (folder / "agreements" / file.name).write_text(yaml.safe_dump(signed, allow_unicode=True))
    company = Company(folder, warehouse)
    company.share_project()
    with company.at_work():
        yield company


def test_a_person_in_both_is_one_lead(tmp_path: Path, warehouse: str) -> None:
    with company_of_two(tmp_path, warehouse, systems=("crm", "shop")) as company:
        company.run_night(LAST_NIGHT)
    with connect(warehouse, "reader") as connection:
        leads = connection.execute(
            "select lead_id, record_count, current_stage from marts.dim_leads"
        ).fetchall()
        stages = connection.execute(
            "select lead_id, record_key, stage, is_inferred from marts.fct_funnel_stages"
            " where stage in ('subscriber', 'mql')"
        ).fetchall()
    # the shop is believed first
    assert set(leads) == {("shop:7", 2, "mql"), ("shop:1", 1, None), ("crm:2", 1, None)}
    assert set(stages) == {
        ("shop:7", "shop:7", "subscriber", False),
        ("shop:7", "crm:1", "mql", False),
    }


def test_one_that_cannot_be_read_stops_not_the_other(tmp_path: Path, warehouse: str) -> None:
    with company_of_two(tmp_path, warehouse, systems=("crm", "shop")) as company:
        (tmp_path / "shop" / "leads.csv").unlink()
        keys = company.begin_night(LAST_NIGHT)
        steps.extract(keys, "crm")
        with pytest.raises(AirflowFailException, match=r"leads\.csv"):
            steps.extract(keys, "shop")
        steps.check_arrival(keys)
    assert company.query("select source from ops.source_spans") == [("shop",)]


@pytest.mark.slow
def test_one_that_brings_nothing_new_silences_promises_until_it_does(
    tmp_path: Path, warehouse: str
) -> None:
    def statuses(night: date) -> dict[tuple[str, str], set[str | None]]:
        company.run_night(night)
        return {
            (metric, status): set(reasons)
            for metric, status, reasons in company.query(
                "select metric, status, array_agg(distinct status_reason)"
                " from marts.sla_compliance where not is_over and metric in ('volume', 'revenue')"
                " group by 1, 2"
            )
        }

    def arrives(source: str, night: date) -> None:
        with (tmp_path / source / "leads.csv").open("a") as leads:
            leads.write(f"{night:%d},{night}T01:00:00Z,somebody.{night:%d}@example.com\n")

    silent, back = LAST_NIGHT + timedelta(days=3), LAST_NIGHT + timedelta(days=4)
    with company_of_two(tmp_path, warehouse, systems=("crm", "shop")) as company:
        before = statuses(LAST_NIGHT)
        assert {status for _, status in before} & {"undetermined"} == set()
        arrives("shop", silent)
        # it told of no deals, ever: revenue does not wait for it
        late = statuses(silent)
        assert late["volume", "undetermined"] == {"crm did not arrive"}
        assert {status for metric, status in late if metric == "revenue"} == {"off_track"}
        assert company.query("select source, missing_from from ops.source_spans") == [
            ("crm", datetime(2026, 10, 19, 10, tzinfo=UTC))
        ]
        arrives("shop", back)
        arrives("crm", back)
        assert statuses(back).keys() == before.keys()


def test_two_may_not_call_themselves_the_same(tmp_path: Path, warehouse: str) -> None:
    with (
        company_of_two(tmp_path, warehouse, systems=("crm", "crm")) as company,
        pytest.raises(AirflowFailException, match="crm and shop both call their system 'crm'"),
    ):
        company.begin_night(LAST_NIGHT)
