"""The protocol of the handoff: what sales does with a lead, and by when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from smarketing.agreement.clauses import Clause, Name, Text, Texts, each_once, in_order
from smarketing.agreement.quantities import ClockTime

TouchKind = Literal["call", "email", "meeting", "message"]
Outcomes = Annotated[
    tuple[Annotated[Text, AfterValidator(str.lower)], ...],
    Field(min_length=1),
    AfterValidator(each_once),
    AfterValidator(in_order),
]
Touches = dict[TouchKind, Outcomes | Literal["any"]]


class ResponseTime(Clause):
    """How soon sales first touches a lead."""

    within: ClockTime
    """From the handoff on."""


class Persistence(Clause):
    """How often sales tries before it gives up; a real conversation ends the duty early."""

    touches: Annotated[int, Field(ge=1, le=100)]
    """How many touches are due."""
    within: ClockTime
    """From the handoff on."""


class Decision(Clause):
    """How soon sales accepts a lead or rejects it."""

    within: ClockTime
    """From the handoff on."""


class Handoff(Clause):
    """Where marketing passes a lead over to sales, and what sales then does."""

    stage: Name
    """A lead is handed over on entry to this stage."""
    touches: Touches = Field(default={})
    """What counts as a touch, if a person in sales made it and outward: by kind, with any
    outcome or with these."""
    conversation: Touches = Field(default={})
    """What shows that both sides spoke: no further attempt is due."""
    forward_move_counts: bool = False
    """Whether moving a lead forward shows that it was worked, like a touch."""
    response: ResponseTime | None = None
    """The clock of the first touch."""
    attempts: Persistence | None = None
    """The clock of the further attempts."""
    acceptance: Decision | None = None
    """The clock of the decision."""
    rejection_reasons: Texts = ()
    """The reasons for which sales may reject a lead, as the systems spell them."""
    excuses: Texts = ()
    """The reasons that excuse sales from answering: nobody was there to be answered."""
