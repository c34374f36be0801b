"""Publish a night: all marts change hands in one transaction, or none do.

Renaming schemas alone is not enough: names are resolved one by one, and a reader between two of
them would see two nights (measured; ``docs/decisions/0005-publishing.md``). So every published
mart is locked first. Whoever reads finishes in the old night; whoever waits for the lock wakes
up in the new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import psycopg
from psycopg import sql

from smarketing.explained import ExplainedError
from smarketing.night import Night
from smarketing.warehouse.build import CANDIDATE
from smarketing.warehouse.connection import WarehouseError, connect

PUBLISHED = "marts"
PREVIOUS = "marts_previous"

# one row in the marts that says which night they are
_SIGNATURE = "published_night"
# the figure of every check, of this night too: what is built before its checks cannot have them
_CHECKED = "check_results"
_CHECKED_COLUMNS = {
    "night_id": "The night that was checked.",
    "as_of": "The instant that the night spoke for: what a figure is plotted against (UTC).",
    "is_published": "Whether readers have seen the night, and nobody has withdrawn it.",
    "suite": "What was checked: the arrival of a source, the rules of a stage, the marts.",
    "check_name": "The check's name within its suite. It stays when the words change.",
    "title": "What holds where the check passed, in words.",
    "severity": "critical: where more fail than may, the night is not published; warning: it is.",
    "state": "passed, failed, skipped (nothing to check, and that may be), not_run (it broke).",
    "evaluated": "How many records the check looked at; null where it did not.",
    "failing": "How many of those failed, allowed or not.",
    "share_allowed": "The share of them that may fail (0 to 1); null: no matter of shares.",
    "is_accepted": "It would have stopped the night, and somebody had accepted that.",
    "meaning": "What a failure means.",
    "concerns": "Whom it concerns.",
    "source": "Of whose arrival it is, as smarketing.yml names the source; else null.",
    "rule": "Which rule of the agreement it is; else null.",
}

# shorter than deadlock_timeout (1 s): when readers lock marts in another order than we do, it is
# we who give way and try again, and never a reader who is told of a deadlock
_LOCK_TIMEOUT = "300ms"
_PATIENCE_SECONDS = 600

_Done = TypeVar("_Done")


class PublishError(ExplainedError):
    """The night could not be published or withdrawn; what readers see is unchanged."""


@dataclass(frozen=True)
class Publication:
    """What became visible: its number, how many marts and how many rows."""

    build_id: int
    marts: int
    rows: int


@dataclass(frozen=True)
class Withdrawal:
    """What readers do not see any more, and what they see instead: builds and their instants."""

    withdrawn_build_id: int
    withdrawn_as_of: datetime
    build_id: int
    as_of: datetime


def publish(uri: str, night: Night) -> Publication:
    """Put the candidate in the place of the published marts; keep one night before it.

    Raises:
        PublishError: there is no complete candidate, or readers held on to the marts for longer
            than we wait.
    """
    with connect(uri, "publisher", autocommit=True) as connection:
        publication = _patiently(lambda: _swap(connection, night))
        _drop_retired(connection)
    return publication


def withdraw(uri: str, *, by: str, reason: str) -> Withdrawal:
    """Take the published night back: readers see the one before it, at once and whole.

    The night that is withdrawn is kept where the night before it was, until the next is published.
    What it was the first to say of closed periods counts as never said.

    Raises:
        WarehouseError: nothing has been published yet.
        PublishError: there is no night before it, or readers held on to the marts for longer than
            we wait.
    """
    with connect(uri, "publisher", autocommit=True) as connection:
        return _patiently(lambda: _swap_back(connection, by, reason))


def _patiently(attempt: Callable[[], _Done]) -> _Done:
    """Try again while readers hold the marts, up to our patience."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = 0.1
    while True:
        try:
            return attempt()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise PublishError(
                    f"Readers have held the marts for {_PATIENCE_SECONDS} s. What was published is "
                    "still published. End the long query (pg_stat_activity shows it), then try "
                    "again (of a night, the task publish.swap)."
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 1)


def hold_publication(connection: psycopg.Connection) -> None:
    """One page, one night: nothing is published while this transaction reads.

    The lock comes before the snapshot, or the marts of a night published between the two would
    be there and look empty.

    Raises:
        WarehouseError: nothing has been published yet.
    """
    connection.execute("set transaction isolation level repeatable read")
    try:
        connection.execute(
            "lock table marts.published_night, marts.sla_compliance in access share mode"
        )
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise WarehouseError(
            "Nothing has been published yet. `make nightly` runs a night and publishes it."
        ) from error


def _begin(connection: psycopg.Connection) -> None:
    """One at a time: who comes second waits."""
    connection.execute(sql.SQL("set local lock_timeout = {}").format(_LOCK_TIMEOUT))
    connection.execute("select pg_advisory_xact_lock(hashtext('smarketing publish'))")


