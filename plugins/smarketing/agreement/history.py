"""What the published nights know of promises and rules: figures to hold an agreement against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import starmap
from typing import NamedTuple

from smarketing.agreement.commitments import Commitment, Period, Segment
from smarketing.warehouse.connection import connect, with_parameters
from smarketing.warehouse.publish import hold_publication

_PATIENCE_SECONDS = 5


class Measure(NamedTuple):
    """What a promise is about, whatever it is called: two that agree in this count the same."""

    metric: str
    stage: str | None
    from_stage: str | None
    to_stage: str | None
    within_days: int | None
    statistic: str | None
    judged_by: str | None
    only_qualified: bool
    period: Period
    dimension: str | None
    value: str | None

    @classmethod
    def of(cls, commitment: Commitment, segment: Segment | None = None) -> Measure:
        """The measure of a commitment, or of one of its segments."""
        return cls(
            commitment.metric,
            getattr(commitment, "stage", None),
            getattr(commitment, "from_", None),
            getattr(commitment, "to", None),
            getattr(commitment, "within", None),
            getattr(commitment, "statistic", None),
            getattr(commitment, "judged_by", None),
            getattr(commitment, "only_qualified", False),
            commitment.period,
            segment.dimension if segment else None,
            segment.value.lower() if segment else None,
        )


class Outcome(NamedTuple):
    """What a measure came to in a period that is over and judged."""

    start: date
    actual: Decimal


class Judged(NamedTuple):
    """How many leads a rule judged, and how many of them failed."""

    leads: int
    failing: int


@dataclass(frozen=True)
class History:
    """What is known as of the last published night, ``as_of``.

    ``outcomes``: what each measure came to, the newest period first. ``rules``: how the rules of
    the version in force on that night judged.
    """

    as_of: datetime
    outcomes: Mapping[Measure, Sequence[Outcome]]
    rules: Mapping[str, Judged]


def read_history(uri: str) -> History:
    """Read the last published night.

    Raises:
        WarehouseError: there is none, or the warehouse does not answer within seconds.
    """
    uri = with_parameters(uri, connect_timeout=_PATIENCE_SECONDS)
    with connect(uri, "auditor") as connection:
        hold_publication(connection)
        [(as_of,)] = connection.execute("select as_of from marts.published_night").fetchall()
        # two versions, or two promises, may have measured the same
        outcomes: dict[Measure, dict[date, Decimal]] = defaultdict(dict)
        for *measure, value, start, actual in connection.execute(
            """
            select
                commitments.metric, commitments.stage, commitments.from_stage,
                commitments.to_stage, commitments.within_days, commitments.statistic,
                commitments.judged_by, commitments.only_qualified, commitments.period,
                compliance.dimension, compliance.dimension_value, compliance.period_start_date,
                compliance.actual
            from marts.sla_compliance as compliance
            inner join agreement.commitments as commitments
                on
                    compliance.agreement_version = commitments.version
                    and compliance.commitment_id = commitments.commitment_id
            where compliance.status in ('met', 'missed')
            order by compliance.period_start_date desc
            """
        ):
            outcomes[Measure._make([*measure, value and value.lower()])][start] = actual
        rules = connection.execute(
            """
            select results.check_name, results.evaluated, results.failing
            from ops.check_results as results
            inner join ops.publications as publications using (night_id, attempt)
            inner join marts.published_night using (build_id)
            where results.suite = 'qualification.rules' and results.state <> 'not_run'
            """
        ).fetchall()
    return History(
        as_of,
        {measure: [*starmap(Outcome, each.items())] for measure, each in outcomes.items()},
        {name: Judged(*figures) for name, *figures in rules},
    )
