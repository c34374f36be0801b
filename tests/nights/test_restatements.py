"""What was published of a month that is over, and what became of it: late, merged, deleted.

Six people are handed over in September, by hand; the files of later nights know more of it. Only
what ``restatements`` is made of is built, and published as every night is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from smarketing.home import PROJECT
from smarketing.night import Night
from smarketing.warehouse.build import refuse_failures, run_models
from smarketing.warehouse.publish import publish

from tests.conftest import dbt_workdir, new_warehouse
from tests.nights.conftest import Company, Rows, end_of

COLUMNS = {
    "leads": ["lead_id", "created", "email", "region"],
    "stage_changes": ["lead_id", "occurred", "stage"],
    "merges": ["merged_lead_id", "surviving_lead_id", "merged"],
    "deletions": ["lead_id", "deleted"],
}

FIRST, SKIPPED, CHANGED = (date(2026, 10, day) for day in (2, 4, 7))


def handed_over(*leads: str) -> dict[str, list[list[str]]]:
    """Rows of people who were created and handed over in September."""
    return {
        "leads": [[lead, "2026-09-01T10:00:00Z", f"{lead}@example.com", "EMEA"] for lead in leads],
        "stage_changes": [[lead, "2026-09-10T10:00:00Z", "Marketing Qualified"] for lead in leads],
    }


DELIVERED: dict[date, dict[str, list[list[str]]]] = {
    FIRST: handed_over("a", "b", "c", "d", "e", "f"),
    CHANGED: {
        **handed_over("late1", "late2", "late3", "late4"),
        "merges": [["b", "a", "2026-10-05T12:00:00Z"]],
        # dated before the end of the month, and after it: the latter was there all of September
        "deletions": [["c", "2026-09-29T12:00:00Z"], ["d", "2026-10-06T12:00:00Z"]],
    },
}


@dataclass
class Told:
    """What the nights said of September, in the order in which they ran."""

    company: Company
    first: Rows
    first_again: Rows
    changed: Rows
    skipped: Rows
    changed_again: Rows
    known_later: Rows


@pytest.fixture(scope="module")
def company(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    files: dict[str, Any] = {
        entity: [{"file": f"{entity}_{{date}}.csv", "columns": {name: name for name in names}}]
        for entity, names in COLUMNS.items()
    }
    mapping = {"system": "crm", "folder": "files", "format": {"zone": "UTC"}, "entities": files}
    (folder / "csv_export.yml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    config = {
        "company": "Test",
        "database": "test",
        "sources": {"csv_export": {"mapping": "csv_export.yml", "fresh_within_hours": 36}},
    }
    (folder / "smarketing.yml").write_text(yaml.safe_dump(config))
    (folder / "agreements").symlink_to(PROJECT / "agreements")
    deliver(folder / "files")
    with new_warehouse(postgres) as warehouse:
        yield Company(folder, warehouse)


def deliver(folder: Path) -> None:
    folder.mkdir()
    for night, entities in DELIVERED.items():
        for entity, rows in entities.items():
            lines = [",".join(row) for row in [COLUMNS[entity], *rows]]
            (folder / f"{entity}_{night}.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def told(company: Company) -> Told:
    workdir = dbt_workdir(company.warehouse, company.folder)

    def night(of: date, known: date | None = None) -> Rows:
        company.run_night(of, known=known, until="extract")
        night_id, attempt, *_ = company.last_attempt()
        this = Night(night_id, attempt, end_of(of), end_of(known or of))
        results = run_models(
            company.warehouse, workdir,
            "run", "--quiet", "--select", "+restatements", "+int_closed_periods",
            as_of=this.as_of, known_at=this.known_at,
        )  # fmt: skip
        refuse_failures(results, "the test")
        publish(company.warehouse, this)
        return company.query(
            """
            select
                reported_actual::integer, actual::integer, reason, changed_lead_ids,
                reported_as_of::date
            from marts.restatements
            where
                commitment_id = 'mql_volume' and segment = 'all'
                and period_start_date = '2026-09-01'
            """
        )

    return Told(
        company=company,
        first=night(FIRST),
        first_again=night(FIRST),
        changed=night(CHANGED),
        skipped=night(SKIPPED),
        changed_again=night(CHANGED),
        known_later=night(FIRST, known=CHANGED),
    )


LATE_LEADS = ["crm:late1", "crm:late2", "crm:late3", "crm:late4"]


def test_what_is_reported_for_the_first_time_is_no_restatement(told: Told) -> None:
    assert told.first == []
    assert told.first_again == []


def test_late_rows_a_merge_and_a_deletion_after_the_month_was_reported(told: Told) -> None:
    leads = ["crm:a", "crm:c", *LATE_LEADS]
    assert told.changed == [(6, 8, "4 came late, 1 merged, 1 deleted", leads, FIRST)]


def test_a_skipped_night_that_is_made_up_for_restates_nothing(told: Told) -> None:
    """It is older than the one before it, and knows less."""
    assert told.skipped == []


def test_a_night_that_is_run_again_after_another_says_what_it_said(told: Told) -> None:
    assert told.changed_again == told.changed


def test_the_first_night_with_later_knowledge_is_a_restatement_of_itself(told: Told) -> None:
    """At its instant nobody had been merged yet; the deletion was dated back."""
    leads = ["crm:c", *LATE_LEADS]
    assert told.known_later == [(6, 9, "4 came late, 1 deleted", leads, FIRST)]


def test_each_closed_period_was_kept_by_the_first_night_that_told_it(told: Told) -> None:
    kept = told.company.query(
        """
        select distinct as_of::date, jsonb_array_length(members)
        from ops.reported_periods
        where
            commitment_id = 'mql_volume' and segment = 'all' and period_start_date = '2026-09-01'
        """
    )
    assert kept == [(FIRST, 6)]


def test_no_personal_data_is_kept(told: Told) -> None:
    found = told.company.query(
        "select members from ops.reported_periods where members::text like '%example%'"
    )
    assert found == []


def test_a_month_that_matures_is_not_closed(told: Told) -> None:
    """Of September's leads some may still become SQLs within 30 days."""
    kept = told.company.query(
        "select count(*) from ops.reported_periods "
        "where commitment_id = 'mql_to_sql' and segment = 'all' "
        "and period_start_date = '2026-09-01'"
    )
    assert kept == [(0,)]
