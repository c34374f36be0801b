"""A draft of the agreement on history: what it would have said, beside what was said.

The draft is computed like a version in force, by the same models from the same raw records, but
into schemas of its own. Nothing official is written, and nothing stays: the schemas are dropped at
the end, and those of a killed back-test at the beginning of the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from smarketing.agreement.loading import expanded_until, load_agreement
from smarketing.agreement.reading import Agreement, Version
from smarketing.explained import ExplainedError
from smarketing.review.reading import read_periods
from smarketing.review.scoreboard import Period
from smarketing.warehouse.build import SCHEMAS, refuse_failures, run_models
from smarketing.warehouse.connection import connect
from smarketing.warehouse.publish import hold_publication

_PREFIX = "backtest_"
_AGREEMENT = f"{_PREFIX}agreement"
_SCHEMAS = (_AGREEMENT, *(f"{_PREFIX}{schema}" for schema in SCHEMAS.values()))

_A_YEAR = timedelta(days=365)
# no agreement starts earlier
_EARLIEST = date(2000, 1, 1)


class BacktestError(ExplainedError):
    """The draft cannot be held against history; the message says why, and what to do."""


@dataclass(frozen=True)
class Comparison:
    """A period of a target as it was judged, and as the draft would have; at least one is there."""

    official: Period | None
    draft: Period | None

    @property
    def either(self) -> Period:
        """Whichever is there, the draft's first: they agree on commitment, part and period."""
        either = self.draft or self.official
        assert either is not None
        return either

    @property
    def is_told(self) -> bool:
        """Whether anything can be told on one side at least."""
        return any(each and each.is_told for each in (self.official, self.draft))

    @property
    def differs(self) -> bool:
        """Whether both have a verdict, and not the same."""
        return bool(self.official and self.draft and self.official.status != self.draft.status)


@dataclass(frozen=True)
class Backtest:
    """A draft beside the published night that speaks for ``as_of``.

    The periods are those that start in ``[since, until)``, promise by promise in the order of the
    draft, what it does not promise any more last, and by date.
    """

    draft: str
    as_of: datetime
    since: date
    until: date
    comparisons: Sequence[Comparison]

    def __str__(self) -> str:
        """The sum of it in a sentence."""
        if not self.comparisons:
            return f"No period starts on {self.since} or later and before {self.until}."
        both = [each for each in self.comparisons if each.official and each.draft and each.is_told]
        differing = [each for each in both if each.differs]
        said = f"Under the draft, {len(differing) or 'none'} of {len(both)} verdicts would differ"
        if differing:
            changes = Counter(map(_change, differing))
            said += ": " + ", ".join(
                change.format(count=count, s="s" * (count > 1))
                for change, count in changes.most_common()
            )
        for whose, count in (
            ("the draft", sum(each.official is None for each in self.comparisons)),
            ("the agreement", sum(each.draft is None for each in self.comparisons)),
        ):
            if count:
                said += f"; {count} stand{'s' * (count == 1)} under {whose} alone"
        return f"{said}."


def _change(comparison: Comparison) -> str:
    official, draft = comparison.official, comparison.draft
    assert official is not None
    assert draft is not None
    would = "would have been" if draft.is_over else "would be"
    return f"{{count}} {draft.period_kind}{{s}} {official.verdict} {would} {draft.verdict}"


def backtest(
    uri: str, draft: Version, workdir: Path, *, since: date | None, until: date | None
) -> Backtest:
    """Evaluate a draft as if it had been in force from ``since`` on, alone.

    It sees what the published night saw, and is held against that night's periods which start in
    ``[since, until)``; by default the last year before it.

    Raises:
        WarehouseError: nothing has been published yet.
        BacktestError: another back-test is running, or the dates hold no history.
        BuildError: the models cannot be built on the draft.
    """
    with _alone(uri) as connection:
        as_of, known_at, official = _published(uri)
        since, until = _span(since, until, as_of.astimezone(ZoneInfo(draft.contract.zone)).date())
        in_force = replace(
            draft,
            contract=draft.contract.model_copy(
                update={"version": f"draft {draft.contract.version}", "effective_from": since}
            ),
        )
        _drop_schemas(connection)
        try:
            _load(connection, in_force, as_of)
            _build(uri, as_of, known_at, workdir)
            drafted = read_periods(connection, f"{_PREFIX}{SCHEMAS['marts']}")
        finally:
            _drop_schemas(connection)
    return Backtest(
        in_force.contract.version,
        as_of,
        since,
        until,
        _compared(
            *(
                [each for each in periods if since <= each.period_start_date < until]
                for periods in (official, drafted)
            )
        ),
    )


