"""Thirty nights of a company, some skipped, broken off or repeated, end where one night ends.

Within them rows come late, records are merged, deleted and given to others, and a new version of
the agreement comes into force.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from smarketing.home import PROJECT

from tests.nights.conftest import LAST_NIGHT, Company, Rows, nights_before
from tests.nights.test_order import read_marts, wherever_the_source_tells

Course = Literal["skipped", "broken off", "run", "run twice"]

NIGHTS = nights_before(30)
COMPANY = {"seed": 30, "leads": 1_000, "nights": len(NIGHTS)}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one_night(new_company: Callable[..., Company]) -> Company:
    company = new_company(**COMPANY)
    company.run_night(LAST_NIGHT)
    return company


@pytest.fixture(scope="module")
def at_once(one_night: Company) -> dict[str, Rows]:
    """What a night says that comes from nothing."""
    return wherever_the_source_tells(read_marts(one_night.warehouse))


def delivered(exports: Path, entity: str) -> int:
    """How many rows of an entity came with the nights after the first."""
    count = 0
    for night in NIGHTS[1:]:
        with (exports / f"{entity}_{night}.csv").open(encoding="utf-8") as lines:
            count += sum(1 for _ in csv.DictReader(lines))
    return count


@pytest.mark.parametrize(
    "entity", ["stage_changes", "ownership_changes", "merges", "deletions", "touches", "leads"]
)
def test_much_happens_in_thirty_nights(one_night: Company, entity: str) -> None:
    assert delivered(one_night.exports, entity) > 1


def test_a_new_version_comes_into_force_meanwhile() -> None:
    starts = [file.stem for file in (PROJECT / "agreements").glob("2*.yml")]
    assert any(NIGHTS[0].isoformat() < start <= NIGHTS[-1].isoformat() for start in starts)


def some_nights() -> st.SearchStrategy[list[Course]]:
    courses: tuple[Course, ...] = get_args(Course)
    return st.lists(st.sampled_from(courses), min_size=len(NIGHTS) - 1, max_size=len(NIGHTS) - 1)


# each takes minutes, and a smaller one says no more: what fails is told as it is
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@example(["run"] * (len(NIGHTS) - 1))
@given(some_nights())
def test_thirty_nights_end_where_one_ends(
    new_company: Callable[..., Company], at_once: dict[str, Rows], courses: Sequence[Course]
) -> None:
    company = new_company(**COMPANY)
    for night, course in zip(NIGHTS, courses, strict=False):
        if course == "broken off":
            company.run_night(night, until="extract")
        elif course != "skipped":
            for _ in range(2 if course == "run twice" else 1):
                company.run_night(night)
    company.run_night(LAST_NIGHT)
    found = wherever_the_source_tells(read_marts(company.warehouse))
    assert found.keys() == at_once.keys()
    for mart, rows in at_once.items():
        assert found[mart] == rows, mart
