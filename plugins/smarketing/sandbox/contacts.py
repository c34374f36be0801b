"""Every touch of a lead: those of sales that count after a hand-over, and those that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from smarketing.sandbox.chance import pick, skewed
from smarketing.sandbox.clock import DAY, HOUR, MINUTE, after_office_time
from smarketing.sandbox.company import MARKETING, OWNERS, REGION_ZONES, SALES_TEAMS, Company
from smarketing.sandbox.stages import is_past_handoff
from smarketing.sandbox.story import Handoff, Story, Touch, opaque_id


class Form(NamedTuple):
    """The form that a touch takes."""

    kind: str
    direction: str
    outcome: str = ""
    is_automated: bool = False


_WEB_FORM = Form("form", "inbound")
_REPLY = Form("email", "inbound", "replied")
_LETTER = Form("email", "outbound")
_MAILING = Form("email", "outbound", is_automated=True)

# what a rep does; each of these counts
_ATTEMPTS = {
    Form("call", "outbound", "no answer"): 30,
    Form("call", "outbound", "connected"): 16,
    _LETTER: 34,
    Form("message", "outbound"): 10,
    Form("meeting", "outbound", "held"): 10,
}
# what lies beside it; none of these counts
_BYSTANDERS = {
    _MAILING: 40,
    Form("email", "outbound", "bounced", is_automated=True): 2,
    _REPLY: 9,
    _WEB_FORM: 11,
    Form("note", ""): 16,
    Form("task", ""): 16,
    Form("meeting", "outbound", "no show"): 6,
}
_NURTURE = {_MAILING: 66, _WEB_FORM: 30, _REPLY: 4}

# weights of 0, 1, 2 … touches
_HOW_MANY_ATTEMPTS = (1, 2, 3, 4, 4, 4, 3, 2, 1)
_HOW_MANY_BYSTANDERS = (2, 4, 4, 2, 1)
_HOW_MUCH_NURTURE = (5, 6, 3, 1)


class Contacts:
    """Marketing and sales get in touch with one person, and the person with them."""

    def __init__(self, company: Company, rng: Random, story: Story) -> None:
        self._company = company
        self._rng = rng
        self._story = story
        region = story.prospect.account.region
        self._team = SALES_TEAMS[region]
        self._zone = REGION_ZONES[region]

    def run(self) -> None:
        """Fill in the touches of the story, and the first one that counts of each hand-over."""
        story = self._story
        free_from = story.moves[0].known_at
        for handoff in story.handoffs:
            self._nurture(free_from, handoff.at)
            self._respond(handoff)
            free_from = handoff.ends
        if not story.handoffs:
            self._nurture(free_from, story.until)
            self._work_without_handoff()
        for record in story.records[1:]:
            if self._rng.random() < 0.5:
                self._log(record.created, _WEB_FORM)

        story.touches.sort(key=lambda touch: touch.at)
        for number, touch in enumerate(story.touches, start=1):
            touch.touch_id = f"{opaque_id('T', story.number, 0)}-{number:02d}"

    def _nurture(self, since: int, until: int) -> None:
        """Touches while nothing is handed over; even a rep's would not count then."""
        if until - since < 2:
            return
        if since == self._story.moves[0].known_at and self._rng.random() < 0.4:
            self._log(since, _WEB_FORM)
        last = min(until, since + 90 * DAY)
        self._scatter(_NURTURE, self._some(_HOW_MUCH_NURTURE), since, last)
        at = self._rng.randrange(since + 1, last)
        chance = self._rng.random()
        if chance < 0.05:
            self._write_from_marketing(at)
        elif chance < 0.1:
            self._attempt(at)

    def _respond(self, handoff: Handoff) -> None:
        """Sales gets in touch after a hand-over, or does not, amid touches that do not count."""
        last = min(handoff.ends, handoff.known_at + 45 * DAY)
        if last > handoff.known_at:
            self._scatter(_BYSTANDERS, self._some(_HOW_MANY_BYSTANDERS), handoff.known_at, last)
            if self._rng.random() < 0.06:
                self._write_from_marketing(self._rng.randrange(handoff.known_at, last))

        at = self._first_response(handoff)
        if at is not None and at < handoff.ends:
            handoff.first_touch = self._attempt(at)
            self._keep_trying(at, handoff.ends)

    def _first_response(self, handoff: Handoff) -> int | None:
        accepted = self._accepted(handoff)
        if self._rng.random() >= (0.8 if accepted is None else 0.96):
            return None
        since = handoff.known_at
        # now and then a colleague is quicker than the routing
        if self._rng.random() >= 0.015:
            if handoff.assigned is None:
                return None
            since = max(since, handoff.assigned)

        at = since + self._response_time(since)
        if accepted is not None and since < accepted <= at:
            at = self._rng.randrange(since, accepted)
        return at

    def _accepted(self, handoff: Handoff) -> int | None:
        """When sales moved the lead on in the same cycle."""
        for move in self._story.moves:
            is_later = move.cycle == handoff.cycle and move.at > handoff.at
            if is_later and is_past_handoff(move.stage):
                return move.at
        return None

    def _response_time(self, since: int) -> int:
        """Seconds to a response: within the morning, the day or the week, by office hours."""
        chance = self._rng.random()
        if chance < 0.07:
            return self._rng.randrange(20 * MINUTE)
        hours = 1.1 if chance < 0.7 else 9 if chance < 0.95 else 50
        work = skewed(self._rng, hours * HOUR, spread=0.9)
        return after_office_time(since, work, self._zone) - since

    def _work_without_handoff(self) -> None:
        """Sales works a lead that came in above the hand-over."""
        for move in self._story.moves:
            if is_past_handoff(move.stage):
                self._keep_trying(move.known_at, self._story.until)
                return

    def _keep_trying(self, since: int, until: int) -> None:
        at = since
        for _ in range(self._some(_HOW_MANY_ATTEMPTS)):
            work = MINUTE + skewed(self._rng, 11 * HOUR, spread=0.8)
            at = after_office_time(at, work, self._zone)
            if at >= until:
                return
            self._attempt(at)

    def _attempt(self, at: int) -> Touch:
        """A touch of sales: by the owner or, for want of one, by somebody of the team."""
        owner = OWNERS.get(self._story.owner(at))
        if owner is None or not owner.is_sales or not self._company.is_employed(owner, at):
            owner = self._company.somebody(self._rng, self._team, at)
        return self._log(at, pick(self._rng, _ATTEMPTS), owner.owner_id)

    def _write_from_marketing(self, at: int) -> None:
        owner = self._company.somebody(self._rng, MARKETING, at)
        self._log(at, _LETTER, owner.owner_id)

    def _scatter(self, forms: Mapping[Form, int], number: int, since: int, until: int) -> None:
        """Touches at any time of ``[since, until)``, in the owner's name as a CRM logs them."""
        for _ in range(number):
            at = self._rng.randrange(since, until)
            form = pick(self._rng, forms)
            self._log(at, form, self._story.owner(at))

    def _log(self, at: int, form: Form, owner_id: str = "") -> Touch:
        record = self._story.acting_record(at)
        touch = Touch(
            at, record, form.kind, form.direction, form.is_automated, owner_id, form.outcome
        )
        self._story.touches.append(touch)
        return touch

    def _some(self, weights: Sequence[int]) -> int:
        return self._rng.choices(range(len(weights)), weights)[0]
