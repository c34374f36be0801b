"""A client in use everywhere reads the company: record by record what the CSV exports say of it.

The exports and Salesforce are two tellings of the same stories; neither is made from the other.
Which of the records stand in Salesforce, only the stories say.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import groupby
from typing import Any

import pytest
import requests
import simple_salesforce as vendor
from smarketing.sandbox.story import Story
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of

from tests.plugins.smarketing.sandbox.exports import MADRID, Exports, Row, instant, is_day
from tests.plugins.smarketing.sandbox.vendors.conftest import AMERICAS, ENDS, Org

WORDS = [
    "Subscriber", "Lead", "Marketing Qualified", "Sales Accepted", "Sales Qualified",
    "Opportunity", "Customer", "Nurture", "Unqualified", "Closed Lost", "Event Follow-Up",
    "Waiting for Legal",
]  # fmt: skip
UNTOLD = "Open - Not Contacted"
NOBODY = {id_of("00G", 1001), id_of("005", 1001)}
PERSON = (
    "Id, Name, FirstName, LastName, Email, Phone, LeadSource, Region__c, Persona__c, Score__c, "
    "First_Campaign__c, Arrived_On__c, OwnerId, CreatedDate, "
    "Reason__c"
)
HISTORY = "Id, Field, DataType, OldValue, NewValue, CreatedDate"


class Plain(requests.adapters.HTTPAdapter):
    """The client speaks TLS only; the simulator is in the clear."""

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


def connect(org: Org, token: str) -> Any:
    session = requests.Session()
    session.mount("https://127.0.0.1", Plain())
    return vendor.Salesforce(
        session_id=token,
        instance_url=org.url.replace("http://", "https://"),
        session=session,
        version="67.0",
    )


@pytest.fixture(scope="module")
def reader(shared_org: Org) -> Any:
    """A client for what is read once, at the end of the history."""
    shared_org.clock.set(ENDS)
    return connect(shared_org, shared_org.log_in())


@pytest.fixture
def client(salesforce: Org) -> Any:
    return connect(salesforce, salesforce.log_in())


@pytest.fixture(scope="module")
def exports(company: Callable[..., Exports]) -> Exports:
    return company(seed=AMERICAS.seed, leads=AMERICAS.leads, nights=1)


@pytest.fixture(scope="module")
def held(told_in_americas: list[Story]) -> set[str]:
    """The ids of the leads that stand in Salesforce."""
    return {
        record.lead_id
        for story in told_in_americas
        for index, record in enumerate(story.records)
        if crm_of(story, index) == "salesforce"
    }


@pytest.fixture(scope="module")
def gone(exports: Exports) -> set[str]:
    """Leads merged or deleted: they are looked at apart."""
    merged = exports.rows("merges")
    ids = {row[name] for row in merged for name in ("merged_lead_id", "surviving_lead_id")}
    return ids | {row["lead_id"] for row in exports.rows("deletions")}


@dataclass
class Whole:
    """A lead, the contact it was converted to, and the history of both."""

    row: Row
    lead: dict[str, Any]
    contact: dict[str, Any] | None
    lead_history: list[dict[str, Any]]
    contact_history: list[dict[str, Any]]

    @property
    def present(self) -> dict[str, Any]:
        return self.contact or self.lead

    def changes(self, *fields: str) -> list[dict[str, Any]]:
        return [one for one in self.lead_history + self.contact_history if one["Field"] in fields]


def second(at: str) -> str:
    """An instant as the exports write it."""
    assert at.endswith(".000+0000")
    return at[:19] + "Z"


def known(moment: str, lead: dict[str, Any]) -> str:
    """When Salesforce learnt of what happened: an uploaded lead brings its past along."""
    created = second(lead["CreatedDate"])
    return created if is_day(moment) else max(moment, created)


def lead_id(text: str) -> str:
    return id_of("00Q", number_of(text))


def user(owner_id: str) -> str:
    return id_of("005", number_of(owner_id))


def rows_of(client: Any, soql: str, **options: Any) -> list[Any]:
    return list(client.query_all_iter(soql, **options))


def by(key: str, rows: list[Any]) -> dict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


@pytest.fixture(scope="module")
def leads(reader: Any) -> dict[str, Any]:
    soql = (
        f"SELECT {PERSON}, Company, Country, Status, IsConverted, ConvertedDate, "
        "ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId FROM Lead"
    )
    return {row["Id"]: row for row in rows_of(reader, soql)}


@pytest.fixture(scope="module")
def contacts(reader: Any) -> dict[str, Any]:
    soql = (
        f"SELECT {PERSON}, MailingCountry, Lifecycle_Stage__c, Account.Name, "
        "Account.BillingCountry FROM Contact"
    )
    return {row["Id"]: row for row in rows_of(reader, soql)}


@pytest.fixture(scope="module")
def alive(
    exports: Exports,
    held: set[str],
    gone: set[str],
    leads: dict[str, Any],
    contacts: dict[str, Any],
    reader: Any,
) -> list[Whole]:
    order = "ORDER BY CreatedDate, Id"
    of_leads = by("LeadId", rows_of(reader, f"SELECT {HISTORY}, LeadId FROM LeadHistory {order}"))
    of_contacts = by(
        "ContactId", rows_of(reader, f"SELECT {HISTORY}, ContactId FROM ContactHistory {order}")
    )
    whole = []
    for row in exports.latest("leads", "lead_id").values():
        if row["lead_id"] in held - gone:
            lead = leads[lead_id(row["lead_id"])]
            contact = contacts[lead["ConvertedContactId"]] if lead["IsConverted"] else None
            later = of_contacts[contact["Id"]] if contact else []
            whole.append(Whole(row, lead, contact, of_leads[lead["Id"]], later))
    return whole


def test_every_lead_of_the_unit_is_there_and_no_other(
    exports: Exports, held: set[str], leads: dict[str, Any]
) -> None:
    merged = {row["merged_lead_id"] for row in exports.rows("merges")}
    deleted = {row["lead_id"] for row in exports.rows("deletions")}
    expected = {lead_id(one) for one in held - merged - deleted}
    # a converted lead stays when its contact goes
    assert set(leads) >= expected
    rest = set(leads) - expected
    assert rest <= {lead_id(one) for one in held & (merged | deleted)}
    assert all(leads[one]["IsConverted"] for one in rest)
    assert 150 < len(leads) < AMERICAS.leads / 2


def test_values_are_those_of_the_exports(alive: list[Whole]) -> None:
    named = 0
    for whole in alive:
        row, lead, present = whole.row, whole.lead, whole.present
        if is_day(row["created"]):
            assert present["Arrived_On__c"] == row["created"]
            born = datetime.fromisoformat(lead["CreatedDate"]).astimezone(MADRID)
            assert born.date().isoformat() == row["created"]
        else:
            assert present["Arrived_On__c"] is None
            assert second(lead["CreatedDate"]) == row["created"]
        for name, field in (
            ("Phone", "phone"), ("Region__c", "region"), ("Persona__c", "persona"),
            ("LeadSource", "channel"),
        ):  # fmt: skip
            assert (present[name] or "") == row[field], (name, row)
        assert (present["Email"] or "") == row["email"].strip()
        assert present["Score__c"] == float(row["score"])
        assert lead["Company"] == row["company"]
        assert lead["Country"] == row["country"]
        if row["owner_id"]:
            assert present["OwnerId"] == user(row["owner_id"])
        else:
            assert present["OwnerId"] in NOBODY
        campaign = row["campaign_id"]
        expected = id_of("701", number_of(campaign)) if campaign else None
        assert present["First_Campaign__c"] == expected
        assert present["LastName"]
        named += bool(present["FirstName"])
    assert named > 100


def test_a_contact_works_where_its_lead_did(alive: list[Whole]) -> None:
    converted = [whole for whole in alive if whole.contact]
    assert len(converted) > 15
    for whole in converted:
        assert whole.contact is not None
        assert whole.contact["Id"] == id_of("003", number_of(whole.row["lead_id"]))
        assert whole.contact["Account"]["Name"] == whole.row["company"]
        assert whole.contact["Account"]["BillingCountry"] == whole.row["country"]
        assert whole.contact["MailingCountry"] == whole.row["country"]


def steps(whole: Whole) -> list[tuple[str, str]]:
    """When which stage was entered, in order: first as a lead, then as a contact."""
    told = whole.changes("Status")
    first = told[0]["OldValue"] if told else whole.lead["Status"]
    path = [(second(whole.lead["CreatedDate"]), first)]
    path += [(second(one["CreatedDate"]), one["NewValue"]) for one in told]
    # what a lead is created with is told in no history
    assert all(
        one["CreatedDate"] > whole.lead["CreatedDate"] for one in told if one["OldValue"] == UNTOLD
    )
    # whatever was told before is what the next change starts from
    assert [one["OldValue"] for one in told] == [stage for _, stage in path[:-1]]
    if whole.contact:
        later = whole.changes("Lifecycle_Stage__c")
        born = later[0]["OldValue"] if later else whole.contact["Lifecycle_Stage__c"]
        assert born == path[-1][1]
        path += [(second(one["CreatedDate"]), one["NewValue"]) for one in later]
        assert whole.contact["Lifecycle_Stage__c"] == path[-1][1]
    return [step for step in path if step[1] != UNTOLD]


def test_stage_histories_are_those_of_the_exports(exports: Exports, alive: list[Whole]) -> None:
    shown = by("lead_id", exports.rows("stage_changes"))
    words, number = {word.lower(): place for place, word in enumerate(WORDS)}, 0
    for whole in alive:
        rows = sorted(
            (
                not is_day(change["occurred"]),
                instant(change["occurred"]),
                words[change["stage"].strip().lower()],
                change["occurred"],
            )
            for change in shown[whole.row["lead_id"]]
        )
        entries = [(moment, WORDS[place]) for *_, place, moment in rows]
        expected = [next(group) for _, group in groupby(entries, key=lambda step: step[1])]
        found = steps(whole)
        assert [stage for _, stage in found] == [stage for _, stage in expected]
        for (told, _), (moment, _) in zip(found, expected, strict=True):
            assert told == moment or is_day(moment)
        number += len(found)
    assert number > 350


def test_reasons_are_told_with_the_stage_that_they_explain(
    exports: Exports, alive: list[Whole]
) -> None:
    shown = by("lead_id", exports.rows("stage_changes"))
    number = 0
    for whole in alive:
        reasons = [row for row in shown[whole.row["lead_id"]] if row["reason"]]
        told = {(second(one["CreatedDate"]), one["NewValue"]) for one in whole.changes("Reason__c")}
        assert told <= {(row["occurred"], row["reason"]) for row in reasons}
        if reasons:
            last = max(reasons, key=lambda row: instant(row["occurred"]))
            assert whole.present["Reason__c"] == last["reason"]
            number += len(told)
    assert number > 30


def test_owner_histories_are_those_of_the_exports(exports: Exports, alive: list[Whole]) -> None:
    shown = by("lead_id", exports.rows("ownership_changes"))
    nobody, number = "", 0
    for whole in alive:
        created = second(whole.lead["CreatedDate"])
        entries = [
            (max(change["occurred"], created), change["owner_id"] and user(change["owner_id"]))
            for change in sorted(shown[whole.row["lead_id"]], key=lambda row: row["occurred"])
        ]
        expected = [next(group) for _, group in groupby(entries, key=lambda step: step[1])]
        if expected and expected[0][1] == nobody:
            del expected[0]
        told = [one for one in whole.changes("Owner") if one["DataType"] == "EntityId"]
        first = told[0]["OldValue"] if told else whole.lead["OwnerId"]
        found = [(created, first)]
        found += [(second(one["CreatedDate"]), one["NewValue"]) for one in told]
        found = [(at, nobody if owner in NOBODY else owner) for at, owner in found]
        if found[0][1] == nobody:
            del found[0]
        assert found == expected
        number += len(told)
    assert number > 70


def test_a_change_of_owner_is_told_twice_by_id_and_by_name(alive: list[Whole], client: Any) -> None:
    names = {row["Id"]: row["Name"] for row in rows_of(client, "SELECT Id, Name FROM User")}
    names |= {row["Id"]: row["Name"] for row in rows_of(client, "SELECT Id, Name FROM Group")}
    for whole in alive:
        told = whole.changes("Owner")
        by_name, by_id = (
            [
                (one["CreatedDate"], one["OldValue"], one["NewValue"])
                for one in told
                if one["DataType"] == type_
            ]
            for type_ in ("Text", "EntityId")
        )
        assert by_name == [(at, names[old], names[new]) for at, old, new in by_id]


def test_leads_are_converted_at_their_first_opportunity(
    exports: Exports, alive: list[Whole], held: set[str]
) -> None:
    shown = by("lead_id", exports.rows("stage_changes"))
    deals = by("lead_id", list(exports.latest("opportunities", "opportunity_id").values()))
    for whole in alive:
        lead = whole.row["lead_id"]
        moments = [
            row["occurred"]
            for row in shown[lead]
            if row["stage"].strip().lower() in ("opportunity", "customer")
        ]
        moments += [row["opened"] for row in deals[lead]]
        reached = [known(moment, whole.lead) for moment in moments]
        assert whole.lead["IsConverted"] == bool(reached)
        converted = [one for one in whole.lead_history if one["Field"] == "leadConverted"]
        if not reached:
            assert not converted
            assert whole.lead["ConvertedContactId"] is None
            continue
        [row] = converted
        assert second(row["CreatedDate"]) == min(reached)
        assert whole.contact is not None
        assert whole.contact["CreatedDate"] == row["CreatedDate"]
        # only a day: the instant is in the history
        assert len(whole.lead["ConvertedDate"]) == 10
        assert {whole.lead_history[-1]["CreatedDate"], row["CreatedDate"]} == {row["CreatedDate"]}
        [born] = [one for one in whole.contact_history if one["Field"] == "contactCreatedFromLead"]
        assert born["CreatedDate"] == row["CreatedDate"]
        opened = [row for row in deals[lead] if known(row["opened"], whole.lead) == min(reached)]
        deal = id_of("006", number_of(opened[0]["opportunity_id"])) if opened else None
        assert whole.lead["ConvertedOpportunityId"] == deal


ACTIVITY = "Id, OwnerId, WhoId, Direction__c, ActivityDate, CreatedDate"


def touches(exports: Exports, held: set[str], gone: set[str], *kinds: str) -> dict[str, Row]:
    """What people did for the leads that are alive, by the id in Salesforce."""
    prefix = "00U" if kinds == ("meeting",) else "00T"
    return {
        id_of(prefix, number_of(row["touch_id"])): row
        for row in exports.rows("touches")
        if row["kind"] in kinds and row["is_automated"] == "false" and row["lead_id"] in held - gone
    }


def check_activity(
    rows: dict[str, Any], expected: dict[str, Row], alive: list[Whole], instant_of: str
) -> None:
    present = {whole.row["lead_id"]: whole.present["Id"] for whole in alive}
    persons = set(present.values())
    assert {one for one, row in rows.items() if row["WhoId"] in persons} == set(expected)
    for one, touch in expected.items():
        row = rows[one]
        assert row["WhoId"] == present[touch["lead_id"]]
        assert second(row[instant_of] or row["CreatedDate"]) == touch["occurred"]
        assert (row["Direction__c"] or "").lower() == touch["direction"]
        if touch["owner_id"]:
            assert row["OwnerId"] == user(touch["owner_id"])
        else:
            assert row["OwnerId"] in NOBODY


def test_tasks_are_what_people_did(
    exports: Exports, held: set[str], gone: set[str], alive: list[Whole], client: Any
) -> None:
    soql = (
        f"SELECT {ACTIVITY}, TaskSubtype, Type, CallType, CallDisposition, Status, "
        "CompletedDateTime FROM Task"
    )
    rows = {row["Id"]: row for row in rows_of(client, soql)}
    expected = touches(exports, held, gone, "call", "email", "message", "task", "note")
    assert len(expected) > 150
    check_activity(rows, expected, alive, "CompletedDateTime")
    subtypes = {"call": "Call", "email": "Email", "message": "LinkedIn"}
    types = {"note": "Note", "task": "To Do"}
    seen = set()
    for one, touch in expected.items():
        row, kind = rows[one], touch["kind"]
        seen.add(kind)
        assert row["TaskSubtype"] == subtypes.get(kind, "Task")
        if kind in types:
            assert row["Type"] == types[kind]
        assert row["Status"] == ("Not Started" if kind == "task" else "Completed")
        assert (row["CompletedDateTime"] is None) == (kind == "task")
        if kind == "call":
            assert row["CallType"].lower() == touch["direction"]
            assert row["CallDisposition"].lower() == touch["outcome"]
    assert seen == {"call", "email", "message", "task", "note"}


def test_events_are_the_meetings(
    exports: Exports, held: set[str], gone: set[str], alive: list[Whole], client: Any
) -> None:
    soql = f"SELECT {ACTIVITY}, StartDateTime, EndDateTime, Outcome__c FROM Event"
    rows = {row["Id"]: row for row in rows_of(client, soql)}
    expected = touches(exports, held, gone, "meeting")
    check_activity(rows, expected, alive, "StartDateTime")
    outcomes = {rows[one]["Outcome__c"].lower() for one in expected}
    assert outcomes == {"held", "no show"}
    for one, touch in expected.items():
        assert rows[one]["Outcome__c"].lower() == touch["outcome"]
        assert rows[one]["EndDateTime"] > rows[one]["StartDateTime"]


def test_opportunities_are_those_of_the_exports(
    exports: Exports, held: set[str], leads: dict[str, Any], client: Any
) -> None:
    soql = (
        "SELECT Id, CreatedDate, Amount, StageName, CloseDate, IsClosed, IsWon, OwnerId, "
        "CurrencyIsoCode, Probability FROM Opportunity"
    )
    found = {row["Id"]: row for row in rows_of(client, soql)}
    rows = {
        id_of("006", number_of(one)): row
        for one, row in exports.latest("opportunities", "opportunity_id").items()
        if row["lead_id"] in held
    }
    assert set(found) == set(rows)
    assert len(rows) > 15
    stages = by(
        "OpportunityId",
        rows_of(
            client,
            "SELECT OpportunityId, CreatedDate, StageName, Amount, Probability, CloseDate "
            "FROM OpportunityHistory ORDER BY CreatedDate, Id",
        ),
    )
    changes = by(
        "OpportunityId",
        rows_of(
            client,
            f"SELECT {HISTORY}, OpportunityId FROM OpportunityFieldHistory "
            "ORDER BY CreatedDate, Id",
        ),
    )
    seen = set()
    for one, row in rows.items():
        deal, told = found[one], stages[one]
        assert deal["CreatedDate"] == told[0]["CreatedDate"]
        assert second(deal["CreatedDate"]) == known(row["opened"], leads[lead_id(row["lead_id"])])
        assert told[0]["StageName"] == "Prospecting"
        assert f"{deal['Amount']:.2f}" == row["amount"]
        assert deal["CurrencyIsoCode"] == "EUR"
        assert deal["OwnerId"] == user(row["owner_id"])
        assert deal["IsClosed"] == (row["status"] != "open")
        assert deal["IsWon"] == (row["status"] == "won")
        for name in ("StageName", "Amount", "Probability", "CloseDate"):
            assert told[-1][name] == deal[name]
        named = [change for change in changes[one] if change["Field"] == "StageName"]
        assert [change["NewValue"] for change in named] == [
            stage["StageName"] for stage in told[1:]
        ]
        assert changes[one][0]["Field"] in ("created", "opportunityCreatedFromLead")
        takes = instant(row["closed"]) - instant(row["opened"]) if row["closed"] else timedelta()
        is_proposed = takes > timedelta(days=4)
        seen.add((row["status"], is_proposed))
        assert ("Proposal" in [stage["StageName"] for stage in told]) == is_proposed
        if row["status"] != "open":
            assert deal["StageName"] == f"Closed {row['status'].title()}"
            assert second(told[-1]["CreatedDate"]) == row["closed"]
            assert abs(instant(deal["CloseDate"]) - instant(row["closed"])) < timedelta(days=2)
    assert {status for status, _ in seen} == {"open", "won", "lost"}
    assert {is_proposed for status, is_proposed in seen if status != "open"} == {True, False}


def test_a_deal_has_the_contact_of_its_lead(
    exports: Exports, held: set[str], gone: set[str], client: Any
) -> None:
    roles = rows_of(
        client, "SELECT OpportunityId, ContactId, IsPrimary FROM OpportunityContactRole"
    )
    told = {row["OpportunityId"]: row["ContactId"] for row in roles}
    assert all(row["IsPrimary"] for row in roles)
    expected = {
        id_of("006", number_of(one)): id_of("003", number_of(row["lead_id"]))
        for one, row in exports.latest("opportunities", "opportunity_id").items()
        if row["lead_id"] in held - gone
    }
    assert {deal: told[deal] for deal in expected} == expected


def test_users_are_the_staff_and_the_integration(exports: Exports, client: Any) -> None:
    soql = "SELECT Id, Name, IsActive, Team__c, TimeZoneSidKey, UserType FROM User"
    found = rows_of(client, soql)
    told = {
        (row["Id"], row["Name"], row["Team__c"], row["TimeZoneSidKey"], row["IsActive"])
        for row in found
        if row["UserType"] == "Standard"
    }
    assert told == {
        (
            user(row["owner_id"]),
            row["name"],
            row["team"],
            row["time_zone"],
            row["is_active"] == "true",
        )
        for row in exports.latest("owners", "owner_id").values()
    }
    assert {row[4] for row in told} == {True, False}
    assert {row["Id"] for row in found if row["UserType"] != "Standard"} == {id_of("005", 1001)}


def test_campaigns_and_members_are_those_of_the_exports_and_cost_30_percent(
    exports: Exports, held: set[str], gone: set[str], alive: list[Whole], client: Any
) -> None:
    soql = "SELECT Id, Name, Type, StartDate, ActualCost FROM Campaign"
    campaigns = {row["Id"]: row for row in rows_of(client, soql)}
    soql = "SELECT Campaign__c, Day__c, Amount__c, CurrencyIsoCode FROM Campaign_Spend__c"
    spent = by("Campaign__c", rows_of(client, soql))
    expected = exports.latest("campaigns", "campaign_id")
    assert set(campaigns) == {id_of("701", number_of(one)) for one in expected}
    lines = by("campaign_id", exports.rows("spend"))
    for one, row in expected.items():
        told = campaigns[id_of("701", number_of(one))]
        assert (told["Name"], told["Type"]) == (row["name"], row["channel"])
        assert told["StartDate"] == row["started"]
        days = {line["Day__c"]: line["Amount__c"] for line in spent[told["Id"]]}
        # of each day's cost, the cents that the Americas pay
        assert days == {
            line["spent"]: int(Decimal(line["amount"]) * 30) / 100 for line in lines[one]
        }
        total = sum(days.values())
        assert told["ActualCost"] == pytest.approx(total)
    soql = "SELECT CampaignId, LeadId, ContactId, CreatedDate FROM CampaignMember"
    members = {row["LeadId"]: row for row in rows_of(client, soql)}
    for whole in alive:
        member = members.get(whole.lead["Id"])
        assert (member["CampaignId"] if member else None) == whole.lead["First_Campaign__c"]
        if member:
            assert member["CreatedDate"] == whole.lead["CreatedDate"]
            assert member["ContactId"] == (whole.contact and whole.contact["Id"])


def test_merged_leads_name_their_masters_as_long_as_the_bin_keeps_them(
    exports: Exports, held: set[str], salesforce: Org
) -> None:
    fates = set()
    for row in exports.rows("merges"):
        if row["merged_lead_id"] not in held:
            continue
        loser, winner = (lead_id(row[f"{name}_lead_id"]) for name in ("merged", "surviving"))
        at = datetime.fromisoformat(row["merged"])
        salesforce.clock.set(at + timedelta(seconds=30))
        client = connect(salesforce, salesforce.log_in())
        names = "IsDeleted, MasterRecordId, ConvertedContactId"
        lead, master = (
            rows_of(client, f"SELECT {names} FROM Lead WHERE Id = '{one}'", include_deleted=True)[0]
            for one in (loser, winner)
        )
        if lead["IsDeleted"]:
            assert lead["MasterRecordId"] == winner
            kind, parent, fate = "Lead", winner, "leadMerged"
        else:
            kind, parent, fate = "Contact", master["ConvertedContactId"], "contactUpdatedByLead"
            if lead["ConvertedContactId"] != parent:
                fate = "contactMerged"
                soql = (
                    "SELECT MasterRecordId, IsDeleted FROM Contact "
                    f"WHERE Id = '{lead['ConvertedContactId']}'"
                )
                [one] = rows_of(client, soql, include_deleted=True)
                assert (one["MasterRecordId"], one["IsDeleted"]) == (parent, True)
        soql = f"SELECT Field, CreatedDate FROM {kind}History WHERE {kind}Id = '{parent}'"
        told = {(one["Field"], second(one["CreatedDate"])) for one in rows_of(client, soql)}
        assert (fate, row["merged"]) in told
        # nothing of what the loser did is lost, but its history is
        soql = f"SELECT Id FROM LeadHistory WHERE LeadId = '{loser}'"
        assert bool(rows_of(client, soql)) == (not lead["IsDeleted"])
        fates.add(fate)
    assert fates >= {"leadMerged", "contactMerged"}


def test_deleted_leads_are_in_the_bin_or_gone_and_in_the_log_of_deletions(
    exports: Exports, held: set[str], salesforce: Org
) -> None:
    kept = []
    for lead, row in exports.latest("deletions", "lead_id").items():
        if lead not in held:
            continue
        one, at, kind = lead_id(lead), datetime.fromisoformat(row["deleted"]), "Lead"
        salesforce.clock.set(at - timedelta(seconds=1))
        client = connect(salesforce, salesforce.log_in())
        before = client.Lead.get(one)
        assert before["Id"] == one
        if before["IsConverted"]:
            one, kind = before["ConvertedContactId"], "Contact"
        salesforce.clock.set(at + timedelta(minutes=10))
        rows = getattr(client, kind)
        with pytest.raises(vendor.SalesforceResourceNotFound):
            rows.get(one)
        soql = f"SELECT Id, IsDeleted, SystemModstamp FROM {kind} WHERE Id = '{one}'"
        assert rows_of(client, soql) == []
        binned = rows_of(client, soql, include_deleted=True)
        if binned:
            assert binned[0]["IsDeleted"]
            assert second(binned[0]["SystemModstamp"]) == row["deleted"]
        kept.append(bool(binned))
        log = rows.deleted(at - timedelta(days=1), at + timedelta(minutes=2))
        dates = {entry["id"]: entry["deletedDate"] for entry in log["deletedRecords"]}
        assert second(dates[one]) == row["deleted"]
    assert set(kept) == {True, False}


def test_pages_follow_one_another(client: Any) -> None:
    first = client.query(
        "SELECT Id FROM LeadHistory", headers={"Sforce-Query-Options": "batchSize=200"}
    )
    assert len(first["records"]) == 200
    assert not first["done"]
    second_ = client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    ids = [row["Id"] for row in first["records"] + second_["records"]]
    assert len(set(ids)) == 400
    whole = client.query_all("SELECT Id FROM LeadHistory")
    assert len(whole["records"]) == whole["totalSize"] == first["totalSize"] > 800
    assert [row["Id"] for row in whole["records"]][:400] == ids


def test_bulk_gives_what_queries_give(salesforce: Org) -> None:
    client = connect(salesforce, salesforce.log_in())
    # each look at the job takes a while
    salesforce.simulator.faults.order(Fault("slow", path="/jobs/query/", seconds=2))
    soql = "SELECT Id, Company, Status, IsConverted, Score__c, CreatedDate, Owner.Name FROM Lead"
    pages = list(client.bulk2.Lead.query(soql, max_records=70, wait=0))
    assert len(pages) > 2
    found = [row for page in pages for row in csv.DictReader(StringIO(page, newline=""))]
    salesforce.simulator.faults.clear()
    expected = rows_of(client, soql)
    assert [row["Id"] for row in found] == [row["Id"] for row in expected]
    for row, other in zip(found, expected, strict=True):
        assert row["Company"] == other["Company"]
        assert row["IsConverted"] == str(other["IsConverted"]).lower()
        assert float(row["Score__c"]) == other["Score__c"]
        assert row["CreatedDate"][:19] == other["CreatedDate"][:19]
        assert row["Owner.Name"] == other["Owner"]["Name"]


def test_a_session_that_ended_is_renewed_and_the_call_replayed(salesforce: Org) -> None:
    client = connect(salesforce, salesforce.log_in())
    assert client.query("SELECT Id FROM User")["done"]
    salesforce.simulator.faults.order(Fault("expire", times=1))
    with pytest.raises(vendor.SalesforceExpiredSession) as refused:
        client.query("SELECT Id FROM User")
    assert refused.value.content[0]["errorCode"] == "INVALID_SESSION_ID"
    client = connect(salesforce, salesforce.log_in())
    assert client.query("SELECT Id FROM User")["done"]


def test_the_client_reads_what_is_left_of_the_allocation(client: Any) -> None:
    client.query("SELECT Id FROM User")
    usage = client.api_usage["api-usage"]
    assert usage.total == 118_000
    assert usage.used > 10
    assert client.limits()["DailyApiRequests"]["Max"] == 118_000


def test_fields_are_described(client: Any) -> None:
    fields = {field["name"]: field for field in client.Lead.describe()["fields"]}
    assert fields["Days_Open__c"]["calculated"]
    assert fields["Score__c"]["type"] == "double"
    assert fields["Score__c"]["custom"]
    assert not fields["Status"]["nillable"]
    assert fields["OwnerId"]["referenceTo"] == ["Group", "User"]
    words = [option["value"] for option in fields["Status"]["picklistValues"]]
    assert words == [UNTOLD, *WORDS]
    named = {one["name"] for one in client.describe()["sobjects"]}
    assert {"Lead", "Contact", "Campaign_Spend__c"} <= named
