"""Which sources arrived tonight, and from when on the others are silent."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from smarketing.night import Night
from smarketing.quality.run import Outcome, on_table
from smarketing.warehouse.connection import connect


class NothingArrivedError(Exception):
    """No source arrived: a night would publish yesterday under a new date."""


def mark_unread(uri: str, night: Night, sources: Sequence[str]) -> list[str]:
    """Mark the span of each source that this attempt could not read; gives those sources.

    The span begins where the last night ended that read the source, and ends with the night.
    """
    with connect(uri, "auditor") as connection:
        connection.execute(
            "delete from ops.source_spans where night_id = %s and attempt = %s",
            (night.night_id, night.attempt),
        )
        rows = connection.execute(
            """
            insert into ops.source_spans (night_id, attempt, source, missing_from, missing_until,
                reason)
            select
                %(night_id)s, %(attempt)s, source, read.known_at, %(known_at)s,
                coalesce(step.note, 'its extraction did not come to its end')
            from unnest(%(sources)s::text[]) as source
            left join ops.steps as step
                on step.night_id = %(night_id)s and step.attempt = %(attempt)s
                    and step.step = 'extract.' || source
            left join lateral (
                select max(nights.known_at) as known_at
                from ops.nights
                inner join ops.steps using (night_id, attempt)
                where steps.step = 'extract.' || source and steps.state = 'done'
                    and nights.known_at <= %(known_at)s
            ) as read on true
            where step.state is distinct from 'done'
            returning source
            """,
            {
                "night_id": night.night_id,
                "attempt": night.attempt,
                "known_at": night.known_at,
                "sources": list(sources),
            },
        ).fetchall()
    return [source for (source,) in rows]


def mark_late(uri: str, night: Night, outcomes: Sequence[Outcome]) -> list[str]:
    """Mark the span of each source that was read and had not arrived; gives those sources.

    The span begins with what the check says is missing, and ends with the night.
    """
    late = [outcome for outcome in outcomes if outcome.makes_missing]
    with connect(uri, "auditor") as connection:
        for outcome in late:
            since = sql.SQL("select min({}) from ({}) as population").format(
                sql.SQL(outcome.check.since or "null::timestamptz"),
                on_table(outcome.check.population, outcome.suite),
            )
            connection.execute(
                sql.SQL(
                    """
                    insert into ops.source_spans (
                        night_id, attempt, source, missing_from, missing_until, reason
                    )
                    values (%(night_id)s, %(attempt)s, %(source)s, ({}), %(known_at)s, %(reason)s)
                    on conflict (night_id, attempt, source) do nothing
                    """
                ).format(since),
                {
                    "night_id": night.night_id,
                    "attempt": night.attempt,
                    "source": outcome.makes_missing,
                    "known_at": night.known_at,
                    "reason": outcome.check.meaning,
                },
            )
    return sorted({outcome.makes_missing or "" for outcome in late})


def refuse_silence(uri: str, night: Night, sources: Sequence[str]) -> None:
    """Go on only if something arrived.

    Raises:
        NothingArrivedError: all sources are missing.
    """
    with connect(uri, "auditor") as connection:
        missing = connection.execute(
            "select source, reason from ops.source_spans "
            "where night_id = %s and attempt = %s order by source",
            (night.night_id, night.attempt),
        ).fetchall()
    if len(missing) == len(sources):
        raise NothingArrivedError(
            "No source arrived:\n"
            + "\n".join(f"  {source}: {reason}" for source, reason in missing)
            + "\nWhat was published before still is. Once a source delivers again, run the night "
            "again."
        )
