"""Publishing: whole or not at all, for readers who never stop reading."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql
from smarketing.night import Night, open_night
from smarketing.warehouse.connection import connect
from smarketing.warehouse.publish import PublishError, publish

AS_OF = datetime(2026, 10, 20, 2, tzinfo=UTC)

# more than a few, and their alphabet is not the order in which readers join them
MARTS = ("dim_leads", "dim_owners", "fct_funnel_stages", "fct_opportunities", "sla_compliance")


def build_candidate(uri: str, content: int) -> None:
    """A candidate in which every mart says which night it is from."""
    with connect(uri, "transformer") as connection:
        connection.execute("drop schema if exists marts_candidate cascade")
        connection.execute("create schema marts_candidate")
        for mart in MARTS:
            table = sql.Identifier("marts_candidate", mart)
            connection.execute(
                sql.SQL("create table {} as select {} as night").format(table, content)
            )
            connection.execute(sql.SQL("grant select on {} to smarketing_reader").format(table))


def published(uri: str) -> list[int]:
    """What each published mart says, in the order of MARTS."""
    with connect(uri, "reader") as connection:
        return [
            connection.execute(
                sql.SQL("select night from {}").format(sql.Identifier("marts", mart))
            ).fetchone()[0]  # type: ignore[index]
            for mart in MARTS
        ]


@pytest.fixture
def night(warehouse: str) -> Night:
    return open_night(warehouse, AS_OF, AS_OF)


class Reader(threading.Thread):
    """Reads all marts in one statement, again and again, and keeps what it saw."""

    def __init__(self, uri: str, marts: tuple[str, ...]) -> None:
        super().__init__()
        self.uri = uri
        self.query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(sql.SQL("{}.night").format(sql.Identifier(mart)) for mart in marts),
            sql.SQL(" cross join ").join(sql.Identifier("marts", mart) for mart in marts),
        )
        self.seen: list[tuple[int, ...]] = []
        self.errors: list[Exception] = []
        self.enough = threading.Event()

    def run(self) -> None:
        with connect(self.uri, "reader", autocommit=True) as connection:
            while not self.enough.is_set():
                try:
                    self.seen += connection.execute(self.query).fetchall()
                except psycopg.Error as error:
                    self.errors.append(error)


@contextmanager
def reading(uri: str, *orders: tuple[str, ...]) -> Iterator[list[Reader]]:
    readers = [Reader(uri, order) for order in orders]
    for reader in readers:
        reader.start()
    try:
        yield readers
    finally:
        for reader in readers:
            reader.enough.set()
            reader.join()


def test_readers_in_a_loop_see_no_mixed_night_in_50_publishes(warehouse: str) -> None:
    build_candidate(warehouse, 0)
    publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    with reading(warehouse, MARTS, MARTS[::-1], MARTS[2:] + MARTS[:2]) as readers:
        for content in range(1, 51):
            build_candidate(warehouse, content)
            publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    seen = [row for reader in readers for row in reader.seen]
    assert [error for reader in readers for error in reader.errors] == []
    assert [row for row in seen if len(set(row)) > 1] == []
    # they did read while nights changed hands
    assert len(set(seen)) > 10


def test_a_long_reader_is_waited_for_and_not_disturbed(warehouse: str) -> None:
    build_candidate(warehouse, 1)
    publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    build_candidate(warehouse, 2)
    night = open_night(warehouse, AS_OF, AS_OF)
    publisher = threading.Thread(target=publish, args=(warehouse, night))
    with connect(warehouse, "reader") as reader:
        reader.execute("select * from marts.dim_leads")
        publisher.start()
        time.sleep(1)
        # other readers are served meanwhile
        assert published(warehouse) == [1] * len(MARTS)
        assert reader.execute("select night from marts.sla_compliance").fetchone() == (1,)
    publisher.join()
    assert published(warehouse) == [2] * len(MARTS)


def test_killed_inside_the_transaction_nothing_has_happened(warehouse: str) -> None:
    build_candidate(warehouse, 1)
    publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    build_candidate(warehouse, 2)
    night = open_night(warehouse, AS_OF, AS_OF)
    script = (
        "import datetime, sys, time\n"
        "from smarketing.night import Night\n"
        "from smarketing.warehouse import publish\n"
        "def hang(*_):\n"
        "    print('renaming', flush=True)\n"
        "    time.sleep(60)\n"
        "publish._rename = hang\n"
        f"publish.publish(sys.argv[1], {night!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, warehouse], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"renaming\n"
    process.kill()
    process.wait()
    assert published(warehouse) == [1] * len(MARTS)
    assert publish(warehouse, night).marts == len(MARTS)
    assert published(warehouse) == [2] * len(MARTS)


def test_published_once_however_often_the_step_runs(warehouse: str, night: Night) -> None:
    build_candidate(warehouse, 1)
    first = publish(warehouse, night)
    assert publish(warehouse, night) == first
    assert published(warehouse) == [1] * len(MARTS)


def test_two_publishers_at_once_publish_once(warehouse: str, night: Night) -> None:
    build_candidate(warehouse, 1)
    outcomes = []
    publishers = [
        threading.Thread(target=lambda: outcomes.append(publish(warehouse, night)))
        for _ in range(2)
    ]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    assert outcomes[0] == outcomes[1]
    assert published(warehouse) == [1] * len(MARTS)


def test_without_a_candidate_yesterday_stays(warehouse: str) -> None:
    build_candidate(warehouse, 1)
    publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    with pytest.raises(PublishError, match=r"transform\.marts"):
        publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    assert published(warehouse) == [1] * len(MARTS)


def test_one_night_before_is_kept_and_no_more(warehouse: str) -> None:
    for content in range(4):
        build_candidate(warehouse, content)
        publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    with connect(warehouse, "transformer") as connection:
        schemas = connection.execute(
            "select nspname from pg_namespace where nspname like 'marts%' order by 1"
        ).fetchall()
        assert schemas == [("marts",), ("marts_previous",)]
        assert connection.execute("select night from marts_previous.dim_leads").fetchone() == (2,)


def test_the_marts_say_which_night_they_are(warehouse: str, night: Night) -> None:
    build_candidate(warehouse, 1)
    publication = publish(warehouse, night)
    with connect(warehouse, "reader") as reader:
        assert reader.execute(
            "select build_id, night_id, as_of from marts.published_night"
        ).fetchall() == [(publication.build_id, night.night_id, AS_OF)]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from marts_previous.dim_leads",
        "select * from marts_candidate.dim_leads",
        "select * from ops.nights",
        "select * from ops.rejected_rows",
        "select * from raw_csv_export.leads",
        "select * from agreement.versions",
        "insert into marts.dim_leads values (9)",
        "drop table marts.dim_leads",
        "create table marts.mine (x int)",
    ],
)
def test_the_reader_may_read_marts_and_nothing_else(warehouse: str, statement: str) -> None:
    for content in (1, 2):
        build_candidate(warehouse, content)
        publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    build_candidate(warehouse, 3)
    assert published(warehouse) == [2] * len(MARTS)
    with (
        connect(warehouse, "reader") as reader,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)),
    ):
        reader.execute(statement)
