"""The fictional company as Marketo would hold it, from the stories the CSV exports are made of.

Marketo holds a lead for exactly the records that stand in Salesforce, and of their stages only
those of marketing: ``subscriber`` and ``lead``. Each of these steps is a line of type 101 in the
log, with the stage before and after. It is a line of type 13, too, unless the lead was created
with it: then the first stage is the old value of the first such line or, where there is none, the
present value. What people do (calls, letters, meetings) stands in Salesforce, and not here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from operator import itemgetter
from random import Random
from typing import Any

from smarketing.sandbox.chance import stream
from smarketing.sandbox.clock import DAY, HOUR, MINUTE, day_of
from smarketing.sandbox.company import Company
from smarketing.sandbox.crm import lead_changes, stages_shown
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaign, Campaigns
from smarketing.sandbox.story import Story, Touch
from smarketing.sandbox.systems import crm_of, spend_of
from smarketing.sandbox.vendors.marketo import schema
from smarketing.sandbox.vendors.marketo.records import (
    Activity,
    Change,
    Instance,
    Lead,
    Membership,
)

_OPENED_SHARE, _CLICKED_SHARE = 0.3, 0.1
_MOST_VISITS = 3
# what a merge hands on where the winner has no value
_INHERITED = (
    "email", "firstName", "lastName", "phone", "leadSource", "acquisitionProgramId", "persona",
    "lifecycleStage",
)  # fmt: skip
# the stages at which Salesforce makes a lead a contact
_CONVERTING = ("opportunity", "customer")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass
class Content:
    """All that Marketo holds of the company, past and future.

    ``costs`` are those of a program by the day, in the company's currency.
    """

    company: Company
    instance: Instance = field(default_factory=Instance)
    campaigns: list[Campaign] = field(default_factory=list)
    costs: dict[int, list[tuple[date, float]]] = field(default_factory=lambda: defaultdict(list))


def fill(company: Company) -> Content:
    """Put the company into an instance of Marketo's.

    10,000 leads, of whom Marketo holds 3,100, take two seconds and 20 MB.
    """
    campaigns = Campaigns(company)
    content = Content(company, campaigns=campaigns.all)
    for campaign, day, amount in spend_of("salesforce", campaigns):
        content.costs[program_number(campaign.campaign_id)].append((day, amount))
    programs = {campaign.campaign_id: campaign for campaign in campaigns.all}
    for story, rng in stories(company, campaigns):
        if any(crm_of(story, index) == "salesforce" for index in range(len(story.records))):
            _Person(content, programs, story, rng).tell()
    content.instance.arrange()
    return content


def lead_number(lead_id: str) -> int:
    """The id by which Marketo knows a record of the stories: a positive number of 31 bits."""
    return (int(lead_id.removeprefix("L")) + 1) % 2**31


def program_number(campaign_id: str) -> int:
    """The id by which Marketo knows a campaign of the stories."""
    return 1_000 + int(campaign_id.removeprefix("C"))


def salesforce_lead_id(lead_id: str) -> str:
    """The id by which Salesforce knows a record of the stories.

    It stands here until Salesforce's own package says it.
    """
    return _salesforce_id("00Q", lead_id)


def salesforce_contact_id(lead_id: str) -> str:
    """The id of the contact that a lead of Salesforce's is converted to; see above."""
    return _salesforce_id("003", lead_id)


def _salesforce_id(prefix: str, lead_id: str) -> str:
    """18 characters, of which the last three tell the cases of the others."""
    number, digits = int(lead_id.replace("L", "1")), ""
    for _ in range(9):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    text = f"{prefix}Qi0{digits}"
    blocks = (text[begin : begin + 5] for begin in (0, 5, 10))
    return text + "".join(
        _SUFFIXES[sum(character.isupper() << place for place, character in enumerate(block))]
        for block in blocks
    )


