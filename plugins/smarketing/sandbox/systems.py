"""Which of the company's systems holds which record of a person.

Almenara bought a firm in the Americas and kept its systems: the leads of that region stand in
Salesforce and Marketo, all others in HubSpot. A few people are known to both units. The campaigns
run for both, and each books its part of what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from smarketing.sandbox.market import Campaign, Campaigns
from smarketing.sandbox.prospects import REGIONS
from smarketing.sandbox.stages import is_on_path
from smarketing.sandbox.story import Story

Crm = Literal["hubspot", "salesforce"]


def crm_of(story: Story, index: int) -> Crm:
    """The CRM that holds one of the person's records.

    Marketo holds the same people as Salesforce.
    """
    home: Crm = "salesforce" if story.prospect.account.region == "Americas" else "hubspot"
    if index == 0 or not _is_free_to_stray(story):
        return home
    return "hubspot" if home == "salesforce" else "salesforce"


def spend_of(crm: Crm, campaigns: Campaigns) -> Iterator[tuple[Campaign, date, float]]:
    """What the unit behind a CRM booked by campaign and day, in whole cents.

    The Americas pay by their part of the market, the others the rest: together it is what the
    company spent, to the cent. Marketo knows the costs that Salesforce knows.
    """
    for campaign, day, amount in campaigns.spend():
        cents = round(round(amount, 2) * 100)
        overseas = cents * REGIONS["Americas"] // sum(REGIONS.values())
        yield campaign, day, (overseas if crm == "salesforce" else cents - overseas) / 100


def _is_free_to_stray(story: Story) -> bool:
    """Whether a second record tells the same story from within another system.

    A CRM merges its own records only; and a record that leaves the path says nothing of the
    person while another one of the same system stays on it (spec §4), which would be lost.
    """
    is_plain = not story.merges and all(is_on_path(echo.stage) for echo in story.echoes)
    return is_plain and story.prospect.has_own_mailbox and story.number % 2 == 0
