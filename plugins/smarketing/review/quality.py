"""What was checked on a night, what failed and what was kept aside, for people.

Great Expectations' own Data Docs show expectations, queries and values; a marketer needs what it
means, whom it concerns and which records to look at, and must not be shown other people's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row, dict_row

from smarketing.quality.run import Example, State, examples
from smarketing.review.scoreboard import Tone, local_instant
from smarketing.review.text import share
from smarketing.warehouse.connection import connect

NIGHTS_SHOWN = 30
_AGREED = "What both teams agreed on leads"


@dataclass(frozen=True)
class Figure:
    """What a check counted on one night."""

    as_of: datetime
    state: State
    evaluated: int | None
    failing: int | None

    @property
    def share(self) -> float | None:
        """The share that failed, if there was something to check."""
        return (self.failing or 0) / self.evaluated if self.evaluated else None


@dataclass(frozen=True)
class CheckResult:
    """What a check said on the night, with its figures of the nights before, oldest first.

    ``kinds`` are the value classes of what failed, and how many there are of each.
    """

    suite: str
    check_name: str
    title: str
    severity: str
    state: State
    evaluated: int | None
    failing: int | None
    share_allowed: Decimal
    observed: str | None
    is_accepted: bool
    meaning: str
    concerns: str
    source: str | None
    rule: str | None
    history: Sequence[Figure] = ()
    kinds: Sequence[tuple[str, int]] = ()
    examples: Sequence[Example] = ()

    @property
    def topic(self) -> str:
        """The heading under which it stands."""
        if self.source is not None:
            return f"What arrived from {self.source}"
        if self.rule is not None:
            return _AGREED
        return "Whether the figures hold together"

    @property
    def tone(self) -> Tone:
        """How it feels."""
        if self.state in ("failed", "not_run"):
            return "bad" if self.severity == "critical" or self.state == "not_run" else "warn"
        return "good" if self.state == "passed" else "idle"

    @property
    def verdict(self) -> str:
        """What it said, in a word or two."""
        if self.state == "not_run":
            return "could not run"
        if self.state == "skipped":
            return "nothing to check"
        if self.state == "passed":
            return "passed"
        if self.is_accepted:
            return "failed, accepted"
        return {"critical": "failed", "warning": "warning"}[self.severity]

    @property
    def explanation(self) -> str:
        """What the failure means, in sentences; the title of a rule that was agreed says it."""
        if self.rule is not None:
            return (
                "Counted are the leads that entered lately. Each that breaks the rule is marked "
                "in fct_lead_qualification, with the reason."
            )
        return f"{self.meaning.removesuffix('.')}."

    @property
    def consequence(self) -> str:
        """What the failure did to the night, in a sentence."""
        if self.is_accepted:
            return "Published all the same: somebody answers for it."
        if self.state == "not_run":
            return "Nobody knows whether it holds, so the night was not published."
        if self.severity == "warning":
            return "The night was published; this is for you to mend."
        if self.source is not None:
            return f"Promises that depend on {self.source} are undetermined tonight."
        return "The night was not published; readers see the night before."

    @property
    def figures(self) -> str:
        """``8 of 356 (2.2%), up to 1.0% allowed``; empty where nothing was counted."""
        if not self.evaluated or self.is_yes_or_no:
            return ""
        of = f"{self.failing or 0:,} of {self.evaluated:,}"
        part = f" ({share(self.failing or 0, self.evaluated)})" if self.failing else ""
        allowed = f", up to {float(self.share_allowed):.1%} allowed" if self.share_allowed else ""
        return of + part + allowed

    @property
    def is_yes_or_no(self) -> bool:
        """One row was looked at, a whole table's: there is no share to speak of."""
        return self.evaluated == 1 and all(each.evaluated in (None, 0, 1) for each in self.history)

    @property
    def kinds_in_words(self) -> str:
        """``5 missing, 3 malformed``."""
        return ", ".join(f"{count:,} {kind}" for kind, count in self.kinds)


