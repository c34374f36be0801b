"""Who owns a lead, from the arrival on, and its hand-overs from marketing to sales."""

from __future__ import annotations

from random import Random

from smarketing.sandbox.chance import skewed
from smarketing.sandbox.clock import DAY, HOUR, MINUTE
from smarketing.sandbox.company import MARKETING, OWNERS, SALES_TEAMS, Company
from smarketing.sandbox.stages import HANDOFF, is_past_handoff
from smarketing.sandbox.story import Handoff, Move, Ownership, Story

_NOBODY = ""


class Routing:
    """Passes one person from owner to owner, in the order in which it happens."""

    def __init__(self, company: Company, rng: Random, story: Story) -> None:
        self._company = company
        self._rng = rng
        self._story = story
        self._team = SALES_TEAMS[story.prospect.account.region]
        self._in_sales_since: int | None = None

    def run(self) -> None:
        """Fill in the owners and the hand-overs of the story."""
        self._receive()
        for index, move in enumerate(self._story.moves):
            if self._is_handoff(move):
                self._hand_over(index)
            elif is_past_handoff(move.stage) and self._in_sales_since is None:
                self._give_to(self._team, move.known_at)
            elif move.stage == "recycled":
                self._give_back(move.at)
        self._carry_owners_over_merges()

    def _receive(self) -> None:
        chance = self._rng.random()
        if chance < 0.45:
            team = self._team if chance < 0.05 else MARKETING
            self._give_to(team, self._story.moves[0].known_at)

    def _is_handoff(self, move: Move) -> bool:
        handoffs = self._story.handoffs
        is_first = not handoffs or handoffs[-1].cycle != move.cycle
        return move.stage == HANDOFF and is_first

    def _hand_over(self, index: int) -> None:
        """Route a lead to sales: at once, soon or, where nothing but a detour follows, never."""
        move, later = self._story.moves[index], self._story.moves[index + 1 :]
        ends = next((other.at for other in later if other.cycle > move.cycle), self._story.until)
        handoff = Handoff(move.cycle, move.at, move.known_at, ends)
        self._story.handoffs.append(handoff)
        if self._in_sales_since is not None:
            handoff.assigned = max(move.at, self._in_sales_since)
            return

        leaves = self._story.leaves(index)
        at = move.known_at + self._routing_delay()
        if at >= leaves and all(other.direction == "detour" for other in later):
            return
        # a lead that goes on, in this cycle or a later one, had been given to somebody
        at = min(at, leaves, ends - 1)
        handoff.assigned = self._give_to(self._team, at)
        if self._rng.random() < 0.11:
            is_hasty = self._rng.random() < 0.35
            at += self._rng.randrange(MINUTE, 3 * HOUR if is_hasty else 20 * DAY)
            if at < leaves:
                self._give_to(self._team, at)

    def _routing_delay(self) -> int:
        chance = self._rng.random()
        if chance < 0.3:
            return 0
        if chance < 0.97:
            return skewed(self._rng, 25 * MINUTE, spread=1.4)
        return self._rng.randrange(30 * DAY, 600 * DAY)

    def _give_back(self, at: int) -> None:
        # with several records, who owns the person would be a matter of opinion
        if len(self._story.records) == 1 and self._rng.random() < 0.5:
            if self._rng.random() < 0.6:
                self._give_to(MARKETING, at)
            else:
                self._pass_on(at, _NOBODY)

    def _give_to(self, team: str, at: int) -> int | None:
        return self._pass_on(at, self._company.somebody(self._rng, team, at).owner_id)

    def _pass_on(self, at: int, owner_id: str) -> int | None:
        """Change the owner; returns when, or nothing if the story ends before."""
        ownerships = self._story.ownerships
        if ownerships:
            # the CRM's history has no two owners in one second
            at = max(at, ownerships[-1].at + 1)
        if at >= self._story.until:
            return None
        ownerships.append(Ownership(at, self._story.acting_record(at), owner_id))
        is_sales = bool(owner_id) and OWNERS[owner_id].is_sales
        if not is_sales:
            self._in_sales_since = None
        elif self._in_sales_since is None:
            self._in_sales_since = at
        return at

    def _carry_owners_over_merges(self) -> None:
        """A record that inherits the journey in a merge inherits its owner too."""
        story = self._story
        inherited = {(merge.at, merge.survivor) for merge in story.merges}
        for at, record in story.acting:
            owner_id = story.owner(at)
            is_told = any(change.at == at for change in story.ownerships)
            if (at, record) in inherited and owner_id and not is_told:
                story.ownerships.append(Ownership(at, record, owner_id))
                story.ownerships.sort(key=lambda change: change.at)
