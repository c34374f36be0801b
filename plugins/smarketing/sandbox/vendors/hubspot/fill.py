"""What HubSpot would hold of the fictional company: its business unit's part of all stories.

Where HubSpot can hold a thing in its own way only, the story gives way: an e-mail address is one
contact's alone (HubSpot, error 409 "Contact already exists"), so of several records with one
address the oldest has it as ``email`` and the others as ``work_email``; a stage entered twice
leaves no second trace; a merge makes a new record.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import partial
from operator import itemgetter
from random import Random
from typing import NamedTuple, TypeVar

from smarketing.sandbox.chance import stream
from smarketing.sandbox.clock import DAY, day_of
from smarketing.sandbox.company import CURRENCY, Company
from smarketing.sandbox.crm import lead_changes, stages_shown
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaign, Campaigns
from smarketing.sandbox.prospects import COLLEAGUES
from smarketing.sandbox.prospects import Account as Employer
from smarketing.sandbox.story import Deletion, Opportunity, Story, Touch, opaque_id
from smarketing.sandbox.systems import crm_of, spend_of
from smarketing.sandbox.vendors.clock import SECOND, as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.records import Account, Change, Record

FORMS = ("Talk to us", "Get the guide")

_ERASED_SHARE = 0.4
# a stored real record shows a stamp 12.7 s late
_STAMP_LATE = (2_000, 20_000)
_UI, _API, _IMPORT, _FORM, _CALCULATED = "CRM_UI", "API", "IMPORT", "FORM", "CALCULATED"

_T = TypeVar("_T", Deletion, Touch, Opportunity)

_EMAIL_DIRECTIONS = {"outbound": "EMAIL", "inbound": "INCOMING_EMAIL"}


class Mailing(NamedTuple):
    """A marketing e-mail, sent or bounced; HubSpot keeps no engagement of it."""

    at: int
    number: int
    contact: Record
    recipient: str
    type: str


class Submission(NamedTuple):
    """A form filled in. It names the person by what was typed, and no record."""

    at: int
    number: int
    contact: Record
    form: str
    email: str


class Spend(NamedTuple):
    """Money spent on a campaign in a day."""

    day: date
    amount: float


@dataclass
class Content:
    """All that HubSpot holds of the company, past and future; events in the order of time."""

    company: Company
    account: Account = field(default_factory=Account)
    mailings: list[Mailing] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    spend: dict[str, list[Spend]] = field(default_factory=lambda: defaultdict(list))


def fill(company: Company) -> Content:
    """Put the company into an account of HubSpot's.

    10,000 leads take four seconds and 75 MB.
    """
    campaigns = Campaigns(company)
    content = Content(company, campaigns=campaigns.all)
    for campaign, day, amount in spend_of("hubspot", campaigns):
        content.spend[campaign.campaign_id].append(Spend(day, amount))

    addresses: defaultdict[str, list[tuple[Record, str]]] = defaultdict(list)
    staff: defaultdict[int, list[tuple[Record, Employer]]] = defaultdict(list)
    merging: list[_Person] = []
    for story, rng in stories(company, campaigns):
        person = _Person(content, story, rng)
        for index, contact in person.contacts.items():
            email = story.records[index].email
            if email:
                addresses[email.strip().lower()].append((contact, email))
            staff[story.number // COLLEAGUES].append((contact, story.prospect.account))
        if story.merges:
            merging.append(person)
        else:
            person.tell()
    for address, holders in addresses.items():
        _share_out(address, holders)
    # a merge hands on all values, so they have to be complete
    for person in merging:
        person.tell()
    for number, colleagues in staff.items():
        _employ(content.account, number, colleagues)
    content.mailings.sort()
    content.submissions.sort()
    return content


def number_of(text: str) -> int:
    """The number by which HubSpot knows what the stories know by an id of letters and digits."""
    return int("1" + "".join(character for character in text if character.isdigit()))


def guid(company: Company, text: str) -> str:
    """The GUID by which HubSpot knows a campaign or a form."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{company.seed}/{text}"))


def midnight(day: date) -> int:
    """The start of a day in UTC: how HubSpot keeps a date."""
    return round(datetime.combine(day, time(), UTC).timestamp() * SECOND)