class _Person:
    """Puts one person into the instance."""

    def __init__(
        self, content: Content, programs: dict[str, Campaign], story: Story, rng: Random
    ) -> None:
        self._instance = content.instance
        self._programs = programs
        self._story = story
        # what Marketo adds of its own
        self._own = stream(content.company.seed, f"marketo/{story.number}")
        indexes = range(len(story.records))
        self._changes = [lead_changes(rng, story, index) for index in indexes]
        self._stages = sorted(stages_shown(rng, story), key=itemgetter(0))
        self._ends = [story.until] * len(indexes)
        for deletion in story.deletions:
            self._ends[deletion.record] = deletion.at
        # by the index of a record: its lead, and the lead that stands for it so far
        self._leads: dict[int, Lead] = {}
        self._present: dict[int, Lead] = {}
        # by the id of a lead: all values so far
        self._values: dict[int, dict[str, str]] = {}
        self._contact_ids: dict[int, str] = {}

    def tell(self) -> None:
        """Put in all that the story tells of the leads, in the order of time."""
        story = self._story
        for index in range(len(story.records)):
            if crm_of(story, index) == "salesforce":
                self._create(index)
        happenings: list[tuple[int, Callable[[], None]]] = [
            (merge.at, partial(self._merge, merge.at, merge.survivor, merge.merged))
            for merge in story.merges
            if merge.survivor in self._leads
        ]
        for index, lead in self._leads.items():
            happenings += self._steps(index, lead)
            happenings += self._edits(index, lead)
            happenings += self._conversions(index, lead)
        # the merges stand first, and come first in their second
        for _, happen in sorted(happenings, key=itemgetter(0)):
            happen()
        for touch in story.touches:
            if touch.record in self._leads:
                self._touch(touch)
        for deletion in story.deletions:
            if deletion.record in self._leads:
                self._delete(deletion.record, deletion.at)

    def _create(self, index: int) -> None:
        story, record = self._story, self._story.records[index]
        prospect, born = story.prospect, record.known_at
        first, last = _names(story)
        program = self._programs.get(record.campaign_id)
        first_stage = next(
            (
                schema.STAGES.get(stage, "")
                for at, holder, _, stage, _ in self._stages
                if holder == index and at == born and stage in schema.STAGES
            ),
            "",
        )
        values = {
            "email": record.email,
            "firstName": first,
            "lastName": last,
            "phone": prospect.phone,
            # lines end as a form on the web sends them
            "company": prospect.account.name.replace("\n", "\r"),
            "country": prospect.account.country,
            "leadSource": record.channel,
            "leadScore": str(record.score),
            "leadStatus": "New",
            "acquisitionProgramId": str(program_number(record.campaign_id)) if program else "",
            "sfdcLeadId": salesforce_lead_id(record.lead_id),
            "sfdcType": "Lead",
            "region": prospect.account.region,
            "persona": prospect.persona,
            "arrivedOn": "" if record.uploaded is None else day_of(record.uploaded).isoformat(),
            "lifecycleStage": first_stage,
        }
        values = {name: value for name, value in values.items() if value}
        changes = [Change(born, name, value) for name, value in values.items()]
        lead = Lead(lead_number(record.lead_id), born, changes)
        self._instance.leads[lead.id] = lead
        self._leads[index] = self._present[index] = lead
        self._values[lead.id] = values
        self._contact_ids[lead.id] = salesforce_contact_id(record.lead_id)
        source = "Web form fillout" if record.uploaded is None else "List import"
        self._write(born, schema.NEW_LEAD, lead, _itself(lead, values), {"Source Type": source})
        if program:
            self._join(lead, program)
        self._visit(index, lead)

    def _join(self, lead: Lead, program: Campaign) -> None:
        number = program_number(program.campaign_id)
        membership = Membership(lead.created, lead.id, number, lead)
        lead.memberships.append(membership)
        self._instance.members[number].append(membership)
        attributes = {
            "Acquired By": True,
            "New Status": schema.MEMBER.name,
            "New Status ID": schema.MEMBER.id,
            "Old Status": schema.NOT_IN_PROGRAM.name,
            "Old Status ID": schema.NOT_IN_PROGRAM.id,
            "Program Member ID": membership.number,
            "Success": False,
        }
        self._write(lead.created, schema.STATUS, lead, (number, program.name), attributes)

    def _visit(self, index: int, lead: Lead) -> None:
        ends = min(self._ends[index], lead.created + 60 * DAY)
        for _ in range(self._own.randrange(_MOST_VISITS + 1)):
            if ends > lead.created:
                at = self._own.randrange(lead.created, ends)
                page = self._own.choice(schema.PAGES)
                path = page.name.partition("/")[2]
                self._write(at, schema.VISIT, lead, page, {"Webpage URL": f"/{path}"})

    def _steps(self, index: int, lead: Lead) -> list[tuple[int, Callable[[], None]]]:
        """The stages of marketing that the record shows."""
        steps = [
            (at, schema.STAGES[stage])
            for at, holder, _, stage, _ in self._stages
            if holder == index and stage in schema.STAGES
        ]
        return [
            (at, partial(self._enter, index, at, word, is_first=not turn and at == lead.created))
            for turn, (at, word) in enumerate(steps)
        ]

    def _enter(self, index: int, at: int, word: str, *, is_first: bool) -> None:
        lead = self._present[index]
        before = "" if is_first else self._values[lead.id].get("lifecycleStage", "")
        if not is_first:
            self._change(lead, at, "lifecycleStage", word)
        attributes = {"New Stage": word, "Old Stage": before}
        self._write(at, schema.STAGE, lead, schema.MODEL, attributes)

    def _edits(self, index: int, lead: Lead) -> list[tuple[int, Callable[[], None]]]:
        edits: list[tuple[int, Callable[[], None]]] = []
        for at, name, value in self._changes[index]:
            if name == "owner_id" or at >= self._ends[index]:
                continue
            when = max(at, lead.created)
            edit = self._score if name == "score" else self._correct
            edits.append((when, partial(edit, index, when, value)))
        return edits

    def _score(self, index: int, at: int, value: str) -> None:
        lead = self._present[index]
        before = self._values[lead.id].get("leadScore", "0")
        self._set(lead, at, "leadScore", value)
        attributes = {
            "Change Value": f"{int(value) - int(before):+d}",
            "New Value": value,
            "Old Value": before,
            "Reason": "Scoring",
        }
        self._write(at, schema.SCORE, lead, _attribute("leadScore"), attributes)

    def _correct(self, index: int, at: int, value: str) -> None:
        self._change(self._present[index], at, "phone", value)

    def _conversions(self, index: int, lead: Lead) -> list[tuple[int, Callable[[], None]]]:
        """When Salesforce makes a lead a contact: with a deal, or at a stage that has one."""
        moments = [deal.opened for deal in self._story.opportunities if deal.record == index]
        moments += [
            at
            for at, holder, _, stage, _ in self._stages
            if holder == index and stage in _CONVERTING
        ]
        first = max(min(moments), lead.created) if moments else None
        return [] if first is None else [(first, partial(self._convert, index, first))]

    def _convert(self, index: int, at: int) -> None:
        """Salesforce's own fields are synchronised without a line in the log."""
        lead = self._present[index]
        if "sfdcContactId" not in self._values[lead.id]:
            self._set(lead, at, "sfdcContactId", self._contact_ids[lead.id])
            self._set(lead, at, "sfdcType", "Contact")

    def _merge(self, at: int, survivor: int, merged: int) -> None:
        """The winner keeps its id and its values, and gets those that it has not.

        The loser's activities and memberships become the winner's (Marketo, rules of merging).
        """
        winner, loser = self._present[survivor], self._present[merged]
        if "sfdcContactId" in self._values[loser.id]:
            # a lead that wins over a contact becomes one
            self._convert(survivor, at)
        loser.winner, loser.merged = winner, at
        winner.losers.append(loser)
        own, others = self._values[winner.id], self._values[loser.id]
        gained = {
            name: others[name] for name in _INHERITED if others.get(name) and not own.get(name)
        }
        for name, value in gained.items():
            self._set(winner, at, name, value)
        self._present = {
            index: winner if lead is loser else lead for index, lead in self._present.items()
        }
        attributes = {
            "Master Updated": bool(gained),
            "Merge IDs": f"[{loser.id}]",
            "Merge Source": "leaddb",
            "Merged in Sales": False,
        }
        self._write(at, schema.MERGE, winner, _itself(winner, own), attributes)

    def _touch(self, touch: Touch) -> None:
        """Forms and mass mailings; all other touches are the CRM's."""
        number, lead = self._story.number, self._leads[touch.record]
        if touch.kind == "form":
            form = schema.FORMS[number % len(schema.FORMS)]
            typed = self._story.records[touch.record].email
            self._write(touch.at, schema.FORM, lead, form, {"Form Fields": f"Email={typed}"})
        elif touch.is_automated:
            self._mail(touch, lead, schema.MAILINGS[number % len(schema.MAILINGS)])

    def _mail(self, touch: Touch, lead: Lead, mailing: schema.Asset) -> None:
        at, ends = touch.at, self._ends[touch.record]
        self._write(at, schema.SEND, lead, mailing, {"Campaign Run ID": mailing.id % 1_000})
        if touch.outcome == "bounced":
            email = self._story.records[touch.record].email
            details = "550 The recipient is invalid."
            bounce = {"Category": "2", "Details": details, "Email": email}
            self._write(at, schema.BOUNCED, lead, mailing, bounce)
            return
        self._write(at, schema.DELIVERED, lead, mailing, {})
        opened = at + self._own.randrange(MINUTE, 2 * DAY)
        if self._own.random() < _OPENED_SHARE and opened < ends:
            self._write(opened, schema.OPEN, lead, mailing, {"Device": "Mobile"})
            clicked = opened + self._own.randrange(HOUR)
            if self._own.random() < _CLICKED_SHARE / _OPENED_SHARE and clicked < ends:
                link = {"Link": "https://almenara.example/"}
                self._write(clicked, schema.CLICK, lead, mailing, link)

    def _delete(self, index: int, at: int) -> None:
        lead = self._leads[index]
        lead.deleted = at
        self._write(at, schema.DELETE, lead, _itself(lead, self._values[lead.id]), {})

    def _change(self, lead: Lead, at: int, name: str, value: str) -> None:
        """Give a field a value, with a line in the log even where it had that value."""
        before = self._values[lead.id].get(name, "")
        self._set(lead, at, name, value)
        attributes = {
            "New Value": value,
            "Old Value": before,
            "Reason": "Changed by a smart campaign",
            "Source": "Marketo Flow Action",
        }
        self._write(at, schema.CHANGE, lead, _attribute(name), attributes)

    def _set(self, lead: Lead, at: int, name: str, value: str) -> None:
        self._values[lead.id][name] = value
        lead.change(at, name, value)

    def _write(
        self, at: int, type_: int, lead: Lead, primary: tuple[int, str], attributes: dict[str, Any]
    ) -> None:
        """Write a line of the log; an attribute without a value is left out of it."""
        told = {name: value for name, value in attributes.items() if value != ""}
        self._instance.log.append(Activity(at, 0, type_, lead, *primary, told))


def _names(story: Story) -> tuple[str, str]:
    """First and last name, for whoever's own address tells them."""
    if not story.prospect.has_own_mailbox:
        return "", ""
    first, _, last = story.prospect.email.partition("@")[0].partition(".")
    return first.title(), last.rstrip("0123456789").title()


def _itself(lead: Lead, values: dict[str, str]) -> tuple[int, str]:
    """A lead as the primary attribute of what happens to it."""
    return lead.id, f"{values.get('firstName', '')} {values.get('lastName', '')}".strip()


def _attribute(name: str) -> tuple[int, str]:
    """A field as the primary attribute of its changes."""
    return schema.FIELDS[name].id, schema.FIELDS[name].label
