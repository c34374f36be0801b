"""A night: the instant it speaks for, its attempts, and its record in schema ``ops``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from smarketing.warehouse.connection import WarehouseError, connect

# A step holds it, shared, from its beginning to its end; an attempt begins when it is free. So
# no step ever runs beside a step of another attempt, also where a killed night left it behind.
_LOCK = "smarketing night"
_PATIENCE = "10min"


class ImpossibleNightError(Exception):
    """Nobody can know yet what this night would say."""


@dataclass(frozen=True)
class Acceptance:
    """Somebody answers for a night's critical failures, before it is run: who, and why."""

    by: str
    reason: str


class SupersededError(Exception):
    """A newer attempt has begun; this one must not write any more."""


@dataclass(frozen=True)
class Night:
    """One attempt at one night.

    Everything is computed as of ``as_of`` from what was known at ``known_at`` (spec §0). A night
    is named by the two instants; attempts at it are numbered from 1.
    """

    night_id: str
    attempt: int
    as_of: datetime
    known_at: datetime

    def to_xcom(self) -> dict[str, Any]:
        """The small keys that Airflow hands from task to task."""
        return asdict(self) | {
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat(),
        }

    @classmethod
    def from_xcom(cls, keys: dict[str, Any]) -> Night:
        """The night that :meth:`to_xcom` described."""
        return cls(
            night_id=keys["night_id"],
            attempt=keys["attempt"],
            as_of=datetime.fromisoformat(keys["as_of"]),
            known_at=datetime.fromisoformat(keys["known_at"]),
        )


@dataclass
class Step:
    """What a step says of itself when it is done: rows, and a note for whoever reads the table."""

    rows_in: int | None = None
    rows_out: int | None = None
    rows_rejected: int | None = None
    note: str | None = field(default=None)


