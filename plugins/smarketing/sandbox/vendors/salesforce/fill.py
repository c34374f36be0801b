"""The fictional company as Salesforce would hold it, from the stories of all persons.

Salesforce holds the records that `systems.crm_of` gives it, and nothing of the others.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from smarketing.sandbox.clock import DAY
from smarketing.sandbox.company import CURRENCY, STAFF, Company, Owner
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.systems import spend_of
from smarketing.sandbox.vendors.salesforce import schema
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of
from smarketing.sandbox.vendors.salesforce.person import (
    INTEGRATION,
    NAMES,
    QUEUE,
    Employers,
    Person,
    campaign_id,
    user_id,
)
from smarketing.sandbox.vendors.salesforce.records import Org, Value


def fill(company: Company) -> Org:
    """Put the company into an org of Salesforce's.

    10,000 leads take three seconds and 30 MB.
    """
    org, campaigns, employers = Org(), Campaigns(company), Employers()
    _employ(org, company)
    _campaign(org, campaigns)
    for story, rng in stories(company, campaigns):
        Person(company, org, employers, story, rng).tell()
    for account, (at, employer, owner) in employers.first.items():
        values: dict[str, Value] = {
            "Name": employer.name,
            "Website": employer.domain,
            "BillingCountry": employer.country,
            "Region__c": employer.region,
            "OwnerId": owner,
        }
        org.add(schema.ACCOUNT, account, at, values, owner)
    return org


def _employ(org: Org, company: Company) -> None:
    """The staff, the user of the integration, and the queue of what belongs to nobody."""
    for owner in STAFF:
        row = org.add(
            schema.USER,
            user_id(owner.owner_id),
            company.at_share(owner.joined),
            _user(owner),
            INTEGRATION,
        )
        if owner.left is not None:
            org.save(row, company.at_share(owner.left), {"IsActive": False}, INTEGRATION)
    integration: dict[str, Value] = {
        "Username": "integration@almenara.example",
        "FirstName": "Integration",
        "LastName": "User",
        "Name": NAMES[INTEGRATION],
        "Email": "integration@almenara.example",
        "IsActive": True,
        "UserType": "CloudIntegrationUser",
        "TimeZoneSidKey": schema.ZONE.key,
    }
    org.add(schema.USER, INTEGRATION, company.starts_at, integration, INTEGRATION)
    queue = {"Name": NAMES[QUEUE], "Type": "Queue"}
    org.add(schema.GROUP, QUEUE, company.starts_at, queue, INTEGRATION)


def _user(owner: Owner) -> dict[str, Value]:
    first, _, last = owner.name.partition(" ")
    address = f"{owner.owner_id.lower()}@almenara.example"
    return {
        "Username": address,
        "FirstName": first,
        "LastName": last,
        "Name": owner.name,
        "Email": address,
        "IsActive": True,
        "UserType": "Standard",
        "TimeZoneSidKey": owner.zone.key,
        "Department": owner.team,
        "Team__c": owner.team,
    }


def _campaign(org: Org, campaigns: Campaigns) -> None:
    """The campaigns; what a day cost is put down when the day is over."""
    rows, cost = {}, dict.fromkeys((one.campaign_id for one in campaigns.all), 0.0)
    for campaign in campaigns.all:
        values: dict[str, Value] = {
            "Name": campaign.name,
            "Type": campaign.channel,
            "Status": "In Progress",
            "IsActive": True,
            "StartDate": campaign.started.isoformat(),
            "EndDate": campaign.ended.isoformat(),
            "CurrencyIsoCode": CURRENCY,
            "OwnerId": INTEGRATION,
        }
        row = org.add(
            schema.CAMPAIGN,
            campaign_id(campaign.campaign_id),
            midnight(campaign.started),
            values,
            INTEGRATION,
        )
        rows[campaign.campaign_id] = row
        over: dict[str, Value] = {"Status": "Completed", "IsActive": False}
        org.save(row, midnight(campaign.ended) + DAY, over, INTEGRATION, is_system=True)
    for campaign, day, amount in spend_of("salesforce", campaigns):
        key, written = campaign.campaign_id, midnight(day) + DAY
        cost[key] += amount
        org.save(
            rows[key], written, {"ActualCost": round(cost[key], 2)}, INTEGRATION, is_system=True
        )
        number = number_of(f"{key}-{day}")
        spend: dict[str, Value] = {
            "Name": f"CS-{number}",
            "Campaign__c": rows[key].id,
            "Day__c": day.isoformat(),
            "Amount__c": amount,
            "CurrencyIsoCode": CURRENCY,
        }
        org.add(schema.SPEND, id_of("a00", number), written, spend, INTEGRATION)


def midnight(day: date) -> int:
    """The start of a day in UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp())