@dataclass(frozen=True)
class Missing:
    """A source that a night went without: since when (None: it never brought anything), and why."""

    source: str
    missing_from: datetime | None
    reason: str


@dataclass(frozen=True)
class Rejected:
    """Rows of a source, or values, that could not be read: how many ever, and how many tonight."""

    system: str
    entity: str
    column_name: str
    reason: str
    tonight: int
    ever: int


@dataclass(frozen=True)
class Attempt:
    """An attempt at a night: what became of it, and who answered for what."""

    night_id: str
    attempt: int
    as_of: datetime
    state: str
    failed_step: str | None
    accepted_by: str | None
    accepted_reason: str | None
    withdrawn_by: str | None
    withdrawn_reason: str | None
    checks: int
    passed: int
    failed: int


@dataclass(frozen=True)
class QualityReport:
    """Everything that the page of checks shows of a night.

    ``missing``: the sources that could not be read; of those that brought nothing new, a check
    tells. ``structure_tests``: how many tests of dbt held, and how many there are, on the tables
    that were built.
    """

    company: str
    zone: str
    as_of: datetime
    is_published: bool
    missing: Sequence[Missing]
    checks: Sequence[CheckResult]
    rejected: Sequence[Rejected]
    attempts: Sequence[Attempt]
    structure_tests: tuple[int, int]

    @property
    def local_as_of(self) -> str:
        """The instant of the night on the clocks of the agreement."""
        return local_instant(self.as_of, self.zone)

    @property
    def failed(self) -> Sequence[CheckResult]:
        """What calls for attention, the gravest first."""
        order: list[Tone] = ["bad", "warn"]
        return sorted(
            (check for check in self.checks if check.tone in order),
            key=lambda check: (order.index(check.tone), check.is_accepted, -(check.failing or 0)),
        )

    @property
    def topics(self) -> Sequence[tuple[str, Sequence[CheckResult]]]:
        """All checks by their headings: the agreement's rules, the figures, source by source."""
        topics: dict[str, list[CheckResult]] = {}
        for check in sorted(self.checks, key=lambda check: check.source is not None):
            topics.setdefault(check.topic, []).append(check)
        return sorted(topics.items(), key=lambda topic: topic[0] != _AGREED)

    def count(self, tone: Tone) -> int:
        """How many checks feel so."""
        return sum(check.tone == tone for check in self.checks)

    def local(self, instant: datetime) -> str:
        """An instant on the clocks of the agreement."""
        return local_instant(instant, self.zone)


def read_quality(uri: str, company: str, night_id: str, attempt: int) -> QualityReport:
    """Read what was checked in an attempt at a night."""
    with connect(uri, "auditor") as connection:
        this = (night_id, attempt)
        night = connection.execute(
            "select as_of, (select zone from agreement.versions "
            "where effective_from::timestamp at time zone zone <= nights.as_of "
            "order by effective_from desc limit 1), "
            "exists (select from ops.publications where publications.night_id = nights.night_id "
            "and publications.attempt = nights.attempt) "
            "from ops.nights where night_id = %s and attempt = %s",
            this,
        ).fetchone()
        assert night is not None
        as_of, zone, is_published = night
        held, tests = connection.execute(
            "select count(*) filter (where status in ('pass', 'warn')), count(*) "
            "from ops.model_timings where kind = 'test' and night_id = %s and attempt = %s",
            this,
        ).fetchone() or (0, 0)
        return QualityReport(
            company=company,
            zone=zone or "UTC",
            as_of=as_of,
            is_published=is_published,
            missing=_missing(connection, this),
            checks=_checks(connection, this, as_of),
            rejected=_rejected(connection, night_id),
            attempts=_attempts(connection, as_of),
            structure_tests=(held, tests),
        )