@contextmanager
def _alone(uri: str) -> Iterator[psycopg.Connection]:
    """Hold the database's one place for a back-test; a session that ends lets go by itself."""
    with connect(uri, "transformer", autocommit=True) as connection:
        [(is_free,)] = connection.execute(
            "select pg_try_advisory_lock(hashtext('smarketing backtest'))"
        ).fetchall()
        if not is_free:
            raise BacktestError(
                "Another back-test is running on this database. Wait for it, or end it; a killed "
                "one lets go by itself."
            )
        yield connection


def _published(uri: str) -> tuple[datetime, datetime, list[Period]]:
    """What the newest published night speaks for and knew, and what it says."""
    with connect(uri, "auditor") as connection:
        hold_publication(connection)
        [(as_of, known_at)] = connection.execute(
            "select as_of, known_at from marts.published_night"
        ).fetchall()
        return as_of, known_at, read_periods(connection)


def _span(since: date | None, until: date | None, night: date) -> tuple[date, date]:
    until = until or night
    since = since or min(until, night) - _A_YEAR
    if not _EARLIEST <= since < min(until, night):
        raise BacktestError(
            f"From {since} to {until} there is no history: --from is a day since {_EARLIEST}, "
            f"before --to and before the published night of {night}."
        )
    return since, until


def _load(connection: psycopg.Connection, draft: Version, as_of: datetime) -> None:
    """Lay the draft down where the models look for the agreement, in tables of the same shape."""
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(_AGREEMENT)))
    tables = connection.execute("select tablename from pg_tables where schemaname = 'agreement'")
    for (table,) in tables.fetchall():
        connection.execute(
            sql.SQL("create table {} (like {} including all)").format(
                sql.Identifier(_AGREEMENT, table), sql.Identifier("agreement", table)
            )
        )
    load_agreement(
        Agreement(draft.file.parent, (draft,)),
        connection,
        as_of=as_of,
        until=expanded_until(as_of),
        schema=_AGREEMENT,
    )


def _build(uri: str, as_of: datetime, known_at: datetime, workdir: Path) -> None:
    results = run_models(
        uri,
        # dbt keeps what it parsed: the night's own is for the night's schemas
        workdir / "backtest",
        "run",
        "--quiet",
        "--select", "+sla_compliance",
        as_of=as_of,
        known_at=known_at,
        schema_prefix=_PREFIX,
    )  # fmt: skip
    refuse_failures(results, "the back-test")


def _drop_schemas(connection: psycopg.Connection) -> None:
    for schema in _SCHEMAS:
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
        )


def _compared(official: Iterable[Period], drafted: Iterable[Period]) -> list[Comparison]:
    before, after = _by_place(official), _by_place(drafted)
    comparisons = [
        Comparison(before.get(place), after.get(place)) for place in before.keys() | after.keys()
    ]
    # the newest period knows best where a promise stands
    positions = {
        each.commitment_id: (not is_drafted, each.commitment_position)
        for is_drafted, periods in ((False, before), (True, after))
        for each in sorted(periods.values(), key=lambda period: period.period_start_date)
    }
    return sorted(
        comparisons,
        key=lambda each: (
            each.either.party,
            positions[each.either.commitment_id],
            each.either.commitment_id,
            each.either.segment != "all",
            each.either.segment,
            each.either.period_start_date,
            each.either.period_kind,
        ),
    )


_PlaceInTime = tuple[str, str, str, date]


def _by_place(periods: Iterable[Period]) -> dict[_PlaceInTime, Period]:
    return {
        (each.commitment_id, each.segment, each.period_kind, each.period_start_date): each
        for each in periods
    }
