"""Each role can do its work, and nothing else: after a publication, with a candidate under way.

On the embedded server, and on one whose login is no superuser.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from smarketing.night import open_night
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import Role, connect, with_parameters
from smarketing.warehouse.initialise import initialise, script
from smarketing.warehouse.publish import publish

from tests.conftest import new_warehouse
from tests.nights.second_server import READER_PASSWORD, second_server

AS_OF = datetime(2026, 10, 20, 2, tzinfo=UTC)

PUBLISHED = "select * from marts.fct_handoffs"
CONTACTS = "select * from marts.dim_lead_contacts"
PREVIOUS = "select * from marts_previous.fct_handoffs"
CANDIDATE = "select * from marts_candidate.fct_handoffs"
BETWEEN = "select * from intermediate.int_leads"
RAW = "select * from raw_csv_export.leads"
SIGNED = "select * from agreement.versions"
REJECTED = "select * from ops.rejected_rows"
RECORD = "select * from ops.nights"
CHECKED = "select * from ops.check_results"

CHANGE_PUBLISHED = "delete from marts.fct_handoffs"
DROP_PUBLISHED = "drop table marts.fct_handoffs"
CHANGE_CANDIDATE = "delete from marts_candidate.fct_handoffs"
CHANGE_RAW = "delete from raw_csv_export.leads"
DROP_RAW = "drop table raw_csv_export.leads"
CHANGE_SIGNED = "delete from agreement.versions"
CHANGE_RECORD = "update ops.nights set message = 'all is well'"
CHANGE_CHECKED = "delete from ops.check_results"
CHANGE_PASSED = "update ops.check_results set state = 'passed'"
PUBLISH = "alter schema marts_candidate rename to marts_mine"
RETIRE = "alter schema marts rename to marts_mine"
NEW_SCHEMA = "create schema mine"
NEW_ROLE = "create role somebody"

MAY: dict[Role, tuple[str, ...]] = {
    "loader": (RAW, SIGNED, REJECTED, CHANGE_RAW, CHANGE_SIGNED, DROP_RAW),
    "transformer": (RAW, SIGNED, BETWEEN, CANDIDATE, RECORD, CHANGE_CANDIDATE, CHANGE_RECORD,
                    NEW_SCHEMA),
    "auditor": (RAW, SIGNED, BETWEEN, CANDIDATE, PUBLISHED, RECORD, CHECKED, CHANGE_CHECKED),
    "publisher": (PUBLISHED, PREVIOUS, CANDIDATE, PUBLISH, RETIRE),
    "reader": (PUBLISHED,),
    "contact_reader": (PUBLISHED, CONTACTS),
}  # fmt: skip

MAY_NOT: dict[Role, tuple[str, ...]] = {
    "loader": (PUBLISHED, CANDIDATE, BETWEEN, RECORD, CHECKED, CHANGE_PUBLISHED, CHANGE_RECORD,
               NEW_SCHEMA, NEW_ROLE),
    "transformer": (PUBLISHED, PREVIOUS, CHANGE_PUBLISHED, DROP_PUBLISHED, RETIRE, CHANGE_RAW,
                    DROP_RAW, CHANGE_SIGNED, NEW_ROLE),
    "auditor": (CHANGE_PUBLISHED, CHANGE_CANDIDATE, CHANGE_RAW, CHANGE_SIGNED, CHANGE_RECORD,
                CHANGE_PASSED, PUBLISH, RETIRE, NEW_SCHEMA, NEW_ROLE),
    "publisher": (CHANGE_RAW, DROP_RAW, CHANGE_SIGNED, NEW_ROLE),
    "reader": (CONTACTS, PREVIOUS, CANDIDATE, BETWEEN, RAW, SIGNED, REJECTED, RECORD, CHECKED,
               CHANGE_PUBLISHED, DROP_PUBLISHED, RETIRE, NEW_SCHEMA, NEW_ROLE),
    "contact_reader": (PREVIOUS, CANDIDATE, BETWEEN, RAW, SIGNED, REJECTED, RECORD, CHECKED,
                       CHANGE_PUBLISHED, DROP_PUBLISHED, RETIRE, NEW_SCHEMA, NEW_ROLE),
}  # fmt: skip


def build(uri: str) -> None:
    """What a night builds, two tables of it, with the rights that dbt gives."""
    with connect(uri, "transformer") as connection:
        connection.execute(
            """
            drop schema if exists intermediate cascade;
            create schema intermediate;
            create table intermediate.int_leads as select 1 as lead;
            create schema marts_candidate;
            create table marts_candidate.fct_handoffs as select 1 as lead;
            grant select on marts_candidate.fct_handoffs to smarketing_reader;
            create table marts_candidate.dim_lead_contacts as select 'ann@x.example' as email;
            grant select on marts_candidate.dim_lead_contacts to smarketing_contact_reader;
            """
        )


def work(uri: str) -> None:
    """Publish two nights, and begin to build a third."""
    with connect(uri, "loader") as connection:
        create_raw_tables(connection)
    for _ in range(2):
        build(uri)
        publish(uri, open_night(uri, AS_OF, AS_OF))
    build(uri)


@pytest.fixture(scope="module", params=["embedded", "another"])
def at_work(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where somebody is at work, for whoever may take every role there."""
    if request.param == "embedded":
        with new_warehouse(request.getfixturevalue("postgres")) as uri:
            work(uri)
            yield uri
    else:
        with second_server(tmp_path_factory.mktemp("server")) as server:
            initialise(server.uri(), reader_password=READER_PASSWORD)
            work(server.uri())
            yield server.root


