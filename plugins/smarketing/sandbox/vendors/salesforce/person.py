"""One person as Salesforce holds it: a lead, from a certain stage on a contact, and all activity.

Where Salesforce can hold a thing in its own way only, the story gives way: seconds are whole; a
stage entered twice leaves no second trace; every record belongs to somebody, if only to a queue;
a lead and a contact cannot be merged, so the one is converted into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import itemgetter
from random import Random

from smarketing.sandbox.chance import stream
from smarketing.sandbox.clock import DAY, MINUTE, day_of
from smarketing.sandbox.company import CURRENCY, OWNERS, Company
from smarketing.sandbox.crm import lead_changes, stages_shown
from smarketing.sandbox.prospects import COLLEAGUES, Account, Prospect
from smarketing.sandbox.stages import RANK, WORDS
from smarketing.sandbox.story import Deletion, Opportunity, Story, Touch, opaque_id
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.salesforce import schema
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of
from smarketing.sandbox.vendors.salesforce.records import Org, Row, Value

# whoever works without a person: imports, scores, mailings, what belongs to nobody
INTEGRATION = id_of("005", 1001)
QUEUE = id_of("00G", 1001)
NAMES = {
    INTEGRATION: "Integration User",
    QUEUE: "Unassigned",
    **{id_of("005", number_of(owner_id)): owner.name for owner_id, owner in OWNERS.items()},
}

# deletions that leave nothing in the recycle bin
_ERASED_SHARE = 0.4
_CONVERTING = ("opportunity", "customer")
_NO_LAST_NAME = "[not provided]"
# how long a deal is first expected to take
_EXPECTED = 60 * DAY


@dataclass
class Employers:
    """The companies that the contacts work for; each comes to be with its first contact."""

    first: dict[str, tuple[int, Account, str]] = field(default_factory=dict)
    """By the account's id: since when, which, and whose."""

    def hire(self, person: int, at: int, employer: Account, owner: str) -> str:
        """Count a contact in; gives the account's id."""
        account = account_id(person)
        if account not in self.first or at < self.first[account][0]:
            self.first[account] = at, employer, owner
        return account


@dataclass(eq=False)
class _Holder:
    """A lead, and the contact that it was converted to, if it was."""

    number: int
    lead: Row
    contact: Row | None = None
    member: Row | None = None
    roles: list[Row] = field(default_factory=list)
    histories: list[Row] = field(default_factory=list)
    # those that have become part of it
    absorbed: list[_Holder] = field(default_factory=list)
    # fields of which the story has told nothing yet
    untold: set[str] = field(default_factory=lambda: {"Status", "OwnerId", "Score__c", "Reason__c"})

    @property
    def row(self) -> Row:
        """The row that carries the journey."""
        return self.contact or self.lead


@dataclass(frozen=True)
class _Standing:
    """Since when a record of the story is a certain row, and the deal that came with it."""

    at: int
    row: Row
    deal: str | None = None


