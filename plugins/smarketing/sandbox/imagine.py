"""The stories of all persons: the one definition that exports, truth and vendors are made from."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from smarketing.sandbox.chance import pick, skewed, stream
from smarketing.sandbox.clock import DAY
from smarketing.sandbox.company import REGION_ZONES, Company
from smarketing.sandbox.contacts import Contacts
from smarketing.sandbox.deals import Deals
from smarketing.sandbox.duplicates import add_second_records
from smarketing.sandbox.journeys import repeats, travel
from smarketing.sandbox.market import Arrivals, Campaigns
from smarketing.sandbox.prospects import CHANNELS, employer_of, meet
from smarketing.sandbox.routing import Routing
from smarketing.sandbox.story import Deletion, Record, Story, opaque_id

_UPLOADED_SHARE = 0.02
_DELETED_SHARE = 0.009


def stories(company: Company, campaigns: Campaigns) -> Iterator[tuple[Story, Random]]:
    """Everybody's story, each with the stream of chance that decides how a system shows it.

    Systems that draw from it alike (``crm.lead_changes``, ``crm.stages_shown``, in this order)
    show the same scores, telephone numbers and stages.
    """
    arrivals = Arrivals(company)
    for number in range(company.leads):
        # one stream per person: a person is the same in a small company and in a large one
        rng = stream(company.seed, f"person/{number}")
        yield _imagine(company, arrivals, campaigns, rng, number), rng


def _imagine(
    company: Company, arrivals: Arrivals, campaigns: Campaigns, rng: Random, number: int
) -> Story:
    """The whole story of one person, from the arrival to the end or to the deletion."""
    zone = REGION_ZONES[employer_of(company.seed, number).region]
    arrived = arrivals.draw(rng, zone)
    is_upload = rng.random() < _UPLOADED_SHARE
    channel = "events" if is_upload else pick(rng, CHANNELS)
    prospect = meet(rng, company.seed, number, channel)

    until = company.ends_at
    is_deleted = rng.random() < _DELETED_SHARE
    if is_deleted:
        until = min(until, arrived + DAY + skewed(rng, 60 * DAY, spread=1))

    moves = travel(rng, arrived, until, is_upload=is_upload, pull=prospect.pull, zone=zone)
    record = Record(
        lead_id=opaque_id("L", number, 0),
        created=moves[0].at,
        email=prospect.email,
        channel=prospect.channel,
        campaign_id=campaigns.draw(rng, prospect.channel, arrived),
        score=rng.randrange(5, 25),
        uploaded=moves[0].uploaded,
    )
    story = Story(number, prospect, until, [record], moves, acting=[(moves[0].at, 0)])
    add_second_records(rng, story)
    # who comes a second time was brought by a campaign of that time
    chance = stream(company.seed, f"campaigns of/{number}")
    for second in story.records[1:]:
        second.campaign_id = campaigns.draw(chance, second.channel, second.created)
    if len(story.records) == 1:
        story.echoes = repeats(rng, moves, until)
    Routing(company, rng, story).run()
    Contacts(company, rng, story).run()
    Deals(rng, story).run()
    if until < company.ends_at:
        _delete(rng, story, company.ends_at)
    return story


def _delete(rng: Random, story: Story, ends_at: int) -> None:
    """Delete the person: the acting record ends the story, any other follows within two days."""
    gone = story.merged_away() | {deletion.record for deletion in story.deletions}
    for record in range(len(story.records)):
        if record not in gone:
            is_acting = record == story.acting[-1][1]
            wait = 0 if is_acting else rng.randrange(2 * DAY)
            at = min(story.until + wait, ends_at - 1)
            times_told = 2 if rng.random() < 0.15 else 1
            story.deletions.append(Deletion(at, record, times_told))