class _Person:
    """Puts one person into the account: at once the records, and then all that happens."""

    def __init__(self, content: Content, story: Story, rng: Random) -> None:
        self._content = content
        self._account = content.account
        self._story = story
        # what HubSpot adds of its own
        self._own = stream(content.company.seed, f"hubspot/{story.number}")
        indexes = range(len(story.records))
        changes = [lead_changes(rng, story, index) for index in indexes]
        stages = stages_shown(rng, story)
        # by the index of the record in the story, of those that HubSpot holds
        self.contacts = {
            index: self._create(index) for index in indexes if crm_of(story, index) == "hubspot"
        }
        self._changes = {index: changes[index] for index in self.contacts}
        self._stages = [stage for stage in stages if stage[1] in self.contacts]
        # the contact that stands for each so far
        self._present = dict(self.contacts)

    def tell(self) -> None:
        """Put in all that the story tells of the records held, in the order of time."""
        # the merges stand first, and come first in their second
        for _, happen in sorted(self._events(), key=itemgetter(0)):
            happen()
        for deletion in self._held(self._story.deletions):
            self._delete(deletion)
        for touch in self._held(self._story.touches):
            self._touch(touch, self.contacts[touch.record])
        for deal in self._held(self._story.opportunities):
            self._deal(deal, self.contacts[deal.record])

    def _held(self, told: Iterable[_T]) -> list[_T]:
        return [one for one in told if one.record in self.contacts]

    def _events(self) -> Iterator[tuple[int, Callable[[], None]]]:
        """What changes the contacts, each with its instant."""
        story = self._story
        for number, merge in enumerate(story.merges):
            # a CRM merges its own records only: both are held, or neither
            if merge.survivor in self.contacts:
                yield merge.at, partial(self._merge, number)
        for at, index, occurred, stage, reason in self._stages:
            is_import = "T" not in occurred
            yield at, partial(self._enter, index, at, stage, reason, is_import=is_import)
        gone = {deletion.record: deletion.at for deletion in story.deletions}
        for index, changes in self._changes.items():
            for at, name, value in changes:
                if at < gone.get(index, story.until):
                    yield at, partial(self._change, index, at, name, value)

    def _create(self, index: int) -> Record:
        record, prospect = self._story.records[index], self._story.prospect
        number = number_of(record.lead_id)
        born = _ms(record.known_at, number)
        uploaded = record.uploaded
        values = {
            "phone": prospect.phone,
            "company": prospect.account.name,
            "country": prospect.account.country,
            "sales_region": prospect.account.region,
            "buyer_persona": prospect.persona,
            "first_channel": record.channel,
            "first_campaign": record.campaign_id
            and guid(self._content.company, record.campaign_id),
            "lead_score": str(record.score),
            "met_on": "" if uploaded is None else day_of(uploaded).isoformat(),
        }
        source = _FORM if uploaded is None else _IMPORT
        return self._account.add("contacts", number, born, _changes(born, values, source))

    def _enter(self, index: int, at: int, stage: str, reason: str, *, is_import: bool) -> None:
        contact = self._present[index]
        ms = max(_ms(at, contact.id), contact.born)
        # two steps in one second
        if latest := contact.history("lifecyclestage", ms + SECOND):
            ms = max(ms, latest[0].at + 1)
        before = contact.value("lifecyclestage", ms)
        stage_id, _ = schema.LIFECYCLE[stage]
        if stage_id == before:
            return
        source = _IMPORT if is_import else _UI
        if before and schema.STAGE_ORDER[stage_id] < schema.STAGE_ORDER[before]:
            # the stage moves forward only, and has to be cleared to go back
            contact.change(ms, "lifecyclestage", "", source)
            ms += 1
        contact.change(ms, "lifecyclestage", stage_id, source)
        if reason:
            contact.change(ms, "reason_left", reason, source)
        status = schema.LEAD_STATUS.get(stage, "")
        if status and status != contact.value("hs_lead_status", ms):
            contact.change(ms, "hs_lead_status", status, source)
        self._stamp(contact, ms, stage_id, before)

    def _stamp(self, record: Record, at: int, stage: str, before: str) -> None:
        """HubSpot calculates when a stage was entered, and the one before left, a while later."""
        written = at + self._own.randint(*_STAMP_LATE)
        record.change(written, schema.entered(stage), as_text(at), _CALCULATED)
        if before:
            record.change(written, schema.exited(before), as_text(at), _CALCULATED)

    def _merge(self, number: int) -> None:
        story = self._story
        merge = story.merges[number]
        primary, other = self._present[merge.survivor], self._present[merge.merged]
        merged_id = number_of(opaque_id("", story.number, len(story.records) + number))
        at = max(merge.at * SECOND, primary.born, other.born)
        merged = self._account.merge(primary, other, at, merged_id)
        for index, contact in self._present.items():
            if contact in (primary, other):
                self._present[index] = merged

    def _change(self, index: int, at: int, name: str, value: str) -> None:
        contact = self._present[index]
        ms = max(_ms(at, contact.id), contact.born)
        if name == "owner_id":
            name, value = "hubspot_owner_id", value and owner_number(value)
        elif name == "score":
            name = "lead_score"
        if contact.value(name, ms) != value:
            contact.change(ms, name, value, _API if name == "lead_score" else _UI)

    def _delete(self, deletion: Deletion) -> None:
        contact = self._present[deletion.record]
        at = _ms(deletion.at, contact.id)
        is_person_gone = self._story.until < self._content.company.ends_at
        if is_person_gone and self._own.random() < _ERASED_SHARE:
            self._account.erase(contact, at)
        else:
            self._account.archive(contact, at)

    def _touch(self, touch: Touch, contact: Record) -> None:
        number = number_of(touch.touch_id)
        at = max(_ms(touch.at, number), contact.born)
        email = self._story.records[touch.record].email
        if touch.kind == "form":
            form = FORMS[self._story.number % len(FORMS)]
            self._content.submissions.append(Submission(at, number, contact, form, email))
        elif touch.is_automated:
            type_ = "BOUNCE" if touch.outcome == "bounced" else "SENT"
            self._content.mailings.append(Mailing(at, number, contact, email, type_))
        else:
            kind, values = _engagement(touch)
            values["hs_timestamp"] = as_text(at)
            values["hubspot_owner_id"] = touch.owner_id and owner_number(touch.owner_id)
            engagement = self._account.add(kind, number, at, _changes(at, values, _UI))
            self._account.link(engagement, contact)

    def _deal(self, deal: Opportunity, contact: Record) -> None:
        number = number_of(deal.opportunity_id)
        opened = max(_ms(deal.opened, number), contact.born)
        values = {
            "dealname": f"{self._story.prospect.account.name}: {deal.opportunity_id}",
            "amount": f"{deal.quoted / 100:.2f}",
            "deal_currency_code": CURRENCY,
            "pipeline": schema.DEAL_PIPELINE,
            "dealstage": "appointmentscheduled",
            "hubspot_owner_id": deal.owner_id and owner_number(deal.owner_id),
        }
        record = self._account.add("deals", number, opened, _changes(opened, values, _UI))
        self._stamp(record, opened, "appointmentscheduled", "")
        self._account.link(record, contact)
        if deal.closed is None:
            return
        closed = max(_ms(deal.closed, number), opened + 1)
        before = "appointmentscheduled"
        if closed - opened > 4 * DAY * SECOND:
            sent = opened + (closed - opened) * 2 // 3
            record.change(sent, "dealstage", "contractsent", _UI)
            self._stamp(record, sent, "contractsent", before)
            before = "contractsent"
        stage = f"closed{deal.status}"
        record.change(closed, "dealstage", stage, _UI)
        record.change(closed, "closedate", as_text(closed), _UI)
        if deal.agreed != deal.quoted:
            record.change(closed, "amount", f"{deal.agreed / 100:.2f}", _UI)
        self._stamp(record, closed, stage, before)