class Person:
    """Puts one person into the org. Those of its records that stand elsewhere are left out."""

    def __init__(
        self, company: Company, org: Org, employers: Employers, story: Story, rng: Random
    ) -> None:
        self._company = company
        self._org = org
        self._employers = employers
        self._story = story
        # what Salesforce adds of its own
        self._own = stream(company.seed, f"salesforce/{story.number}")
        everything = range(len(story.records))
        self._changes = [lead_changes(rng, story, index) for index in everything]
        # of several in one second, the lower stage comes first
        self._stages = sorted(stages_shown(rng, story), key=lambda shown: RANK.get(shown[3], 99))
        held = [index for index in everything if crm_of(story, index) == "salesforce"]
        # by the index of a record: the holder that stands for it so far
        self._present = {index: self._create(index) for index in held}
        self._standings = {
            index: [_Standing(holder.lead.born, holder.lead)]
            for index, holder in self._present.items()
        }
        # by the index of a record: its deals, each with when it is opened and closed
        self._deals: dict[int, list[tuple[int, int | None, str]]] = {index: [] for index in held}

    def tell(self) -> None:
        """Put in all that the story tells of the records, in the order of time."""
        for _, happen in sorted(self._events(), key=itemgetter(0)):
            happen()
        for deletion in self._story.deletions:
            if deletion.record in self._present:
                self._delete(deletion)
        for touch in self._story.touches:
            is_logged = not touch.is_automated and touch.kind != "form"
            if is_logged and touch.record in self._present:
                self._touch(touch)

    def _events(self) -> Iterator[tuple[int, Callable[[], None]]]:
        """What changes the records; in one second, what stands first here comes first."""
        story = self._story
        gone = {deletion.record: deletion.at for deletion in story.deletions}
        born = {index: story.records[index].known_at for index in self._present}
        for merge in story.merges:
            if merge.survivor in born:
                yield merge.at, partial(self._merge, merge.survivor, merge.merged, merge.at)
        for index in born:
            for at, name, value in self._changes[index]:
                if at < gone.get(index, story.until):
                    at = max(at, born[index])
                    yield at, partial(self._change, index, at, name, value)
        for at, index, _, stage, reason in self._stages:
            if index in born:
                at = max(at, born[index])
                yield at, partial(self._enter, index, at, stage, reason)
        for deal in story.opportunities:
            if deal.record in born:
                at = max(deal.opened, born[deal.record])
                yield at, partial(self._deal, deal, at)

    def _create(self, index: int) -> _Holder:
        record, prospect = self._story.records[index], self._story.prospect
        number, born = number_of(record.lead_id), record.known_at
        campaign = record.campaign_id and campaign_id(record.campaign_id)
        uploaded = record.uploaded
        values: dict[str, Value] = {
            **_names(prospect),
            # Salesforce cuts off what is blank at either end
            "Email": record.email.strip(),
            "Phone": prospect.phone,
            "Company": prospect.account.name,
            "Country": prospect.account.country,
            "LeadSource": record.channel,
            "Region__c": prospect.account.region,
            "Persona__c": prospect.persona,
            "Score__c": float(record.score),
            "First_Campaign__c": campaign,
            "Arrived_On__c": None if uploaded is None else day_of(uploaded).isoformat(),
            "Status": schema.DEFAULT_STATUS,
            "OwnerId": QUEUE,
            "IsConverted": False,
        }
        lead = self._org.add(schema.LEAD, lead_id(number), born, values, INTEGRATION)
        holder = _Holder(number, lead)
        self._tell(holder, "created", born, INTEGRATION)
        if campaign:
            holder.member = self._org.add(
                schema.MEMBER,
                id_of("00v", number),
                born,
                {
                    "CampaignId": campaign,
                    "LeadId": lead.id,
                    "Status": "Responded",
                    "HasResponded": True,
                },
                INTEGRATION,
            )
        return holder

    def _change(self, index: int, at: int, name: str, value: str) -> None:
        holder = self._present[index]
        if name == "owner_id":
            self._save(holder, at, {"OwnerId": self._owner(holder, value)})
        elif name == "score":
            self._save(holder, at, {"Score__c": float(value)}, is_system=True)
        else:
            self._save(holder, at, {"Phone": value})

    def _owner(self, holder: _Holder, owner_id: str) -> str:
        if owner_id:
            return user_id(owner_id)
        # a queue may own leads, and no contacts
        return INTEGRATION if holder.contact else QUEUE

    def _enter(self, index: int, at: int, stage: str, reason: str) -> None:
        holder = self._present[index]
        values: dict[str, Value] = {schema.STAGE_FIELDS[holder.row.object]: WORDS.get(stage, stage)}
        if reason:
            values["Reason__c"] = reason
        self._save(holder, at, values)
        if stage in _CONVERTING and holder.contact is None:
            self._convert(holder, at)

    def _save(
        self, holder: _Holder, at: int, values: Mapping[str, Value], *, is_system: bool = False
    ) -> None:
        """Save what differs, and its history; what comes with the creation has none."""
        row = holder.row
        changed = {name: value for name, value in values.items() if row.value(name, at) != value}
        if row is holder.lead and at == row.born:
            for name in holder.untold & set(values):
                row.versions[0].values[name] = values[name]
                changed.pop(name, None)
        holder.untold -= set(values)
        if not changed:
            return
        owner = str(row.value("OwnerId", at))
        by = INTEGRATION if is_system or owner == QUEUE else owner
        for name, new in changed.items():
            old = row.value(name, at)
            if name == "OwnerId":
                self._tell(holder, "Owner", at, by, "Text", NAMES[str(old)], NAMES[str(new)])
                self._tell(holder, "Owner", at, by, "EntityId", old, new)
            elif type_ := schema.TRACKED[row.object].get(name):
                self._tell(holder, name, at, by, type_, old, new)
        self._org.save(row, at, changed, by, is_system=is_system)

    def _tell(
        self,
        holder: _Holder,
        name: str,
        at: int,
        by: str,
        type_: str | None = None,
        old: Value = None,
        new: Value = None,
    ) -> None:
        """Add a row to the history of the lead or of the contact."""
        kind, parent = schema.HISTORIES[holder.row.object]
        number = holder.number * 1_000 + len(holder.histories)
        values = {
            parent: holder.row.id,
            "Field": name,
            "DataType": type_,
            "OldValue": old,
            "NewValue": new,
        }
        holder.histories.append(self._org.add(kind, id_of("017", number), at, values, by))

    def _convert(self, holder: _Holder, at: int, into: Row | None = None) -> None:
        """Make the lead a contact: a new one, or one that there is."""
        story, lead = self._story, holder.lead
        owner = str(lead.value("OwnerId", at))
        by = INTEGRATION if owner == QUEUE else owner
        account = self._employers.hire(story.number, at, story.prospect.account, by)
        deals = [
            deal_id(deal)
            for deal in story.opportunities
            if self._present.get(deal.record) is holder and max(deal.opened, lead.born) == at
        ]
        deal = deals[0] if deals and into is None else None
        contact_id = id_of("003", holder.number) if into is None else into.id
        self._org.save(
            lead,
            at,
            {
                "IsConverted": True,
                "ConvertedDate": date_text(at),
                "ConvertedContactId": contact_id,
                "ConvertedAccountId": account,
                "ConvertedOpportunityId": deal,
            },
            by,
        )
        self._tell(holder, "leadConverted", at, by)
        if into is None:
            copied = (
                "FirstName", "LastName", "Name", "Email", "Phone", "LeadSource", "Region__c",
                "Persona__c", "Score__c", "First_Campaign__c", "Arrived_On__c", "Reason__c",
            )  # fmt: skip
            values = {name: lead.value(name, at) for name in copied} | {
                "Lifecycle_Stage__c": lead.value("Status", at),
                "MailingCountry": lead.value("Country", at),
                "AccountId": account,
                "OwnerId": by,
            }
            holder.contact = self._org.add(schema.CONTACT, contact_id, at, values, by)
            self._tell(holder, "contactCreatedFromLead", at, by)
        else:
            holder.contact = into
        if holder.member:
            self._org.save(holder.member, at, {"ContactId": contact_id}, by)
        self._move(holder, at, deal)

    def _move(self, holder: _Holder, at: int, deal: str | None = None) -> None:
        """All activity of a holder belongs to its row from now on."""
        for index, present in self._present.items():
            if present is holder:
                self._standings[index].append(_Standing(at, holder.row, deal))

    def _merge(self, survivor: int, merged: int, at: int) -> None:
        winner, loser = self._present[survivor], self._present[merged]
        if loser.contact and not winner.contact:
            self._convert(winner, at)
        by = INTEGRATION
        if winner.contact and not loser.contact:
            self._convert(loser, at, into=winner.contact)
            self._tell(winner, "contactUpdatedByLead", at, by)
        else:
            gone = loser.row
            self._org.save(gone, at, {"MasterRecordId": winner.row.id}, by)
            self._bin(loser, gone, at)
            name = "contactMerged" if winner.contact else "leadMerged"
            self._tell(winner, name, at, by, "Text", gone.value("Name", at))
            if loser.member:
                parent = "ContactId" if winner.contact else "LeadId"
                self._org.save(loser.member, at, {parent: winner.row.id}, by)
        for role in loser.roles:
            self._org.save(role, at, {"ContactId": winner.row.id}, by)
        winner.roles += loser.roles
        winner.absorbed += [loser, *loser.absorbed]
        self._org.save(winner.row, at, {}, by)
        self._present = {
            index: winner if holder is loser else holder for index, holder in self._present.items()
        }
        for index, holder in self._present.items():
            if holder is winner and self._standings[index][-1].row is not winner.row:
                self._standings[index].append(_Standing(at, winner.row))

    def _deal(self, deal: Opportunity, at: int) -> None:
        holder, number = self._present[deal.record], number_of(deal.opportunity_id)
        if holder.contact is None:
            # no deal without a contact
            self._convert(holder, at)
        row_id, name = deal_id(deal), f"{self._story.prospect.account.name}: {deal.opportunity_id}"
        owner = user_id(deal.owner_id) if deal.owner_id else INTEGRATION
        values: dict[str, Value] = {
            "Name": name,
            "AccountId": account_id(self._story.number),
            "Amount": deal.quoted / 100,
            "CurrencyIsoCode": CURRENCY,
            "CloseDate": date_text(at + _EXPECTED),
            "OwnerId": owner,
            **_stage("Prospecting"),
        }
        row = self._org.add(schema.OPPORTUNITY, row_id, at, values, owner)
        changes = Changes(self._org, row, number, owner)
        came_with_lead = holder.lead.value("ConvertedOpportunityId", at) == row_id
        changes.tell("opportunityCreatedFromLead" if came_with_lead else "created", at)
        changes.show(at)
        holder.roles.append(
            self._org.add(
                schema.ROLE,
                id_of("00K", number),
                at,
                {"OpportunityId": row_id, "ContactId": holder.row.id, "IsPrimary": True},
                owner,
            )
        )
        closed = None if deal.closed is None else max(deal.closed, at)
        self._deals[deal.record].append((at, closed, row_id))
        if closed is None:
            return
        if closed - at > 4 * DAY:
            changes.save(at + (closed - at) * 2 // 3, _stage("Proposal"))
        changes.save(
            closed,
            {
                **_stage(f"Closed {deal.status.title()}"),
                "CloseDate": date_text(closed),
                "Amount": deal.agreed / 100,
            },
        )

    def _delete(self, deletion: Deletion) -> None:
        holder, at = self._present[deletion.record], deletion.at
        is_person_gone = self._story.until < self._company.ends_at
        is_erased = is_person_gone and self._own.random() < _ERASED_SHARE
        self._bin(holder, holder.row, at, is_hard=is_erased)
        if is_erased:
            # nor does the lead stay that a contact came from
            for one in (holder, *holder.absorbed):
                if one.lead.deleted is None:
                    self._bin(one, one.lead, at, is_hard=True)
        for row in (holder.member, *holder.roles):
            if row:
                self._org.delete(row, at, INTEGRATION, is_hard=is_erased)

    def _bin(self, holder: _Holder, row: Row, at: int, *, is_hard: bool = False) -> None:
        """Delete a lead or a contact with its history."""
        _, parent = schema.HISTORIES[row.object]
        self._org.delete(row, at, INTEGRATION, is_hard=is_hard)
        for history in holder.histories:
            if history.value(parent, at) == row.id:
                self._org.delete(history, at, INTEGRATION, is_hard=is_hard)

    def _touch(self, touch: Touch) -> None:
        standings, number = self._standings[touch.record], number_of(touch.touch_id)
        at = max(touch.at, standings[0].at)
        owner = user_id(touch.owner_id) if touch.owner_id else INTEGRATION
        values: dict[str, Value] = {
            "WhoId": [standing.row.id for standing in standings if standing.at <= at][-1],
            "WhatId": next(
                (
                    deal
                    for opened, closed, deal in reversed(self._deals[touch.record])
                    if opened <= at and (closed is None or at < closed)
                ),
                None,
            ),
            "OwnerId": owner,
            "ActivityDate": date_text(at),
            "Direction__c": touch.direction.title(),
        }
        if touch.kind == "meeting":
            values |= {
                "Subject": "Meeting",
                "StartDateTime": at,
                "EndDateTime": at + 30 * MINUTE,
                "DurationInMinutes": 30,
                "Outcome__c": schema.MEETING_OUTCOMES[touch.outcome],
            }
            row = self._org.add(schema.EVENT, id_of("00U", number), at, values, owner)
        else:
            values |= _task(touch, at)
            row = self._org.add(schema.TASK, id_of("00T", number), at, values, owner)
        for standing in standings:
            if standing.at > at:
                moved: dict[str, Value] = {"WhoId": standing.row.id}
                if standing.deal:
                    moved["WhatId"] = standing.deal
                self._org.save(row, standing.at, moved, INTEGRATION)
        person = standings[-1].row
        if person.deleted is not None:
            self._org.delete(
                row, max(at, person.deleted), INTEGRATION, is_hard=person.is_hard_deleted
            )


@dataclass
class Changes:
    """The changes of one deal, in the two histories that Salesforce keeps of it."""

    org: Org
    row: Row
    number: int
    by: str
    told: int = 0
    shown: int = 0

    def save(self, at: int, values: Mapping[str, Value]) -> None:
        """Change the deal; what stays as it is leaves no trace."""
        before = {name: self.row.value(name, at) for name in values}
        changed = {name: value for name, value in values.items() if before[name] != value}
        self.org.save(self.row, at, changed, self.by)
        for name, type_ in schema.TRACKED[schema.OPPORTUNITY].items():
            if name in changed:
                self.tell(name, at, type_, before[name], changed[name])
        self.show(at)

    def tell(
        self, name: str, at: int, type_: str | None = None, old: Value = None, new: Value = None
    ) -> None:
        """Add a row that names a field."""
        values = {
            "OpportunityId": self.row.id,
            "Field": name,
            "DataType": type_,
            "OldValue": old,
            "NewValue": new,
        }
        row_id = id_of("017", self.number * 1_000 + self.told)
        self.org.add(schema.DEAL_HISTORY, row_id, at, values, self.by)
        self.told += 1

    def show(self, at: int) -> None:
        """Add a row with amount, stage and date as they are now."""
        values = {
            name: self.row.value(name, at)
            for name in ("StageName", "Amount", "Probability", "CloseDate", "CurrencyIsoCode")
        }
        amount, share = values["Amount"], values["Probability"]
        assert isinstance(amount, float)
        assert isinstance(share, float)
        values["ExpectedRevenue"] = round(amount * share / 100, 2)
        values["OpportunityId"] = self.row.id
        row_id = id_of("008", self.number * 1_000 + self.shown)
        self.org.add(schema.STAGES, row_id, at, values, self.by)
        self.shown += 1


def user_id(owner_id: str) -> str:
    """The id by which Salesforce knows an owner."""
    return id_of("005", number_of(owner_id))


def lead_id(number: int) -> str:
    """The id of the lead of a record with that number; its contact has the same behind 003."""
    return id_of("00Q", number)


def campaign_id(text: str) -> str:
    """The id by which Salesforce knows a campaign."""
    return id_of("701", number_of(text))


def deal_id(deal: Opportunity) -> str:
    """The id by which Salesforce knows a deal."""
    return id_of("006", number_of(deal.opportunity_id))


def account_id(person: int) -> str:
    """The id of the company that the person with that number works for."""
    return id_of("001", number_of(opaque_id("", person // COLLEAGUES, 0)))


def date_text(at: int) -> str:
    """The day of an instant, by the calendar that people go by."""
    return datetime.fromtimestamp(at, schema.ZONE).date().isoformat()


def _names(prospect: Prospect) -> dict[str, Value]:
    """A person's name, as far as the address tells it; the last one may not be empty."""
    first, last = "", _NO_LAST_NAME
    if prospect.has_own_mailbox:
        words = prospect.email.partition("@")[0].rstrip("0123456789").split(".")
        first, last = (word.title() for word in words)
    return {"FirstName": first, "LastName": last, "Name": f"{first} {last}".strip()}


def _stage(name: str) -> dict[str, Value]:
    """A deal's stage, and what follows from it."""
    return {
        "StageName": name,
        "Probability": float(schema.DEAL_STAGES[name]),
        "IsClosed": name.startswith("Closed"),
        "IsWon": name == "Closed Won",
    }


def _task(touch: Touch, at: int) -> dict[str, Value]:
    """What is particular to a touch that is logged as a task."""
    values: dict[str, Value] = {
        "Status": "Completed",
        "IsClosed": True,
        "CompletedDateTime": at,
        "Priority": "Normal",
        "TaskSubtype": "Task",
    }
    if touch.kind == "call":
        return values | {
            "Subject": "Call",
            "Type": "Call",
            "TaskSubtype": "Call",
            "CallType": touch.direction.title(),
            "CallDisposition": schema.CALL_OUTCOMES[touch.outcome],
        }
    if touch.kind == "email":
        return values | {"Subject": "Email", "Type": "Email", "TaskSubtype": "Email"}
    if touch.kind == "message":
        return values | {"Subject": "Message", "Type": "Message", "TaskSubtype": "LinkedIn"}
    if touch.kind == "note":
        return values | {"Subject": "Note", "Type": "Note"}
    return values | {
        "Subject": "Follow up",
        "Type": "To Do",
        "Status": "Not Started",
        "IsClosed": False,
        "CompletedDateTime": None,
    }
