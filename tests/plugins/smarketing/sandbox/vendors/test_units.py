"""The company's two units keep books of their own: together they are the company's."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

from smarketing.sandbox.company import Company
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.vendors.hubspot import fill as hubspot
from smarketing.sandbox.vendors.salesforce import fill as salesforce
from smarketing.sandbox.vendors.salesforce import schema
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of

COMPANY = Company(seed=3, leads=40, nights=1, ends=date(2026, 10, 20))

# by campaign and day
Spent = Counter[tuple[str, str]]


def cents(amount: object) -> int:
    """The amount, which is written with no more than two decimals."""
    whole = Decimal(str(amount)) * 100
    assert whole == int(whole)
    return int(whole)


def spent_by_the_company() -> Spent:
    return Counter(
        {
            (campaign.campaign_id, f"{day}"): cents(f"{amount:.2f}")
            for campaign, day, amount in Campaigns(COMPANY).spend()
        }
    )


def spent_in_hubspot() -> Spent:
    return Counter(
        {
            (campaign_id, f"{item.day}"): cents(item.amount)
            for campaign_id, items in hubspot.fill(COMPANY).spend.items()
            for item in items
        }
    )


def spent_in_salesforce() -> Spent:
    ids = {
        id_of("701", number_of(one.campaign_id)): one.campaign_id for one in Campaigns(COMPANY).all
    }
    bookings = [row.versions[0].values for row in salesforce.fill(COMPANY).rows(schema.SPEND)]
    return Counter(
        {
            (ids[str(booking["Campaign__c"])], str(booking["Day__c"])): cents(booking["Amount__c"])
            for booking in bookings
        }
    )


def test_what_the_units_spend_is_what_the_company_spends_to_the_cent() -> None:
    in_hubspot, in_salesforce = spent_in_hubspot(), spent_in_salesforce()
    assert in_hubspot + in_salesforce == spent_by_the_company()
    # each unit runs every campaign, and pays its part: 70 and 30 in 100
    assert in_hubspot.keys() == in_salesforce.keys()
    assert round(in_hubspot.total() / in_salesforce.total(), 2) == round(70 / 30, 2)
