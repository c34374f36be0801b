"""Which sources could be read tonight, and from when on the others are silent."""

from __future__ import annotations

from collections.abc import Sequence

from smarketing.night import Night
from smarketing.warehouse.connection import connect


class NothingArrivedError(Exception):
    """No source could be read: a night would publish yesterday under a new date."""


def mark_missing(uri: str, night: Night, sources: Sequence[str]) -> list[str]:
    """Mark the span of each source that this attempt could not read; gives those sources.

    The span begins where the last night ended that read the source, and ends with the night.

    Raises:
        NothingArrivedError: all of them are missing.
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
            returning source, reason
            """,
            {
                "night_id": night.night_id,
                "attempt": night.attempt,
                "known_at": night.known_at,
                "sources": list(sources),
            },
        ).fetchall()
    if len(rows) == len(sources):
        raise NothingArrivedError(
            "No source could be read:\n"
            + "\n".join(f"  {source}: {reason}" for source, reason in rows)
        )
    return [source for source, _ in rows]
