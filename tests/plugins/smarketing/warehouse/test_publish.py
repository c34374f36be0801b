"""Publishing: whole or not at all, for readers who never stop reading."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from smarketing.night import Night, open_night
from smarketing.warehouse.connection import WarehouseError, connect
from smarketing.warehouse.publish import PublishError, publish, withdraw

AS_OF = datetime(2026, 10, 20, 2, tzinfo=UTC)
DAY = timedelta(days=1)

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
    with connect(warehouse, "publisher") as connection:
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


def test_the_marts_say_what_was_checked_each_night(warehouse: str) -> None:
    """Also in the night itself, and in one that its checks kept back; of attempts the last."""
    kept_back = open_night(warehouse, AS_OF, AS_OF)
    write_check(warehouse, kept_back, "leads_are_there", "failed")
    again, broken_off, tonight = (
        open_night(warehouse, AS_OF + days * DAY, AS_OF + days * DAY) for days in (1, 1, 2)
    )
    write_check(warehouse, again, "leads_are_there", "failed")
    write_check(warehouse, again, "leads_have_addresses", "passed")
    write_check(warehouse, broken_off, "leads_are_there", "passed")
    write_check(warehouse, tonight, "leads_are_there", "passed")
    build_candidate(warehouse, 1)
    publish(warehouse, tonight)
    with connect(warehouse, "reader") as reader:
        assert reader.execute(
            "select as_of, check_name, state, is_published from marts.check_results order by 1, 2"
        ).fetchall() == [
            (AS_OF, "leads_are_there", "failed", False),
            (AS_OF + DAY, "leads_are_there", "passed", False),
            (AS_OF + 2 * DAY, "leads_are_there", "passed", True),
        ]
        undescribed = reader.execute(
            "select attname from pg_attribute where attrelid = 'marts.check_results'::regclass "
            "and attnum > 0 and col_description(attrelid, attnum) is null"
        ).fetchall()
        assert undescribed == []


def write_check(uri: str, night: Night, name: str, state: str) -> None:
    with connect(uri, "auditor") as connection:
        connection.execute(
            "insert into ops.check_results (night_id, attempt, suite, check_name, title, severity,"
            " state, meaning, concerns)"
            " values (%s, %s, 'arrival of crm', %s, '', 'critical', %s, '', '')",
            (night.night_id, night.attempt, name, state),
        )


def publish_nights(uri: str, *contents: int) -> list[Night]:
    nights = []
    for content in contents:
        build_candidate(uri, content)
        nights.append(open_night(uri, AS_OF + content * DAY, AS_OF + content * DAY))
        publish(uri, nights[-1])
    return nights


def test_a_night_is_withdrawn_for_the_one_before(warehouse: str) -> None:
    publish_nights(warehouse, 1, 2)
    done = withdraw(warehouse, by="Ana", reason="half of the leads were missing")
    assert (done.withdrawn_as_of, done.as_of) == (AS_OF + 2 * DAY, AS_OF + DAY)
    assert published(warehouse) == [1] * len(MARTS)
    with connect(warehouse, "reader") as reader:
        [(build_id,)] = reader.execute("select build_id from marts.published_night").fetchall()
        assert build_id == done.build_id
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select * from marts_previous.dim_leads")
    with connect(warehouse, "auditor") as connection:
        assert connection.execute(
            "select build_id, withdrawn_by, withdrawn_reason from ops.publications "
            "where withdrawn_at is not null"
        ).fetchall() == [(done.withdrawn_build_id, "Ana", "half of the leads were missing")]


def test_a_night_withdrawn_is_not_gone_back_to(warehouse: str) -> None:
    publish_nights(warehouse, 1, 2)
    withdraw(warehouse, by="Ana", reason="wrong")
    with pytest.raises(PublishError, match="no night before"):
        withdraw(warehouse, by="Ana", reason="wrong")
    assert published(warehouse) == [1] * len(MARTS)


def test_the_only_night_cannot_be_withdrawn(warehouse: str) -> None:
    with pytest.raises(WarehouseError, match="Nothing has been published"):
        withdraw(warehouse, by="Ana", reason="wrong")
    publish_nights(warehouse, 1)
    with pytest.raises(PublishError, match="no night before"):
        withdraw(warehouse, by="Ana", reason="wrong")
    assert published(warehouse) == [1] * len(MARTS)


def test_after_a_withdrawal_the_next_night_is_published_over_what_readers_see(
    warehouse: str,
) -> None:
    publish_nights(warehouse, 1, 2)
    withdraw(warehouse, by="Ana", reason="wrong")
    publish_nights(warehouse, 3)
    assert published(warehouse) == [3] * len(MARTS)
    assert withdraw(warehouse, by="Ana", reason="wrong again").as_of == AS_OF + DAY
    assert published(warehouse) == [1] * len(MARTS)


def test_what_a_withdrawn_night_reported_counts_as_never_said(warehouse: str) -> None:
    first, second = publish_nights(warehouse, 1, 2)
    with connect(warehouse, "transformer") as connection:
        for night in (first, second):
            connection.execute(
                "insert into ops.reported_periods values "
                "('v1', 'leads', 'all', '2026-09-01', %s, %s, 'met', 1, 1, 1, '[]')",
                (night.as_of, night.known_at),
            )
    withdraw(warehouse, by="Ana", reason="wrong")
    with connect(warehouse, "auditor") as connection:
        reported = connection.execute("select as_of from ops.reported_periods").fetchall()
    assert reported == [(first.as_of,)]


def test_what_was_said_twice_is_withdrawn_once(warehouse: str) -> None:
    """The same night, run again: the first publication of it still says what it said."""
    for content in (1, 2):
        build_candidate(warehouse, content)
        publish(warehouse, open_night(warehouse, AS_OF, AS_OF))
    with connect(warehouse, "transformer") as connection:
        connection.execute(
            "insert into ops.reported_periods values "
            "('v1', 'leads', 'all', '2026-09-01', %s, %s, 'met', 1, 1, 1, '[]')",
            (AS_OF, AS_OF),
        )
    withdraw(warehouse, by="Ana", reason="wrong")
    with connect(warehouse, "auditor") as connection:
        reported = connection.execute("select as_of from ops.reported_periods").fetchall()
    assert reported == [(AS_OF,)]


def test_readers_in_a_loop_see_no_mixed_night_in_withdrawals(warehouse: str) -> None:
    publish_nights(warehouse, 1)
    with reading(warehouse, MARTS, MARTS[::-1]) as readers:
        for content in range(2, 22):
            publish_nights(warehouse, content)
            withdraw(warehouse, by="Ana", reason="wrong")
    seen = [row for reader in readers for row in reader.seen]
    assert [error for reader in readers for error in reader.errors] == []
    assert [row for row in seen if len(set(row)) > 1] == []
    assert len(set(seen)) > 5
