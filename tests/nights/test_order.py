"""However the nights came about, the same night has the same rows (spec §0, §8)."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from smarketing.home import PROJECT
from smarketing.warehouse.initialise import initialise

from tests.nights.conftest import (
    LAST_NIGHT,
    Company,
    Rows,
    end_of,
    found_company,
    nights_before,
)
from tests.nights.conftest import read_marts as read_all_marts
from tests.nights.second_server import READER_PASSWORD, second_server

Marts = dict[str, Rows]

# who a lead was at entry: where the source keeps no history, what a night that never ran would have
# read is known to nobody (docs/decisions/0010)
OF_VERSIONS = {
    "fct_lead_qualification",
    "fct_lead_scores",
    "lead_quality",
    "score_calibration",
}

NIGHTS = nights_before(5)
OLDER = NIGHTS[2]

# in which the last two nights deliver what had happened before them
COMPANY = {"seed": 20, "leads": 300, "nights": len(NIGHTS)}


def read_marts(uri: str) -> Marts:
    """All marts but one: what changed since it was published depends on what was published.

    ``test_restatements`` has nights of its own for it.
    """
    marts = read_all_marts(uri)
    del marts["restatements"]
    return marts


@dataclass(frozen=True)
class Published:
    """What readers saw after each of the nights run for one company, in this order."""

    older: Marts
    newer: Marts
    older_again: Marts
    company: Company


@pytest.fixture(scope="module")
def published(new_company: Callable[..., Company]) -> Published:
    company = new_company(**COMPANY)

    def night(of: date) -> Marts:
        company.run_night(of)
        return read_marts(company.warehouse)

    return Published(
        older=night(OLDER),
        newer=night(LAST_NIGHT),
        older_again=night(OLDER),
        company=company,
    )


@pytest.fixture(scope="module")
def restated(published: Published) -> Marts:
    """The older night, by what the newer one knows."""
    published.company.run_night(OLDER, known=LAST_NIGHT)
    return read_marts(published.company.warehouse)


def wherever_the_source_tells(marts: Marts) -> Marts:
    return {mart: rows for mart, rows in marts.items() if mart not in OF_VERSIONS}


def test_the_nights_differ_at_all(published: Published) -> None:
    for mart in ("dim_leads", "fct_funnel_stages", "sla_compliance"):
        assert published.older[mart] != published.newer[mart]


def test_an_older_night_run_again_gives_what_it_gave(published: Published) -> None:
    assert published.older_again == published.older


@pytest.mark.slow
def test_straight_to_the_last_night_on_another_server(
    published: Published, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over TCP, with a password, as a login that is no superuser: nothing else changes."""
    with second_server(tmp_path_factory.mktemp("server")) as server:
        initialise(server.uri(), reader_password=READER_PASSWORD)
        with found_company(tmp_path, server.uri(), **COMPANY) as company:
            company.run_night(LAST_NIGHT)
        straight = read_marts(server.reader)
    assert straight.keys() == published.newer.keys()
    assert wherever_the_source_tells(straight) == wherever_the_source_tells(published.newer)


@pytest.mark.slow
def test_a_restatement_knows_what_came_late(published: Published, restated: Marts) -> None:
    late = set(restated["fct_funnel_stages"]) - set(published.older["fct_funnel_stages"])
    assert late


@pytest.mark.slow
@pytest.mark.usefixtures("restated")
def test_a_restatement_is_the_truth_until_its_instant(published: Published) -> None:
    """Of persons with one record: of others, the merge itself may not have happened yet."""
    until = end_of(OLDER)
    truth = published.company.exports / "truth"
    with (truth / "persons.csv").open(encoding="utf-8") as lines:
        alone = {
            f"crm:{row['person_id']}"
            for row in csv.DictReader(lines)
            if row["record_ids"] == row["person_id"]
        }
    with (truth / "stages.csv").open(encoding="utf-8") as lines:
        planted = {
            (
                f"crm:{row['person_id']}",
                int(row["cycle_number"]),
                row["stage"],
                datetime.fromisoformat(row["entered"]),
                row["direction"],
                row["is_inferred"] == "true",
            )
            for row in csv.DictReader(lines)
            if datetime.fromisoformat(row["entered"]) <= until
        }
    found = set(
        published.company.query(
            "select lead_id, cycle_number, stage, entered_at, direction, is_inferred "
            "from marts.fct_funnel_stages"
        )
    )
    assert {row for row in found if row[0] in alone} == {row for row in planted if row[0] in alone}
    assert len(alone) > 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "nights",
    [
        pytest.param(NIGHTS, id="in a row"),
        pytest.param([*NIGHTS[:2], *NIGHTS[3:]], id="one skipped"),
        pytest.param([*NIGHTS[:3], *NIGHTS[2:]], id="one run twice"),
        pytest.param([NIGHTS[1], NIGHTS[3], NIGHTS[2], NIGHTS[4]], id="out of order"),
    ],
)
def test_every_way_to_the_last_night(
    published: Published, new_company: Callable[..., Company], nights: Sequence[date]
) -> None:
    company = new_company(**COMPANY)
    for night in nights:
        company.run_night(night)
    last = read_marts(company.warehouse)
    assert last.keys() == published.newer.keys()
    assert wherever_the_source_tells(last) == wherever_the_source_tells(published.newer)


