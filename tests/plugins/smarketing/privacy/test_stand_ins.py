"""What stands for something personal: nobody's, and of the same verdict wherever that is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from smarketing.privacy.stand_ins import StandIns
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import connect

RULES = """
insert into agreement.versions (version, name, effective_from, zone, marketing_party,
    sales_party, content_hash, content, handoff_stage, default_calendar)
values ('1', '-', '2026-01-01', 'UTC', '-', '-', '-', '{}', 'mql', '-');
insert into agreement.stages values ('1', 'mql', 'path', 1, '-', '-');
insert into agreement.qualification_rules
    (version, rule, stage, test, field, operands, severity, share_allowed, statement, position)
values
    ('1', 'study', 'mql', 'not_matching', 'email', array['@university\\.'], 'warning', 0, '-', 1),
    ('1', 'spain', 'mql', 'matches', 'phone', array['^\\+34'], 'warning', 0, '-', 2),
    ('1', 'known', 'mql', 'one_of', 'company', array['Acme', 'Initech'], 'warning', 0, '-', 3);
"""


@pytest.fixture
def agreed(warehouse: str) -> Iterator[Connection[Any]]:
    with connect(warehouse, "loader") as connection:
        create_raw_tables(connection)
    with psycopg.connect(warehouse) as connection:
        connection.execute(RULES)
        yield connection


def test_it_is_nobodys_and_keeps_the_verdict(agreed: Connection[Any]) -> None:
    choice = StandIns(agreed, ["ann@university.example", "ben@small.example"])
    student, other = choice.address("ann@university.example"), choice.address("ben@small.example")
    assert student.endswith("@university.invalid")
    assert other.endswith("@erased.invalid")
    assert choice.phone("+34 600 123 456") == "+34 000 000 000"
    assert choice.phone("+49 600 123 456") == "+00 000 000 000"
    assert choice.company("Anna's bakery") == "erased"
    assert choice.unlike == set()


def test_where_no_stand_in_is_alike_that_is_told(agreed: Connection[Any]) -> None:
    choice = StandIns(agreed, [])
    choice.company("Initech")
    assert choice.unlike == {"company"}


def test_what_a_condition_says_of_it_nobody_knows(agreed: Connection[Any]) -> None:
    agreed.execute(
        "insert into agreement.qualification_rules (version, rule, stage, test, operands, severity,"
        " share_allowed, statement, position) values ('1', 'odd', 'mql', 'sql',"
        " '{leads.email <> leads.phone}', 'warning', 0, '-', 4)"
    )
    choice = StandIns(agreed, ["ann@small.example"])
    choice.company("Anna's bakery")
    assert choice.unlike == set()
    choice.address("ann@small.example")
    assert choice.unlike == {"email"}
