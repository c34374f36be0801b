"""The scoreboard: what a published night says of both sides of the agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from smarketing.config import Config
from smarketing.progress import StepRecord, read_steps
from smarketing.warehouse.connection import WarehouseError, connect

Tone = Literal["good", "warn", "bad", "idle"]

# what each status of sla_compliance is called on the page, and how it feels
STATUSES: dict[str, tuple[str, Tone]] = {
    "met": ("met", "good"),
    "on_track": ("on track", "good"),
    "at_risk": ("at risk", "warn"),
    "off_track": ("off track", "bad"),
    "missed": ("missed", "bad"),
    "pending": ("not begun", "idle"),
    "maturing": ("maturing", "idle"),
    "insufficient_sample": ("too few to judge", "idle"),
    "undetermined": ("undetermined", "idle"),
}

_PERIODS_SHOWN = 12


@dataclass(frozen=True)
class Period:
    """One row of ``sla_compliance``, as far as the page shows it."""

    commitment_id: str
    segment: str
    party: str
    accountable: str
    statement: str
    metric: str
    unit: str
    direction: str
    period_kind: str
    period_start_date: date
    target: Decimal
    actual: Decimal | None
    expected_to_date: Decimal | None
    forecast: Decimal | None
    attainment: Decimal | None
    sample_size: int
    status: str
    is_over: bool

    @property
    def label(self) -> str:
        """The period in words: ``Oct 2026``, ``week of 12 Oct``, ``Q4 2026``."""
        start = self.period_start_date
        if self.period_kind == "week":
            return f"week of {start.day} {start:%b}"
        if self.period_kind == "quarter":
            return f"Q{(start.month + 2) // 3} {start:%Y}"
        return f"{start:%b %Y}"

    @property
    def verdict(self) -> str:
        """The status in words."""
        return STATUSES[self.status][0]

    @property
    def tone(self) -> Tone:
        """How the status feels."""
        return STATUSES[self.status][1]

    def quantity(self, value: Decimal | None) -> str:
        """A value of this commitment with its unit."""
        if value is None:
            return "–"
        if self.unit == "share":
            return f"{value * 100:.1f}%"
        if self.unit == "days":
            return f"{value:.1f} days"
        return f"{value:,.0f}"


@dataclass(frozen=True)
class Line:
    """One promise: its running period, and the periods before it, oldest first."""

    now: Period
    before: Sequence[Period]

    @property
    def verdicts(self) -> Sequence[Period]:
        """The earlier periods that were judged."""
        return [period for period in self.before if period.status in ("met", "missed")]


@dataclass(frozen=True)
class Finding:
    """A check that failed tonight: how many of how many, and what that means."""

    severity: str
    meaning: str
    concerns: str
    evaluated: int | None
    failing: int | None


@dataclass(frozen=True)
class Scoreboard:
    """Everything that the page says, read from the published night."""

    company: str
    agreement: str
    parties: dict[str, str]
    zone: str
    as_of: datetime
    build_id: int
    lines: dict[str, Sequence[Line]]
    findings: Sequence[Finding]
    steps: Sequence[StepRecord]
    rows_kept: int
    rows_rejected: int

    @property
    def local_as_of(self) -> datetime:
        """The instant of the night on the clocks of the agreement."""
        return self.as_of.astimezone(ZoneInfo(self.zone))

    @property
    def rejected_share(self) -> float:
        """Rows that could not be read, as a share of all rows delivered."""
        rows = self.rows_kept + self.rows_rejected
        return self.rows_rejected / rows if rows else 0.0


def read_scoreboard(uri: str, config: Config) -> Scoreboard:
    """Read the page's content from the published marts and the night's record.

    Raises:
        WarehouseError: nothing has been published yet.
    """
    with connect(uri, "transformer") as connection:
        # one page, one night: every statement sees the same publication
        connection.execute("set transaction isolation level repeatable read")
        if not _published(connection):
            raise WarehouseError(
                "Nothing has been published yet. `make nightly` runs a night and publishes it."
            )
        connection.execute("lock table marts.published_night, marts.sla_compliance in access share mode")
        build_id, night_id, as_of = _one(
            connection, "select build_id, night_id, as_of from marts.published_night"
        )
        name, zone, marketing, sales = _one(
            connection,
            """
            select name, zone, marketing_party, sales_party
            from agreement.versions
            where effective_from::timestamp at time zone zone <= %s
            order by effective_from desc
            limit 1
            """,
            as_of,
        )
        periods = _periods(connection)
        attempt = _one(
            connection,
            "select coalesce(max(attempt), 0) from ops.nights where night_id = %s",
            night_id,
        )[0]
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
            agreement=name,
            parties={"marketing": marketing, "sales": sales},
            zone=zone,
            as_of=as_of,
            build_id=build_id,
            lines=_lines(periods),
            findings=_findings(connection, night_id, attempt),
            steps=read_steps(connection, (night_id, attempt)),
            rows_kept=kept,
            rows_rejected=rejected,
        )


def _published(connection: psycopg.Connection) -> bool:
    return bool(_one(connection, "select to_regclass('marts.published_night') is not null")[0])


def _one(connection: psycopg.Connection, query: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(query, parameters or None).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return tuple(row)


def _periods(connection: psycopg.Connection) -> list[Period]:
    with connection.cursor(row_factory=class_row(Period)) as cursor:
        return cursor.execute(
            """
            select
                commitment_id, segment, party, accountable, statement, metric, unit, direction,
                period_kind, period_start_date, target, actual, expected_to_date, forecast,
                attainment, sample_size, status, is_over
            from marts.sla_compliance
            where agreement_version = (
                select max(agreement_version) from marts.sla_compliance
            )
            order by
                party, commitment_position, commitment_id, segment <> 'all', segment,
                period_start_date
            """
        ).fetchall()


def _lines(periods: Sequence[Period]) -> dict[str, Sequence[Line]]:
    lines: dict[str, list[Line]] = {"marketing": [], "sales": []}
    for (party, _, _), group in groupby(
        periods, key=lambda period: (period.party, period.commitment_id, period.segment)
    ):
        *before, now = group
        lines[party].append(Line(now, before[-_PERIODS_SHOWN:]))
    return dict(lines)


def _findings(connection: psycopg.Connection, night_id: str, attempt: int) -> list[Finding]:
    with connection.cursor(row_factory=class_row(Finding)) as cursor:
        return cursor.execute(
            """
            select severity, meaning, concerns, evaluated, failing
            from ops.check_results
            where night_id = %s and attempt = %s and state <> 'passed'
            order by severity, failing desc nulls last
            """,
            (night_id, attempt),
        ).fetchall()