# Runs a night and kills itself, by a signal no code can catch, on a call of a function.
KILLED_NIGHT = """
import os, signal, sys
from datetime import date
from pathlib import Path
from pkgutil import resolve_name
from tests.nights.conftest import Company

function, calls, folder, warehouse, night = sys.argv[1:]
owner, _, name = function.rpartition(".")
owner, original, left = resolve_name(owner), resolve_name(function), int(calls)

def call(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(owner, name, call)
Company(Path(folder), warehouse).run_night(date.fromisoformat(night))
"""


def kill_night(company: Company, night: date, function: str, calls: int) -> None:
    """Run a night that kills itself when it calls a function for the n-th time."""
    killed = subprocess.run(
        [
            sys.executable, "-c", KILLED_NIGHT,
            function, str(calls), company.folder, company.warehouse, night.isoformat(),
        ],
        capture_output=True,
        text=True,
        env=os.environ
        | company.variables
        | {"PYTHONPATH": os.pathsep.join([str(PROJECT / "plugins"), str(PROJECT)])},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.slow
def test_killed_inside_the_publication_and_run_again(published: Published) -> None:
    company = published.company
    before = read_marts(company.warehouse)
    kill_night(company, LAST_NIGHT, "smarketing.warehouse.publish._rename", 2)
    assert read_marts(company.warehouse) == before
    company.run_night(LAST_NIGHT)
    assert read_marts(company.warehouse) == published.newer
    assert company.query("select state, failed_step from ops.nights order by started_at")[-2:] == [
        ("failed", "publish.swap"),
        ("published", None),
    ]


# where a step has begun, where it has done its work but not said so, and in the middle of it
KILLS = [
    *(("smarketing.night._begin", step) for step in range(1, 10)),
    *(("smarketing.night._end", step) for step in range(1, 10)),
    ("smarketing.quality.run._record", 1),
    ("smarketing.quality.run._record", 2),
    *(("dbt.adapters.sql.connections.SQLConnectionManager.add_query", call) for call in (40, 200)),
    *(("smarketing.warehouse.build._keep_timings", layer) for layer in (1, 2, 3)),
    ("smarketing.warehouse.publish._sign", 1),
    ("smarketing.warehouse.publish._drop_retired", 1),
    ("smarketing.review.page.write_page", 1),
    ("smarketing.steps.close_night", 1),
]
KILLS_OF_THE_LOAD = [
    ("dlt.Pipeline.load", 1),
    ("dlt.destinations.sql_jobs.SqlMergeFollowupJob.gen_scd2_sql", 3),
    ("dlt.destinations.job_client_impl.SqlJobClientBase.complete_load", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("function", "calls"), KILLS)
def test_killed_anywhere_and_run_again(published: Published, function: str, calls: int) -> None:
    company = published.company
    before = read_marts(company.warehouse)
    # the other night than the one that is published
    night, expected = (
        (OLDER, published.older) if before == published.newer else (LAST_NIGHT, published.newer)
    )
    kill_night(company, night, function, calls)
    assert read_marts(company.warehouse) in (before, expected)
    company.run_night(night)
    assert read_marts(company.warehouse) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("function", "calls"), KILLS_OF_THE_LOAD)
def test_killed_while_it_loads_and_run_again(
    published: Published, new_company: Callable[..., Company], function: str, calls: int
) -> None:
    company = new_company(**COMPANY)
    company.run_night(OLDER)
    kill_night(company, LAST_NIGHT, function, calls)
    assert read_marts(company.warehouse) == published.older
    company.run_night(LAST_NIGHT)
    assert read_marts(company.warehouse) == published.newer
