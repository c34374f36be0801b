"""The clauses of an agreement: what one file says.

Each model describes the form of one clause. How clauses fit together (a commitment names a stage
that exists) is the business of ``consistency``; both are applied by ``read_agreement``, the only
door through which contracts come.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints

from smarketing.agreement.calendars import Calendar
from smarketing.agreement.clauses import Clause, Zone, each_once
from smarketing.agreement.quantities import (
    Allowance,
    Days,
    DaysTarget,
    LeadsTarget,
    ShareTarget,
    refuse,
)

Party = Literal["marketing", "sales"]
Period = Literal["week", "month", "quarter"]
Statistic = Literal["median", "p90"]
Dimension = Literal["persona", "region", "channel"]
KnownField = Literal["email", "phone", "persona", "channel", "region", "country"]
Severity = Literal["critical", "warning"]

DIMENSIONS: tuple[Dimension, ...] = ("persona", "region", "channel")


def _local_part(mailbox: str) -> str:
    if "@" in mailbox:
        refuse("the part before the '@'", f"say '{mailbox.split('@')[0]}'")
    return mailbox.lower()


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
StartDate = Annotated[date, Field(ge=date(2000, 1, 1))]
SourceValue = Annotated[Text, AfterValidator(str.lower)]
SourceValues = Annotated[
    tuple[SourceValue, ...], AfterValidator(lambda values: tuple(sorted(values)))
]
Mailboxes = Annotated[
    tuple[Annotated[Text, AfterValidator(_local_part)], ...],
    AfterValidator(each_once),
    AfterValidator(lambda mailboxes: tuple(sorted(mailboxes))),
]
KnownFields = Annotated[
    tuple[KnownField, ...],
    Field(min_length=1),
    AfterValidator(each_once),
    AfterValidator(lambda fields: tuple(sorted(fields))),
]
Systems = Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(each_once)]


class Side(Clause):
    """One of the two teams that sign, and who answers for it."""

    name: Text
    head: Text


class Parties(Clause):
    """The two who sign."""

    marketing: Side
    sales: Side


class Team(Clause):
    """A team as the systems name it, and the side it is on."""

    party: Party


class Stage(Clause):
    """A stage of the funnel and the meaning that both sides share."""

    stage: Name
    label: Text
    definition: Text


class Stages(Clause):
    """The path, earliest stage first, and the detours that leave it."""

    path: Annotated[tuple[Stage, ...], Field(min_length=2)]
    detours: tuple[Stage, ...]


class Handoff(Clause):
    """Where marketing passes a lead over to sales: on entry to ``stage``."""

    stage: Name


class QualificationRule(Clause):
    """What must be known of a lead that enters ``stage``: one of the fields in ``any_of`` at least.

    Up to ``allowed`` of the leads may lack them all. Where more do, a warning is told, and a
    critical rule keeps the night from being published.
    """

    name: Name
    stage: Name
    any_of: KnownFields
    severity: Severity
    allowed: Allowance = Decimal(0)
    statement: Text


TargetT = TypeVar("TargetT")


class Segment(Clause, Generic[TargetT]):
    """A part of the population with a target of its own: one persona, region or channel."""

    persona: Text | None = None
    region: Text | None = None
    channel: Text | None = None
    target: TargetT

    @property
    def dimension(self) -> Dimension:
        """What the segment is cut by."""
        return next(name for name in DIMENSIONS if getattr(self, name) is not None)

    @property
    def value(self) -> str:
        """Which part it is."""
        value: str = getattr(self, self.dimension)
        return value


class Promise(Clause):
    """What every commitment says."""

    id: Name
    party: Party
    owner: Text
    statement: Text
    period: Period


class VolumeCommitment(Promise):
    """A number of leads that enter ``stage`` in a period."""

    metric: Literal["volume"]
    stage: Name
    target: LeadsTarget
    segments: tuple[Segment[LeadsTarget], ...] = ()


class ConversionCommitment(Promise):
    """The share of a period's entrants to ``from`` that reach ``to`` within some days."""

    metric: Literal["conversion"]
    from_: Annotated[Name, Field(alias="from")]
    to: Name
    within: Days
    minimum_sample: Annotated[int, Field(ge=1)]
    target: ShareTarget
    segments: tuple[Segment[ShareTarget], ...] = ()


class CycleTimeCommitment(Promise):
    """How many days those who enter ``to`` in a period took from ``from``."""

    metric: Literal["cycle_time"]
    from_: Annotated[Name, Field(alias="from")]
    to: Name
    statistic: Statistic
    minimum_sample: Annotated[int, Field(ge=1)]
    target: DaysTarget
    segments: tuple[Segment[DaysTarget], ...] = ()


Commitment = Annotated[
    VolumeCommitment | ConversionCommitment | CycleTimeCommitment, Field(discriminator="metric")
]


class Contract(Clause):
    """One version of the agreement, as signed.

    ``effective_from`` is a date in ``zone``; ``systems`` stand in the order in which they are
    trusted; ``mappings`` say, system by system, which of its values mean a stage (trimmed, in
    lower case); ``shared_mailboxes`` are the local parts of addresses that several people read.
    """

    version: Text
    effective_from: StartDate
    name: Text
    parties: Parties
    zone: Zone
    systems: Systems
    calendars: Annotated[dict[Text, Calendar], Field(min_length=1)]
    default_calendar: Text
    teams: dict[Text, Team]
    stages: Stages
    handoff: Handoff
    mappings: dict[Name, dict[Name, SourceValues]]
    shared_mailboxes: Mailboxes
    qualification: tuple[QualificationRule, ...] = ()
    commitments: tuple[Commitment, ...]

    def content(self) -> dict[str, Any]:
        """What is agreed, in JSON types and in one spelling.

        Comments, the order of keys and of unordered lists, and spellings that mean the same
        leave no trace. Clauses at their default are left out, so that a clause which a later
        release adds changes nothing in what was signed before.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def content_hash(content: dict[str, Any]) -> str:
    """The SHA-256 of a contract's content, in hexadecimal."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