def _checks(
    connection: psycopg.Connection, attempt: tuple[str, int], as_of: datetime
) -> list[CheckResult]:
    histories: dict[tuple[str, str], list[Figure]] = {}
    for suite, name, *figure in connection.execute(
        """
        with latest as (
            select distinct on (as_of) night_id, attempt, as_of
            from ops.nights
            where
                (
                    as_of < %(as_of)s
                    and exists (
                        select from ops.check_results as results
                        where
                            results.night_id = nights.night_id
                            and results.attempt = nights.attempt
                    )
                )
                or (night_id, attempt) = (%(night_id)s, %(attempt)s)
            order by as_of desc, (night_id, attempt) = (%(night_id)s, %(attempt)s) desc,
                started_at desc
            limit %(nights)s
        )
        select suite, check_name, as_of, state, evaluated, failing
        from latest
        inner join ops.check_results using (night_id, attempt)
        order by as_of
        """,
        {"as_of": as_of, "night_id": attempt[0], "attempt": attempt[1], "nights": NIGHTS_SHOWN},
    ):
        histories.setdefault((suite, name), []).append(Figure(*figure))
    kinds: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for suite, name, kind, count in connection.execute(
        "select suite, check_name, value_class, count(*) from ops.check_failures "
        "where night_id = %s and attempt = %s group by 1, 2, 3 order by 4 desc, 3",
        attempt,
    ):
        kinds.setdefault((suite, name), []).append((kind, count))
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            select
                suite, check_name, title, severity, state, evaluated, failing, share_allowed,
                observed, is_accepted, meaning, concerns, source, rule
            from ops.check_results
            where night_id = %s and attempt = %s
            order by suite, title
            """,
            attempt,
        ).fetchall()
    results = []
    for row in rows:
        name = (row["suite"], row["check_name"])
        failed = examples(connection, attempt, *name) if row["state"] == "failed" else ()
        results.append(
            CheckResult(**row, history=histories[name], kinds=kinds.get(name, ()), examples=failed)
        )
    return results


def _missing(connection: psycopg.Connection, attempt: tuple[str, int]) -> list[Missing]:
    with connection.cursor(row_factory=class_row(Missing)) as cursor:
        return cursor.execute(
            """
            select source, missing_from, split_part(reason, E'\\n', 1) as reason
            from ops.source_spans as spans
            where
                night_id = %s
                and attempt = %s
                and not exists (
                    select
                    from ops.check_results as results
                    where
                        results.night_id = spans.night_id
                        and results.attempt = spans.attempt
                        and results.source = spans.source
                )
            order by source
            """,
            attempt,
        ).fetchall()


def _rejected(connection: psycopg.Connection, night_id: str) -> list[Rejected]:
    with connection.cursor(row_factory=class_row(Rejected)) as cursor:
        return cursor.execute(
            """
            select
                system, entity, column_name, reason,
                count(*) filter (where night_id = %s) as tonight, count(*) as ever
            from ops.rejected_rows
            group by 1, 2, 3, 4
            order by tonight desc, ever desc, 1, 2, 3, 4
            limit 50
            """,
            (night_id,),
        ).fetchall()


def _attempts(connection: psycopg.Connection, as_of: datetime) -> list[Attempt]:
    with connection.cursor(row_factory=class_row(Attempt)) as cursor:
        return cursor.execute(
            """
            select
                nights.night_id, nights.attempt, nights.as_of, nights.state, nights.failed_step,
                nights.accepted_by, nights.accepted_reason,
                withdrawn.withdrawn_by, withdrawn.withdrawn_reason,
                results.checks, results.passed, results.failed
            from ops.nights as nights
            left join lateral (
                select withdrawn_by, withdrawn_reason
                from ops.publications
                where
                    publications.night_id = nights.night_id
                    and publications.attempt = nights.attempt
                    and withdrawn_by is not null
                order by build_id desc
                limit 1
            ) as withdrawn on true
            left join lateral (
                select
                    count(*) as checks,
                    count(*) filter (where state = 'passed') as passed,
                    count(*) filter (where state in ('failed', 'not_run')) as failed
                from ops.check_results as results
                where
                    results.night_id = nights.night_id
                    and results.attempt = nights.attempt
            ) as results on true
            where nights.as_of <= %s
            order by nights.started_at desc
            limit %s
            """,
            (as_of, NIGHTS_SHOWN),
        ).fetchall()
