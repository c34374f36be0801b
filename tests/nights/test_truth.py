"""What the models find is what the built-in company planted: every entry, and none else.

The truth is written by the simulation as it plans each journey, and knows nothing of the models.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from smarketing.agreement import read_agreement
from smarketing.home import PROJECT
from smarketing.warehouse.connection import connect

from tests.nights import plain_handoffs
from tests.nights.conftest import LAST_NIGHT, Company, end_of
from tests.nights.plain_handoffs import read_versions


def read_truth(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def check_against_truth(company: Company) -> None:
    check_stages(company)
    check_handoffs(company)


def check_handoffs(company: Company) -> None:
    as_of = end_of(LAST_NIGHT)
    first, last = date(2025, 1, 1), date(2027, 2, 1)
    plain = plain_handoffs.Company(
        company.exports, as_of, read_versions(PROJECT / "agreements", first, last)
    )
    planted = set(plain.handoffs())
    with connect(company.warehouse, "reader") as connection:
        columns = sql.SQL(", ").join(map(sql.Identifier, plain_handoffs.COLUMNS))
        query = sql.SQL("select {} from marts.fct_handoffs").format(columns)
        found = set(connection.execute(query))
    assert found - planted == set()
    assert planted - found == set()
    # every verdict is there to be compared, but for those that only a night in office hours has
    statuses = {status for *_, status in planted}
    assert {"met", "breached", "excused", "undetermined"} <= statuses


def check_stages(company: Company) -> None:
    truth = company.exports / "truth"
    planted_stages = {
        (
            f"crm:{row['person_id']}",
            int(row["cycle_number"]),
            row["stage"],
            instant(row["entered"]),
            instant(row["exited"]),
            row["direction"],
            row["is_inferred"] == "true",
            row["is_date_only"] == "true",
        )
        for row in read_truth(truth / "stages.csv")
    }
    planted_persons = {
        (f"crm:{row['person_id']}", len(row["record_ids"].split(";")), instant(row["deleted"]))
        for row in read_truth(truth / "persons.csv")
    }
    with connect(company.warehouse, "reader") as connection:
        found_stages = set(
            connection.execute(
                """
                select
                    lead_id, cycle_number, stage, entered_at, exited_at, direction, is_inferred,
                    is_date_only
                from marts.fct_funnel_stages
                """
            )
        )
        found_persons = set(
            connection.execute("select lead_id, record_count, deleted_at from marts.dim_leads")
        )
    assert found_persons - planted_persons == set()
    assert planted_persons - found_persons == set()
    assert found_stages - planted_stages == set()
    assert planted_stages - found_stages == set()


def check_verdicts(company: Company) -> None:
    """Who deserved to be handed over, by what the company knew of them then.

    Scores are left out: an export tells the present one, and no night had read it before.
    """
    agreement = read_agreement(PROJECT / "agreements")
    [market] = {
        rule.one_of
        for version in agreement.versions
        for rule in version.contract.qualification
        if rule.name == "mql_market"
    }
    assert market
    planted = set()
    for row in read_truth(company.exports / "truth" / "entries.csv"):
        if row["stage"] != "mql":
            continue
        domain, has_phone = row["email_domain"], row["has_phone"] == "true"
        reachable = [name for name, known in (("email", domain), ("phone", has_phone)) if known]
        is_private = domain.startswith(("webmail.", "gmail.", "hotmail.", "outlook.", "yahoo."))
        for rule, value, passed in (
            ("mql_reachable", f"{', '.join(reachable)} known", bool(reachable)),
            ("mql_persona", "persona known", bool(row["persona"])),
            ("mql_channel", "channel known", bool(row["channel"])),
            ("mql_market", row["country"], row["country"] in market),
            ("mql_business_address", domain, bool(domain) and not is_private),
        ):
            missing = not passed and rule not in ("mql_market", "mql_business_address")
            shown = "missing" if missing or not value else value
            verdict = (f"crm:{row['person_id']}", int(row["cycle_number"]), shown, passed)
            planted.add((rule, *verdict))
            if rule in ("mql_reachable", "mql_persona", "mql_channel"):
                planted.add((f"{rule}_gate", *verdict))
    with connect(company.warehouse, "reader") as connection:
        found = set(
            connection.execute(
                """
                select rule, lead_id, cycle_number, value, passed
                from marts.fct_lead_qualification
                where stage = 'mql' and rule <> 'mql_interest'
                """
            )
        )
    assert found - planted == set()
    assert planted - found == set()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_funnel_is_what_was_planted(company: Callable[..., Company], seed: int) -> None:
    founded = company(seed=seed, leads=1500, nights=3)
    founded.run_night(LAST_NIGHT)
    check_against_truth(founded)
    check_verdicts(founded)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_the_funnel_is_what_was_planted_on_many_seeds(
    company: Callable[..., Company], seed: int
) -> None:
    founded = company(seed=seed, leads=2000, nights=5)
    founded.run_night(LAST_NIGHT)
    check_against_truth(founded)
    check_verdicts(founded)
