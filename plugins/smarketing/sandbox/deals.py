"""Opportunities: opened, won and lost with the stages of the person."""

from __future__ import annotations

from random import Random

from smarketing.sandbox.chance import skewed
from smarketing.sandbox.clock import DAY
from smarketing.sandbox.stages import is_on_path
from smarketing.sandbox.story import Opportunity, Story, opaque_id

# median deal in EUR
_MEDIANS = {"IT leader": 19_000, "Operations manager": 12_500, "Finance director": 15_500}
_SMALLER_MEDIAN = 6_500


class Deals:
    """The deals of one person."""

    def __init__(self, rng: Random, story: Story) -> None:
        self._rng = rng
        self._story = story

    def run(self) -> None:
        """Fill in the opportunities of the story."""
        deal: Opportunity | None = None
        cycle = 1
        for move in self._story.moves:
            if deal and (move.cycle != cycle or not is_on_path(move.stage)):
                deal.close(move.at, "lost")
                deal = None
            cycle = move.cycle
            if not deal and move.stage in ("opportunity", "customer"):
                deal = self._open(move.at)
            if deal and move.stage == "customer":
                deal.close(move.at, "won")
                deal = None
                if self._rng.random() < 0.08:
                    self._expand(move.at)

    def _expand(self, won_at: int) -> None:
        """A customer considers a second purchase, which the stages know nothing of."""
        opened = won_at + self._rng.randrange(20 * DAY, 150 * DAY)
        closed = opened + self._rng.randrange(5 * DAY, 70 * DAY)
        if opened < self._story.until:
            deal = self._open(opened)
            if closed < self._story.until:
                deal.close(closed, "won" if self._rng.random() < 0.55 else "lost")

    def _open(self, at: int) -> Opportunity:
        story = self._story
        median = _MEDIANS.get(story.prospect.persona, _SMALLER_MEDIAN)
        quoted = skewed(self._rng, 100 * median, spread=0.7)
        is_renegotiated = self._rng.random() < 0.25
        deal = Opportunity(
            opportunity_id=f"{opaque_id('O', story.number, 0)}-{len(story.opportunities) + 1}",
            record=story.acting_record(at),
            owner_id=story.owner(at),
            opened=at,
            quoted=quoted,
            agreed=int(quoted * self._rng.uniform(0.7, 1.15)) if is_renegotiated else quoted,
        )
        story.opportunities.append(deal)
        return deal
