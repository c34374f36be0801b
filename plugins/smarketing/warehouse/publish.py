"""Publish a night: all marts change hands in one transaction, or none do.

Renaming schemas alone is not enough: names are resolved one by one, and a reader between two of
them would see two nights (measured; ``docs/decisions/0005-publishing.md``). So every published
mart is locked first. Whoever reads finishes in the old night; whoever waits for the lock wakes
up in the new one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from smarketing.night import Night
from smarketing.warehouse.build import CANDIDATE
from smarketing.warehouse.connection import WarehouseError, connect

PUBLISHED = "marts"
PREVIOUS = "marts_previous"

# one row in the marts that says which night they are
_SIGNATURE = "published_night"

# shorter than deadlock_timeout (1 s): when readers lock marts in another order than we do, it is
# we who give way and try again, and never a reader who is told of a deadlock
_LOCK_TIMEOUT = "300ms"
_PATIENCE_SECONDS = 600


class PublishError(Exception):
    """The night could not be published; what readers see is unchanged."""


@dataclass(frozen=True)
class Publication:
    """What became visible: its number, how many marts and how many rows."""

    build_id: int
    marts: int
    rows: int


def publish(uri: str, night: Night) -> Publication:
    """Put the candidate in the place of the published marts; keep one night before it.

    Raises:
        PublishError: there is no complete candidate, or readers held on to the marts for longer
            than we wait.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = 0.1
    with connect(uri, "transformer", autocommit=True) as connection:
        while True:
            try:
                publication = _swap(connection, night)
                break
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                if time.monotonic() > deadline:
                    raise PublishError(
                        f"Readers have held the marts for {_PATIENCE_SECONDS} s. Yesterday's night "
                        "is still published. End the long query (pg_stat_activity shows it), then "
                        "run the task publish.swap again."
                    ) from error
                time.sleep(pause)
                pause = min(pause * 2, 1)
        _drop_retired(connection)
    return publication


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


def _swap(connection: psycopg.Connection, night: Night) -> Publication:
    with connection.transaction():
        connection.execute(sql.SQL("set local lock_timeout = {}").format(_LOCK_TIMEOUT))
        connection.execute("select pg_advisory_xact_lock(hashtext('smarketing publish'))")
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
        if published:
            connection.execute(
                sql.SQL("lock table {} in access exclusive mode").format(
                    sql.SQL(", ").join(sql.Identifier(PUBLISHED, table) for table in published)
                )
            )
        rows = sum(_count(connection, CANDIDATE, table) for table in candidate)
        build_id = _sign(connection, night)
        if _schema_exists(connection, PREVIOUS):
            # dropping takes locks that a reader of the old night may hold: that can wait
            _rename(connection, PREVIOUS, f"marts_retired_{build_id}")
        if _schema_exists(connection, PUBLISHED):
            _rename(connection, PUBLISHED, PREVIOUS)
            connection.execute(
                sql.SQL("revoke usage on schema {} from smarketing_reader").format(
                    sql.Identifier(PREVIOUS)
                )
            )
        _rename(connection, CANDIDATE, PUBLISHED)
        # not before: what has not been checked and published is nobody's to read
        connection.execute(
            sql.SQL("grant usage on schema {} to smarketing_reader").format(
                sql.Identifier(PUBLISHED)
            )
        )
    return Publication(build_id, len(candidate), rows)


def _published_already(connection: psycopg.Connection, night: Night) -> Publication | None:
    """What an earlier run of this step published before it was killed."""
    row = connection.execute(
        "select build_id from ops.publications where night_id = %s and attempt = %s",
        (night.night_id, night.attempt),
    ).fetchone()
    if row is None:
        return None
    marts = [table for table in _tables(connection, PUBLISHED) if table != _SIGNATURE]
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
    connection.execute(sql.SQL("grant select on {} to smarketing_reader").format(table))
    return int(row[0])


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