def _swap(connection: psycopg.Connection, night: Night) -> Publication:
    with connection.transaction():
        _begin(connection)
        candidate = _tables(connection, CANDIDATE)
        published = _tables(connection, PUBLISHED)
        if not candidate:
            if done := _published_already(connection, night):
                return done
            raise PublishError(
                f"Schema {CANDIDATE} holds no marts: the night was not built. Run the task "
                "transform.marts again."
            )
        # before the lock: nobody waits for it
        _keep_closed_periods(connection, night)
        _publish_checks(connection, night)
        if published:
            _lock(connection, published)
        rows = sum(_count(connection, CANDIDATE, table) for table in candidate)
        build_id = _sign(connection, night)
        if _schema_exists(connection, PREVIOUS):
            # dropping takes locks that a reader of the old night may hold: that can wait
            _rename(connection, PREVIOUS, f"marts_retired_{build_id}")
        if _schema_exists(connection, PUBLISHED):
            _rename(connection, PUBLISHED, PREVIOUS)
            _close(connection, PREVIOUS)
        _take_over(connection, [*candidate, _SIGNATURE, _CHECKED])
        _rename(connection, CANDIDATE, PUBLISHED)
        # not before: what has not been checked and published is nobody's to read
        _open(connection, PUBLISHED)
    return Publication(build_id, len(candidate), rows)


def _swap_back(connection: psycopg.Connection, by: str, reason: str) -> Withdrawal:
    with connection.transaction():
        _begin(connection)
        published = _tables(connection, PUBLISHED)
        if not published:
            raise WarehouseError(
                "Nothing has been published yet. `make nightly` runs a night and publishes it."
            )
        before = (
            connection.execute(
                sql.SQL("select build_id, as_of from {}").format(
                    sql.Identifier(PREVIOUS, _SIGNATURE)
                )
            ).fetchone()
            if _tables(connection, PREVIOUS)
            else None
        )
        if before is None or _is_withdrawn(connection, before[0]):
            raise PublishError(
                "There is no night before the published one to go back to: one is kept, and it has "
                "been withdrawn or never was. Run the night again: `make nightly`."
            )
        _lock(connection, published)
        [(build_id, as_of)] = connection.execute(
            sql.SQL("select build_id, as_of from {}").format(sql.Identifier(PUBLISHED, _SIGNATURE))
        ).fetchall()
        connection.execute(
            "update ops.publications set withdrawn_at = clock_timestamp(), withdrawn_by = %s, "
            "withdrawn_reason = %s where build_id = %s",
            (by, reason, build_id),
        )
        _forget_reports(connection, build_id)
        _rename(connection, PUBLISHED, f"marts_withdrawn_{build_id}")
        _rename(connection, PREVIOUS, PUBLISHED)
        _rename(connection, f"marts_withdrawn_{build_id}", PREVIOUS)
        _close(connection, PREVIOUS)
        _open(connection, PUBLISHED)
    return Withdrawal(build_id, as_of, *before)


def _is_withdrawn(connection: psycopg.Connection, build_id: int) -> bool:
    query = "select 1 from ops.publications where build_id = %s and withdrawn_at is not null"
    return connection.execute(query, (build_id,)).fetchone() is not None


def _forget_reports(connection: psycopg.Connection, build_id: int) -> None:
    """What a withdrawn night was the first to say counts as never said, unless it stands twice."""
    connection.execute(
        """
        delete from ops.reported_periods as reports
        using ops.publications as withdrawn
        where
            withdrawn.build_id = %s
            and (reports.as_of, reports.known_at) = (withdrawn.as_of, withdrawn.known_at)
            and not exists (
                select
                from ops.publications as others
                where
                    (others.as_of, others.known_at) = (withdrawn.as_of, withdrawn.known_at)
                    and others.withdrawn_at is null
            )
        """,
        (build_id,),
    )


def _published_already(connection: psycopg.Connection, night: Night) -> Publication | None:
    """What an earlier run of this step published before it was killed."""
    row = connection.execute(
        "select build_id from ops.publications where night_id = %s and attempt = %s",
        (night.night_id, night.attempt),
    ).fetchone()
    if row is None:
        return None
    ours = {_SIGNATURE, _CHECKED}
    marts = [table for table in _tables(connection, PUBLISHED) if table not in ours]
    return Publication(
        row[0], len(marts), sum(_count(connection, PUBLISHED, table) for table in marts)
    )


def _sign(connection: psycopg.Connection, night: Night) -> int:
    """Record the publication, and leave in the marts the one row that says which night they are."""
    row = connection.execute(
        "insert into ops.publications (night_id, attempt, as_of, known_at) "
        "values (%s, %s, %s, %s) returning build_id",
        (night.night_id, night.attempt, night.as_of, night.known_at),
    ).fetchone()
    assert row is not None
    table = sql.Identifier(CANDIDATE, _SIGNATURE)
    connection.execute(
        sql.SQL(
            "create table {} as select build_id, night_id, as_of, known_at, published_at "
            "from ops.publications where build_id = %s"
        ).format(table),
        row,
    )
    return int(row[0])