def attempt(uri: str, role: Role, statement: str) -> None:
    """Run a statement in a role, as whoever may take every role, and undo it."""
    with psycopg.connect(uri) as connection:
        connection.execute(
            sql.SQL("set local role {}").format(sql.Identifier(f"smarketing_{role}"))
        )
        connection.execute(statement.encode())
        connection.rollback()


@pytest.mark.parametrize(
    ("role", "statement"), [(role, each) for role, those in MAY.items() for each in those]
)
def test_a_role_can_do_its_work(at_work: str, role: Role, statement: str) -> None:
    attempt(at_work, role, statement)


@pytest.mark.parametrize(
    ("role", "statement"), [(role, each) for role, those in MAY_NOT.items() for each in those]
)
def test_a_role_can_do_no_other_s(at_work: str, role: Role, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(at_work, role, statement)


def test_every_statement_was_asked_of_somebody_who_may(at_work: str) -> None:
    """One that fails for everybody proves nothing of anybody; these few are nobody's."""
    nobodys = {CHANGE_PUBLISHED, DROP_PUBLISHED, CHANGE_PASSED, NEW_ROLE}
    allowed = {each for those in MAY.values() for each in those}
    refused = {each for those in MAY_NOT.values() for each in those}
    assert refused - allowed == nobodys
    for statement in nobodys:
        with psycopg.connect(at_work) as connection:
            connection.execute(statement.encode())
            connection.rollback()


def test_an_administrator_can_run_the_printed_script_twice(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("drop database if exists printed with (force)")
        connection.execute("create database printed")
    uri = with_parameters(postgres, dbname="printed")
    for _ in range(2):
        with psycopg.connect(uri) as connection:
            connection.execute(script().encode())
    described: list[list[tuple[Any, ...]]] = []
    with new_warehouse(postgres) as other:
        for each in (uri, other):
            initialise(each)
            with psycopg.connect(each) as connection:
                described.append(
                    connection.execute(
                        "select nspname, relname, relacl::text from pg_class "
                        "inner join pg_namespace on relnamespace = pg_namespace.oid "
                        "where nspname in ('ops', 'agreement') order by 1, 2"
                    ).fetchall()
                )
    assert described[0] == described[1]
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("drop database printed with (force)")
