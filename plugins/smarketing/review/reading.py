"""Read the scoreboard from the published marts and the record of their night."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from smarketing.config import Config
from smarketing.progress import read_steps
from smarketing.review.scoreboard import (
    Agreement,
    Finding,
    Period,
    Scoreboard,
    Side,
    group_promises,
)
from smarketing.warehouse.connection import connect
from smarketing.warehouse.publish import PUBLISHED, hold_publication


def read_scoreboard(uri: str, config: Config) -> Scoreboard:
    """Read the scoreboard from the published marts and the night's record.

    Raises:
        WarehouseError: nothing has been published yet.
    """
    with connect(uri, "auditor") as connection:
        hold_publication(connection)
        build_id, night_id, as_of, known_at = _one(
            connection, "select build_id, night_id, as_of, known_at from marts.published_night"
        )
        agreement, parties = _agreement(connection, as_of)
        today = as_of.astimezone(ZoneInfo(agreement.zone)).date()
        promises = group_promises(read_periods(connection), agreement.version, today)
        attempt = _one(
            connection,
            "select attempt from ops.publications where build_id = %s",
            build_id,
        )[0]
        checks, checks_passed = _one(
            connection,
            "select count(*), count(*) filter (where state = 'passed') from ops.check_results "
            "where night_id = %s and attempt = %s and state <> 'skipped'",
            night_id,
            attempt,
        )
        kept, rejected = _one(
            connection,
            """
            select
                coalesce(sum(rows_in), 0)::bigint - coalesce(sum(rows_rejected), 0)::bigint,
                coalesce(sum(rows_rejected), 0)::bigint
            from ops.steps
            where step like 'extract.%%' and state = 'done'
            """,
        )
        return Scoreboard(
            company=config.company,
            agreement=agreement,
            as_of=as_of,
            known_at=known_at,
            build_id=build_id,
            sides=[
                Side(terms["name"], terms["head"], promises.get(party, []))
                for party, terms in parties.items()
            ],
            findings=_findings(connection, night_id, attempt),
            checks=checks,
            checks_passed=checks_passed,
            steps=read_steps(connection, (night_id, attempt)),
            rows_kept=kept,
            rows_rejected=rejected,
        )


def _one(connection: psycopg.Connection, query: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(query, parameters or None).fetchone()
    assert row is not None
    return tuple(row)


def _agreement(
    connection: psycopg.Connection, as_of: datetime
) -> tuple[Agreement, dict[str, dict[str, str]]]:
    """The version in force, and the name and the head of each party, marketing first."""
    *version, parties = _one(
        connection,
        """
        select name, version, zone, effective_from, effective_until, content -> 'parties'
        from agreement.versions
        where effective_from::timestamp at time zone zone <= %s
        order by effective_from desc
        limit 1
        """,
        as_of,
    )
    return Agreement(*version), {party: parties[party] for party in ("marketing", "sales")}


def read_periods(connection: psycopg.Connection, schema: str = PUBLISHED) -> list[Period]:
    """Every row of ``sla_compliance``: of the published one, or of that in another schema."""
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in fields(Period)),
        sql.Identifier(schema, "sla_compliance"),
    )
    with connection.cursor(row_factory=class_row(Period)) as cursor:
        return cursor.execute(query).fetchall()


def _findings(connection: psycopg.Connection, night_id: str, attempt: int) -> list[Finding]:
    """What did not arrive, then what the checks found, the gravest first.

    The same rule may be checked twice, once to name every record and once with an allowance, to
    stop the night. What the first has told, the second need not repeat while it passes.
    """
    with connection.cursor(row_factory=class_row(Finding)) as cursor:
        missing = cursor.execute(
            """
            select
                'critical' as severity,
                source || ' did not arrive; its figures are those of '
                || coalesce(to_char(missing_from, 'YYYY-MM-DD HH24:MI'), 'no night yet')
                || ' (UTC). ' || split_part(reason, E'\\n', 1) as meaning,
                'the data team' as concerns,
                null::bigint as evaluated,
                null::bigint as failing,
                false as is_tolerated,
                false as is_not_run
            from ops.source_spans
            where night_id = %s and attempt = %s
            order by source
            """,
            (night_id, attempt),
        ).fetchall()
        accepted = cursor.execute(
            """
            select
                'critical' as severity,
                'published although critical checks failed: ' || accepted_by
                || ' answers for it (' || accepted_reason || ')' as meaning,
                'everybody' as concerns,
                null::bigint as evaluated,
                null::bigint as failing
            from ops.nights
            where
                night_id = %(night_id)s
                and attempt = %(attempt)s
                and exists (
                    select from ops.check_results as results
                    where
                        results.night_id = nights.night_id
                        and results.attempt = nights.attempt
                        and results.is_accepted
                )
            """,
            {"night_id": night_id, "attempt": attempt},
        ).fetchall()
        return (
            accepted
            + missing
            + cursor.execute(
                """
            select
                severity,
                meaning,
                concerns,
                evaluated,
                failing,
                state = 'passed' as is_tolerated,
                state = 'not_run' as is_not_run
            from ops.check_results as results
            where
                night_id = %(night_id)s
                and attempt = %(attempt)s
                and (
                    state in ('failed', 'not_run')
                    or (
                        failing > 0
                        -- what is tolerated of a source is nothing to talk about
                        and source is null
                        and not exists (
                            select from ops.check_results as told
                            where
                                told.night_id = results.night_id
                                and told.attempt = results.attempt
                                and told.suite = results.suite
                                and told.state = 'failed'
                                and (told.evaluated, told.failing)
                                = (results.evaluated, results.failing)
                        )
                    )
                )
            order by state = 'passed', severity, failing desc nulls last, meaning
            """,
                {"night_id": night_id, "attempt": attempt},
            ).fetchall()
        )