def _publish_checks(connection: psycopg.Connection, night: Night) -> None:
    """Leave in the marts what was checked, night by night, also where it kept a night back.

    Of a night that was run again, the last time. No record is named, and no value.
    """
    table = sql.Identifier(CANDIDATE, _CHECKED)
    connection.execute(
        sql.SQL(
            """
            create table {checked} as
            with attempts as (
                select distinct on (nights.night_id) nights.night_id, nights.attempt, nights.as_of
                from ops.nights
                where exists (
                    select
                    from ops.check_results as results
                    where (results.night_id, results.attempt) = (nights.night_id, nights.attempt)
                )
                order by nights.night_id, nights.attempt desc
            ),

            checked as (
                select
                    results.*,
                    attempts.as_of,
                    (attempts.night_id, attempts.attempt) = ({night_id}, {attempt})
                    or exists (
                        select
                        from ops.publications
                        where
                            (publications.night_id, publications.attempt)
                            = (attempts.night_id, attempts.attempt)
                            and publications.withdrawn_at is null
                    ) as is_published
                from ops.check_results as results
                inner join attempts using (night_id, attempt)
            )

            select {columns} from checked
            """
        ).format(
            checked=table,
            columns=sql.SQL(", ").join(map(sql.Identifier, _CHECKED_COLUMNS)),
            night_id=night.night_id,
            attempt=night.attempt,
        )
    )
    connection.execute(
        sql.SQL("alter table {} add primary key (night_id, suite, check_name)").format(table)
    )
    for column, meaning in _CHECKED_COLUMNS.items():
        connection.execute(
            sql.SQL("comment on column {} is {}").format(
                sql.Identifier(CANDIDATE, _CHECKED, column), meaning
            )
        )


def _keep_closed_periods(connection: psycopg.Connection, night: Night) -> None:
    """Keep what this night is the first to say of periods that are over: later ones may differ.

    A night that is published again replaces what it had said.
    """
    built = connection.execute("select to_regclass('intermediate.int_closed_periods')").fetchone()
    if built == (None,):
        return
    instants = {"as_of": night.as_of, "known_at": night.known_at}
    connection.execute(
        "delete from ops.reported_periods where as_of = %(as_of)s and known_at = %(known_at)s",
        instants,
    )
    connection.execute(
        sql.SQL(
            """
            insert into ops.reported_periods
            select
                agreement_version, commitment_id, segment, period_start_date,
                closed.as_of, closed.known_at,
                told.status, told.actual, told.sample_size, told.success_count, closed.members
            from intermediate.int_closed_periods as closed
            inner join {} as told
                using (agreement_version, commitment_id, segment, period_start_date)
            where
                closed.as_of = %(as_of)s
                and closed.known_at = %(known_at)s
                and told.is_final
                and told.status <> 'undetermined'
            """
        ).format(sql.Identifier(CANDIDATE, "sla_compliance")),
        instants,
    )


def _drop_retired(connection: psycopg.Connection) -> None:
    """Drop nights that nobody reads any more; one still being read is left for the next publish."""
    retired = connection.execute(
        r"select nspname from pg_namespace where nspname like 'marts\_retired\_%'"
    ).fetchall()
    for (schema,) in retired:
        try:
            with connection.transaction():
                connection.execute(sql.SQL("set local lock_timeout = {}").format(_LOCK_TIMEOUT))
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
        except psycopg.errors.LockNotAvailable:
            continue


def _lock(connection: psycopg.Connection, tables: list[str]) -> None:
    connection.execute(
        sql.SQL("lock table {} in access exclusive mode").format(
            sql.SQL(", ").join(sql.Identifier(PUBLISHED, table) for table in tables)
        )
    )


def _take_over(connection: psycopg.Connection, tables: list[str]) -> None:
    """What is published belongs to the publisher: who built it cannot change it any more."""
    connection.execute(
        sql.SQL("alter schema {} owner to smarketing_publisher").format(sql.Identifier(CANDIDATE))
    )
    for table in tables:
        connection.execute(
            sql.SQL("alter table {} owner to smarketing_publisher").format(
                sql.Identifier(CANDIDATE, table)
            )
        )


def _open(connection: psycopg.Connection, schema: str) -> None:
    connection.execute(
        sql.SQL("grant usage on schema {} to smarketing_reader").format(sql.Identifier(schema))
    )


def _close(connection: psycopg.Connection, schema: str) -> None:
    connection.execute(
        sql.SQL("revoke usage on schema {} from smarketing_reader").format(sql.Identifier(schema))
    )


def _tables(connection: psycopg.Connection, schema: str) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "select tablename from pg_tables where schemaname = %s order by tablename", (schema,)
        )
    ]


def _count(connection: psycopg.Connection, schema: str, table: str) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
    ).fetchone()
    assert row is not None
    return int(row[0])


def _schema_exists(connection: psycopg.Connection, schema: str) -> bool:
    query = "select 1 from pg_namespace where nspname = %s"
    return connection.execute(query, (schema,)).fetchone() is not None


def _rename(connection: psycopg.Connection, schema: str, name: str) -> None:
    connection.execute(
        sql.SQL("alter schema {} rename to {}").format(sql.Identifier(schema), sql.Identifier(name))
    )