def owner_number(owner_id: str) -> str:
    """The id by which HubSpot knows an owner."""
    return str(number_of(owner_id))


def _engagement(touch: Touch) -> tuple[str, dict[str, str]]:
    """The object that a touch is logged as, and what is particular to it."""
    if touch.kind == "call":
        return "calls", {
            "hs_call_direction": touch.direction.upper(),
            "hs_call_disposition": schema.CALL_OUTCOMES[touch.outcome],
        }
    if touch.kind == "email":
        direction = _EMAIL_DIRECTIONS[touch.direction]
        return "emails", {"hs_email_direction": direction, "hs_email_status": "SENT"}
    if touch.kind == "meeting":
        return "meetings", {"hs_meeting_outcome": schema.MEETING_OUTCOMES[touch.outcome]}
    if touch.kind == "message":
        return "communications", {"hs_communication_channel_type": "LINKEDIN_MESSAGE"}
    if touch.kind == "task":
        return "tasks", {"hs_task_status": "NOT_STARTED"}
    return "notes", {"hs_note_body": "<p>…</p>"}


def _share_out(address: str, holders: list[tuple[Record, str]]) -> None:
    """The oldest record has the address; the others have it as somebody typed it."""
    holders.sort(key=lambda holder: (holder[0].born, holder[0].id))
    for turn, (contact, typed) in enumerate(holders):
        name, value = ("work_email", typed) if turn else ("email", address)
        contact.change(contact.born, name, value, _FORM)


def _employ(account: Account, number: int, colleagues: list[tuple[Record, Employer]]) -> None:
    """The company that people work for comes to be with the first of them."""
    born = min(contact.born for contact, _ in colleagues)
    _, employer = colleagues[0]
    values = {
        "name": employer.name,
        "domain": employer.domain,
        "country": employer.country,
        "sales_region": employer.region,
    }
    company = account.add(
        "companies", number_of(opaque_id("", number, 0)), born, _changes(born, values, _API)
    )
    for contact, _ in colleagues:
        account.link(contact, company)


def _changes(at: int, values: dict[str, str], source: str) -> list[Change]:
    return [Change(at, name, value, source) for name, value in values.items() if value]


def _ms(at: int, number: int) -> int:
    """An instant with milliseconds, which no story tells: a record's own fraction of a second."""
    return at * SECOND + number % 700
