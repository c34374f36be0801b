"""What the two sides promise each other: one model for each metric of the arithmetic."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from smarketing.agreement.clauses import Clause, Name, Text
from smarketing.agreement.quantities import (
    CalendarDays,
    DaysTarget,
    LeadsTarget,
    MoneyTarget,
    RatioTarget,
    ShareObjective,
    Target,
)

Party = Literal["marketing", "sales"]
Period = Literal["week", "month", "quarter"]
Statistic = Literal["median", "p90"]
Dimension = Literal["persona", "region", "channel", "team", "owner"]

OF_LEADS: tuple[Dimension, ...] = ("persona", "region", "channel")
OF_HANDOFFS: tuple[Dimension, ...] = (*OF_LEADS, "team", "owner")

MinimumSample = Annotated[int, Field(ge=1, le=1_000_000)]


class Segment(Clause):
    """A part of the population with a number of its own."""

    persona: Text | None = None
    """The leads of one persona."""
    region: Text | None = None
    """The leads of one region."""
    channel: Text | None = None
    """The leads that one channel brought."""
    team: Text | None = None
    """What was handed over to one sales team."""
    owner: Text | None = None
    """What was handed over to one salesperson."""

    @property
    def dimension(self) -> Dimension:
        """What the segment is cut by."""
        return next(name for name in OF_HANDOFFS if getattr(self, name) is not None)

    @property
    def value(self) -> str:
        """Which part it is."""
        value: str = getattr(self, self.dimension)
        return value


TargetT = TypeVar("TargetT", bound=Target)


class SegmentTarget(Segment, Generic[TargetT]):
    """A part of the population with a target of its own."""

    target: TargetT
    """What is promised for this part."""

    @property
    def promised(self) -> Target:
        """The number that is promised."""
        return self.target


class SegmentObjective(Segment):
    """A part of the population with an objective of its own."""

    objective: ShareObjective
    """What is promised for this part."""

    @property
    def promised(self) -> Target:
        """The number that is promised."""
        return self.objective


class Promise(Clause):
    """What every commitment says."""

    id: Name
    """A short name that stays the same from version to version."""
    party: Party
    """Who promises: marketing or sales."""
    owner: Text
    """The person, by name or office, who answers for it."""
    statement: Text
    """The promise in a sentence, as both heads would say it."""
    period: Period
    """How long it is counted before it is judged, in the zone of the agreement."""

    # what its segments may be cut by
    dimensions: ClassVar[tuple[Dimension, ...]] = OF_LEADS


class _Amount(Promise, Generic[TargetT]):
    target: TargetT
    """The amount promised."""
    segments: tuple[SegmentTarget[TargetT], ...] = ()
    """Parts of the population with a target of their own."""

    @property
    def promised(self) -> Target:
        """The number that is promised."""
        return self.target


class _Share(Promise):
    objective: ShareObjective
    """The share promised. What it leaves over is the error budget: 90% leave one in ten."""
    minimum_sample: MinimumSample
    """Of fewer than this there is no verdict."""
    segments: tuple[SegmentObjective, ...] = ()
    """Parts of the population with an objective of their own."""

    @property
    def promised(self) -> Target:
        """The number that is promised."""
        return self.objective


class VolumeCommitment(_Amount[LeadsTarget]):
    """A number of leads that enter a stage in a period."""

    metric: Literal["volume"]
    stage: Name
    """The stage whose entries count; each lead once a cycle, where it was observed."""
    only_qualified: bool = False
    """Count only those that pass every critical rule of the stage."""


class ValueCommitment(_Amount[MoneyTarget]):
    """The worth, by the table of lead values, of the leads that enter a stage in a period."""

    metric: Literal["value"]
    stage: Name
    """The stage whose entries count."""
    only_qualified: bool = False
    """Count only those that pass every critical rule of the stage."""


class QualityCommitment(_Share):
    """The share of a period's handoffs that were good leads."""

    metric: Literal["quality"]
    judged_by: Literal["rules", "acceptance"]
    """Good is what passes every critical rule, or what sales accepted."""
    dimensions = OF_HANDOFFS


class ResponseCommitment(_Share):
    """The share of a period's handoffs that sales first touched in time."""

    metric: Literal["response"]
    dimensions = OF_HANDOFFS


class AttemptsCommitment(_Share):
    """The share of a period's handoffs that sales tried to reach often enough, in time."""

    metric: Literal["attempts"]
    dimensions = OF_HANDOFFS


class AcceptanceCommitment(_Share):
    """The share of a period's handoffs that sales accepted or rejected in time."""

    metric: Literal["acceptance"]
    dimensions = OF_HANDOFFS


class WorkedCommitment(_Amount[LeadsTarget]):
    """A number of leads that sales touches for the first time in a period."""

    metric: Literal["worked"]
    dimensions = OF_HANDOFFS


class ConversionCommitment(_Share):
    """The share of a period's entrants to a stage that reach a later one within some days."""

    metric: Literal["conversion"]
    from_: Annotated[Name, Field(alias="from")]
    """The stage whose entrants are followed."""
    to: Name
    """The later stage that they are to reach."""
    within: CalendarDays
    """How long each of them has, counted from their own entry."""


class CycleTimeCommitment(_Amount[DaysTarget]):
    """How many days those who enter a stage in a period took from an earlier one."""

    metric: Literal["cycle_time"]
    from_: Annotated[Name, Field(alias="from")]
    """The earlier stage."""
    to: Name
    """The stage entered in the period."""
    statistic: Statistic
    """The middle one of them (median), or the one that nine in ten do not exceed (p90)."""
    minimum_sample: MinimumSample
    """Of fewer than this there is no verdict."""


class RevenueCommitment(_Amount[MoneyTarget]):
    """The amount of the opportunities won in a period."""

    metric: Literal["revenue"]


class PipelineCommitment(_Amount[MoneyTarget]):
    """The amount of the opportunities opened in a period."""

    metric: Literal["pipeline"]


class RoiCommitment(_Amount[RatioTarget]):
    """What a period's spend brought back: revenue less spend, over spend."""

    metric: Literal["roi"]
    dimensions = ("channel",)


Commitment = Annotated[
    VolumeCommitment
    | ValueCommitment
    | QualityCommitment
    | ResponseCommitment
    | AttemptsCommitment
    | AcceptanceCommitment
    | WorkedCommitment
    | ConversionCommitment
    | CycleTimeCommitment
    | RevenueCommitment
    | PipelineCommitment
    | RoiCommitment,
    Field(discriminator="metric"),
]
