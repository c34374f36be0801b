"""The contract: all clauses of one version of the agreement, as one file says them.

Each model describes the form of one clause. How clauses fit together (a commitment names a stage
that exists) is the business of ``consistency``; both are applied by ``read_agreement``, the only
door through which contracts come.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from smarketing.agreement.calendars import Calendar
from smarketing.agreement.clauses import (
    Clause,
    Name,
    StartDate,
    Text,
    Texts,
    Zone,
    each_once,
    in_order,
)
from smarketing.agreement.commitments import Commitment, Party
from smarketing.agreement.handoff import Handoff
from smarketing.agreement.qualification import QualificationRule, ScoreThreshold
from smarketing.agreement.quantities import in_words, refuse

Growth = Literal["normal", "high_growth"]

# how many months may pass between two reviews
REVIEWED_WITHIN: dict[Growth, int] = {"normal": 6, "high_growth": 2}


def _local_part(mailbox: str) -> str:
    if "@" in mailbox:
        refuse("the part before the '@'", f"say '{mailbox.split('@')[0]}'")
    return mailbox.lower()


SourceValue = Annotated[Text, AfterValidator(str.lower)]
SourceValues = Annotated[tuple[SourceValue, ...], AfterValidator(in_order)]
Mailboxes = Annotated[
    tuple[Annotated[Text, AfterValidator(_local_part)], ...],
    AfterValidator(each_once),
    AfterValidator(in_order),
]
Systems = Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(each_once)]
Currency = Annotated[str, *in_words("[A-Z]{3}", "the three letters of a currency", "EUR")]
Worth = Annotated[int, Field(ge=1)]
TimeOfDay = Annotated[
    str, *in_words(r"([01]\d|2[0-3]):[0-5]\d", "a time from 00:00 to 23:59", "08:30")
]


class Side(Clause):
    """One of the two teams that sign, and who answers for it."""

    name: Text
    """What the team is called."""
    head: Text
    """Who signs for it."""


class Parties(Clause):
    """The two who sign."""

    marketing: Side
    """Who hands leads over."""
    sales: Side
    """Who works them."""


class Team(Clause):
    """A team as the systems name it."""

    party: Party
    """The side it is on."""
    calendar: Text | None = None
    """When it works; if it does not say, the calendar of the lead's region counts."""


class Region(Clause):
    """A region as the systems name it."""

    calendar: Text | None = None
    """The business hours of leads that no sales team holds yet; else the default calendar."""


class Persona(Clause):
    """A kind of buyer, as the systems name it."""

    persona: Text
    """The name that leads carry."""
    description: Text
    """Who that is, and what they need."""


class IdealCustomer(Clause):
    """The kind of company that both sides want."""

    description: Text
    """Who that is, in words."""
    rules: tuple[Name, ...] = ()
    """The qualification rules that show it, lead by lead."""


class Stage(Clause):
    """A stage of the funnel and the meaning that both sides share."""

    stage: Name
    """Its short name, the same in every version."""
    label: Text
    """What people call it."""
    definition: Text
    """What is true of a lead in this stage."""


class Stages(Clause):
    """The funnel."""

    path: Annotated[tuple[Stage, ...], Field(min_length=2)]
    """The way from a first contact to a customer, earliest stage first."""
    detours: tuple[Stage, ...]
    """The ways out. Any later step on the path brings a lead back in."""


class LeadValues(Clause):
    """What a lead is worth, by persona and the stage it has reached."""

    currency: Currency
    """The currency of every sum in the agreement (ISO 4217)."""
    by_persona: dict[Text, dict[Name, Worth]] = Field(default={})
    """Persona by persona: what a lead is worth in each stage."""
    otherwise: dict[Name, Worth] = Field(default={})
    """The same for everybody else."""


class Notice(Clause):
    """One thing that people are told."""

    what: Literal["scoreboard", "warning", "breach", "success", "digest", "review_pack"]
    """The numbers of the night; a breach that is near; one that happened; a promise beaten; a
    summary; the pages for the review."""
    to: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(each_once)]
    """Who hears it: parties, teams, or people."""
    by: Literal["email", "slack", "trello", "asana"]
    """Over which channel."""
    where: Text
    """The address, the channel or the board."""
    when: Literal["at once", "every night", "every week", "every month", "every quarter"]
    """How often."""
    at: TimeOfDay | None = None
    """Not before this time of day, in the zone of the agreement."""
    language: Literal["en", "es"] = "en"
    """In which language."""


class Review(Clause):
    """When both sides meet over the numbers, and how soon they look at the agreement again."""

    meeting: Literal["every week", "every month", "every quarter"]
    """How often they meet."""
    chair: Text
    """Who convenes the meeting."""
    growth: Growth
    """A new version is due within 6 months; in high growth, within 2."""


class Contract(Clause):
    """One version of the agreement, as signed."""

    version: Text
    """What this version is called."""
    effective_from: StartDate
    """The day from which it holds, in its zone, until the next version starts."""
    name: Text
    """What the agreement is called."""
    parties: Parties
    """Who signs."""
    zone: Zone
    """The zone in which days, weeks, months and quarters begin and end."""
    systems: Systems
    """The systems that know leads, in the order in which they are believed."""
    calendars: Annotated[dict[Text, Calendar], Field(min_length=1)]
    """When people work, calendar by calendar."""
    default_calendar: Text
    """The calendar of everything that has no other, the pace of the commitments included."""
    teams: dict[Text, Team]
    """The teams, as the systems name them."""
    regions: dict[Text, Region] = Field(default={})
    """The regions, as the systems name them."""
    channels: Texts = ()
    """The channels that bring leads, as the systems name them."""
    personas: tuple[Persona, ...] = ()
    """The kinds of buyers."""
    ideal_customer: IdealCustomer | None = None
    """The kind of company that both sides want."""
    stages: Stages
    """The funnel."""
    mappings: dict[Name, dict[Name, SourceValues]]
    """System by system, its own words for our stages; case does not matter."""
    shared_mailboxes: Mailboxes
    """What stands before the @ of addresses that several people read: they identify nobody."""
    qualification: tuple[QualificationRule, ...] = ()
    """The rules that make a lead worth its stage."""
    scores: tuple[ScoreThreshold, ...] = ()
    """The points that it takes to enter a stage."""
    lead_values: LeadValues | None = None
    """What a lead is worth."""
    handoff: Handoff
    """How a lead passes from marketing to sales."""
    commitments: tuple[Commitment, ...]
    """What each side promises the other."""
    communication: tuple[Notice, ...] = ()
    """Who hears what, where, and when."""
    review: Review
    """How the numbers, and the agreement, are looked at again."""

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