def night_id(as_of: datetime, known_at: datetime) -> str:
    """A night's name: its instant, and the later knowledge of a restatement if there is one."""
    name = f"{as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    known = f"{known_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return name if known == name else f"{name} known {known}"


def check_instants(as_of: datetime, known_at: datetime, now: datetime) -> None:
    """Refuse a night that lies ahead.

    Raw records would be marked as known at an instant to come, and every real night until then
    would take them for newer than itself.

    Raises:
        ImpossibleNightError: the night, or what it is to know, is later than ``now``; or it knows
            less than its own end.
    """
    if max(as_of, known_at) > now:
        raise ImpossibleNightError(
            f"as_of {as_of.isoformat()}, known_at {known_at.isoformat()}: later than now "
            f"({now.isoformat(timespec='seconds')}). Give an instant in the past."
        )
    if known_at < as_of:
        raise ImpossibleNightError(
            f"known_at {known_at.isoformat()} lies before as_of {as_of.isoformat()}: a night knows "
            "at least what was known at its own end. Leave known_at out, or give a later one."
        )


def open_night(
    uri: str, as_of: datetime, known_at: datetime, accepted: Acceptance | None = None
) -> Night:
    """Begin an attempt. Whatever was still running was killed, and is recorded as failed.

    ``accepted``: this attempt is published also if critical checks fail.

    Raises:
        WarehouseError: a step of an earlier attempt does not come to its end.
    """
    name = night_id(as_of, known_at)
    with connect(uri, "transformer") as connection:
        _stand_still(
            connection,
            f"A step of an earlier attempt has not ended for {_PATIENCE}. End its process, "
            "then run the night again.",
        )
        connection.execute(
            """
            update ops.nights
            set
                state = 'failed',
                ended_at = clock_timestamp(),
                failed_step = (
                    select step from ops.steps
                    where
                        steps.night_id = nights.night_id
                        and steps.attempt = nights.attempt
                        and steps.state = 'running'
                    order by started_at desc
                    limit 1
                ),
                message = 'ended without a word: killed, or overtaken by the next attempt'
            where state = 'running'
            """
        )
        row = connection.execute(
            """
            insert into ops.nights (
                night_id, attempt, as_of, known_at, state, accepted_by, accepted_reason
            )
            select
                %(name)s, coalesce(max(attempt), 0) + 1, %(as_of)s, %(known_at)s, 'running',
                %(by)s, %(reason)s
            from ops.nights
            where night_id = %(name)s
            returning attempt
            """,
            {
                "name": name,
                "as_of": as_of,
                "known_at": known_at,
                "by": accepted and accepted.by,
                "reason": accepted and accepted.reason,
            },
        ).fetchone()
    assert row is not None
    return Night(name, row[0], as_of, known_at)


@contextmanager
def recorded(uri: str, night: Night, name: str) -> Iterator[Step]:
    """Record a step of a night: when it began, what became of it, how many rows it moved.

    A step that is run again replaces its earlier record.

    Raises:
        SupersededError: a newer attempt at any night has begun since.
    """
    with connect(uri, "transformer", autocommit=True) as connection:
        _begin(connection, night, name)
        step = Step()
        try:
            yield step
        except BaseException as error:
            _end(connection, night, name, step, state="failed", message=str(error))
            raise
        _end(connection, night, name, step, state="done", message=None)


@contextmanager
def standing_still(uri: str) -> Iterator[None]:
    """Wait for the steps that run, and let none begin meanwhile.

    Raises:
        WarehouseError: a step does not come to its end.
    """
    with connect(uri, "transformer", autocommit=True) as connection:
        _stand_still(
            connection,
            f"A step of a night has not ended for {_PATIENCE}. Wait for the night, or end its "
            "process, then try again.",
        )
        yield


def _stand_still(connection: psycopg.Connection, else_: str) -> None:
    """Wait for the steps that run, and let none begin before the session ends."""
    try:
        connection.execute("select set_config('lock_timeout', %s, false)", (_PATIENCE,))
        connection.execute("select pg_advisory_lock(hashtext(%s))", (_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseError(else_) from error


def newest_attempt(connection: psycopg.Connection) -> tuple[str, int] | None:
    """The night and the number of the attempt that began last, if any has."""
    return connection.execute(
        "select night_id, attempt from ops.nights order by started_at desc limit 1"
    ).fetchone()


def _begin(connection: psycopg.Connection, night: Night, name: str) -> None:
    connection.execute("select pg_advisory_lock_shared(hashtext(%s))", (_LOCK,))
    newest = newest_attempt(connection)
    assert newest is not None
    if newest != (night.night_id, night.attempt):
        raise SupersededError(
            f"Night {night.night_id}, attempt {night.attempt}, was overtaken by night "
            f"{newest[0]}, attempt {newest[1]}. Nothing to do: the newer attempt does the work."
        )
    with connection.transaction():
        connection.execute(
            "update ops.nights set state = 'running', ended_at = null, failed_step = null, "
            "message = null where night_id = %s and attempt = %s",
            (night.night_id, night.attempt),
        )
        connection.execute(
            """
            insert into ops.steps (night_id, attempt, step, state)
            values (%s, %s, %s, 'running')
            on conflict (night_id, attempt, step) do update
            set
                state = 'running', rows_in = null, rows_out = null, rows_rejected = null,
                note = null, started_at = clock_timestamp(), ended_at = null
            """,
            (night.night_id, night.attempt, name),
        )


def _end(
    connection: psycopg.Connection,
    night: Night,
    name: str,
    step: Step,
    *,
    state: str,
    message: str | None,
) -> None:
    with connection.transaction():
        connection.execute(
            """
            update ops.steps
            set
                state = %s, rows_in = %s, rows_out = %s, rows_rejected = %s, note = %s,
                ended_at = clock_timestamp()
            where night_id = %s and attempt = %s and step = %s
            """,
            (
                state, step.rows_in, step.rows_out, step.rows_rejected, message or step.note,
                night.night_id, night.attempt, name,
            ),
        )  # fmt: skip
        if state == "failed":
            connection.execute(
                "update ops.nights set state = 'failed', failed_step = %s, message = %s, "
                "ended_at = clock_timestamp() where night_id = %s and attempt = %s",
                (name, message, night.night_id, night.attempt),
            )


def close_night(uri: str, night: Night) -> None:
    """The night is published and reported: nothing is left to do."""
    with connect(uri, "transformer") as connection:
        connection.execute(
            "update ops.nights set state = 'published', ended_at = clock_timestamp() "
            "where night_id = %s and attempt = %s",
            (night.night_id, night.attempt),
        )
