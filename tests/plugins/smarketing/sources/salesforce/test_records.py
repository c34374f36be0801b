"""What REST and files tell becomes the same versions; what an org has is read, what it must not
tell is not asked for."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from smarketing.sources.errors import SourceError
from smarketing.sources.salesforce import Settings
from smarketing.sources.salesforce.objects import kinds

from tests.plugins.smarketing.sources.salesforce.conftest import (
    BY_JOB,
    COMPANY,
    PERSON,
    Asked,
    Open,
    Org,
)

# what no story has in its own fields
ODD: dict[str, tuple[str, Any]] = {
    "Flag__c": ("boolean", True),
    "Quote__c": ("string", 'a "quoted", one\nwith a line, ü€😀 and \\'),
    "Big__c": ("double", 1e21),
    "Small__c": ("percent", -0.000001),
    "Whole__c": ("int", 12),
    "At__c": ("datetime", 1_790_000_000),
    "On__c": ("date", "2026-10-20"),
    "Null__c": ("string", "null"),
    "Zero__c": ("currency", 0.0),
}


def test_pages_and_jobs_give_the_same_versions_of_everything(open_org: Open) -> None:
    org = open_org(COMPANY)
    for name, (type_, _) in ODD.items():
        org.happen("new_field", object="Lead", name=name, type=type_)
    for row, (name, (_, value)) in zip(org.rows("Lead"), ODD.items(), strict=False):
        org.save(row, **{name: value})
    org.save(org.rows("Lead")[20], **{name: value for name, (_, value) in ODD.items()})
    by_page, by_job = org.read(), org.read(**BY_JOB)
    assert by_page.versions == by_job.versions
    assert min(len(rows) for table, rows in by_page.versions.items() if table != "merges") > 3
    assert by_page.unreadable == by_job.unreadable == []
    jobs = [call for call in org.recorder.calls if call.path.endswith("/jobs/query")]
    assert len(jobs) == len(kinds(Settings(**org.settings)))


@pytest.mark.parametrize("how", [{}, BY_JOB])
def test_columns_of_text_may_be_filled_by_fields_of_other_types(
    org: Org, how: dict[str, Any]
) -> None:
    mapped = PERSON | {"persona": "Score__c", "reason": "IsConverted", "channel": "CreatedDate"}
    told = org.read("Lead", leads=mapped, **how)
    row = min(told.rows["leads"].values(), key=lambda row: str(row["lead_id"]))
    assert row["persona"] == str(int(row["score"]))
    assert row["reason"] in ("true", "false")
    assert row["channel"] == row["created_at"].strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_history_has_our_names_and_ids_for_owners(open_org: Open) -> None:
    told = open_org(COMPANY).read("LeadHistory", "ContactHistory", "OpportunityFieldHistory")
    rows = list(told.rows["field_history"].values())
    names = {(row["object"], row["field"]) for row in rows}
    assert {
        ("Lead", "status"), ("Lead", "owner_id"), ("Lead", "Owner"), ("Lead", "score"),
        ("Lead", "created"), ("Lead", "leadConverted"), ("Contact", "lifecycle_stage"),
        ("Contact", "contactCreatedFromLead"), ("Opportunity", "stage"), ("Opportunity", "amount"),
        ("Opportunity", "close_on"),
    } <= names  # fmt: skip
    owners = [row for row in rows if row["field"] == "owner_id"]
    assert {len(row["new"]) for row in owners} == {18}
    assert not any(row["new"].startswith("00") for row in rows if row["field"] == "Owner")
    scores = [row["new"] for row in rows if row["field"] == "score"]
    assert scores
    assert all(score.isdigit() for score in scores)


def test_the_orgs_own_fields_go_to_custom_and_empty_ones_are_left_out(org: Org) -> None:
    org.happen("new_field", object="Lead", name="Budget__c", type="currency")
    row = org.rows("Lead")[0]
    org.save(row, Budget__c=12.5)
    told = org.read("Lead")
    customs = {one["lead_id"]: orjson.loads(one["custom"]) for one in told.rows["leads"].values()}
    assert customs.pop(row.id)["Budget__c"] == 12.5
    assert {name for custom in customs.values() for name in custom} == {"Days_Open__c"}


@pytest.mark.parametrize(
    ("name", "type_", "spoil", "never"),
    [
        ("Private__c", "string", {"encrypted": True}, ()),
        ("Private__c", "string", {"type": "encryptedstring"}, ()),
        ("Private__c", "string", {"type": "location"}, ()),
        ("Private__c", "string", {}, ("Private__c",)),
    ],
)
@pytest.mark.parametrize("how", [{}, BY_JOB])
def test_what_nobody_should_read_is_not_asked_for(
    org: Org, name: str, type_: str, spoil: dict[str, Any], never: Any, how: dict[str, Any]
) -> None:
    def describe(asked: Asked, body: bytes) -> bytes:
        if not asked.path.endswith("/describe"):
            return body
        told = orjson.loads(body)
        for field in told["fields"]:
            if field["name"] == name:
                field |= spoil
        return orjson.dumps(told)

    org.happen("new_field", object="Lead", name=name, type=type_)
    org.save(org.rows("Lead")[0], Private__c="Geheimnis")
    org.recorder.spoil = describe
    told = org.read("Lead", never=never, **how)
    assert "Geheimnis" not in str(told.rows)
    assert not any(name in call.query for call in org.recorder.calls)
    [field] = [row for row in told.rows["fields"].values() if row["name"] == name]
    assert not field["is_read"]
    spoiled = PERSON | {"reason": name}
    if spoil.get("type") != "location":
        with pytest.raises(SourceError, match="never asked for"):
            org.read("Lead", leads=spoiled, never=never)


def test_an_org_with_one_currency_has_no_field_for_it(org: Org) -> None:
    told = org.read("Opportunity", "Campaign")
    assert {row["currency"] for row in told.rows["campaigns"].values()} == {"EUR"}
    for object_ in ("Opportunity", "Campaign"):
        org.happen("drop_field", object=object_, name="CurrencyIsoCode")
    bare = org.read("Opportunity", "Campaign")
    assert {row["currency"] for row in bare.rows["campaigns"].values()} == {None}
    # but what was there and is gone is missed
    with pytest.raises(SourceError, match="CurrencyIsoCode, which fills our currency"):
        org.night(8, "Opportunity", into=told)


def test_descriptions_are_asked_for_only_where_they_changed(org: Org) -> None:
    told = org.read("Lead")
    org.night(1, "Lead", into=told)
    described = [call.status for call in org.recorder.calls if call.path.endswith("/describe")]
    assert described == [200, 304]
    org.happen("new_field", object="Lead", name="New__c", type="string")
    org.clock.advance(60)
    org.night(2, "Lead", into=told)
    described = [call.status for call in org.recorder.calls if call.path.endswith("/describe")]
    assert described == [200, 304, 200]


def test_a_field_that_was_hidden_from_us_is_noticed_though_its_description_stands(
    org: Org,
) -> None:
    org.happen("new_field", object="Lead", name="Hidden__c", type="string")
    org.clock.advance(1)
    told = org.read("Lead")
    del org.vendor._schema.objects["Lead"]["Hidden__c"]
    org.night(1, "Lead", into=told)
    assert "Lead: field Hidden__c is gone" in " ".join(told.notes)
    assert told.ids() == {row.id for row in org.rows("Lead")}


def test_a_changed_mapping_reads_all_records_again(org: Org) -> None:
    told = org.read("Lead")
    org.night(1, "Lead", into=told, leads=PERSON | {"second_email": "Email"})
    assert all(row["second_email"] == row["email"] for row in told.rows["leads"].values())


def test_drift_is_decided_as_for_every_source(org: Org) -> None:
    told = org.read("Lead")
    org.happen("retype_field", object="Lead", name="Score__c", type="string")
    org.clock.advance(60)
    org.night(1, "Lead", into=told)
    assert "Score__c was double and is string now" in " ".join(told.notes)
    org.happen("drop_field", object="Lead", name="Region__c")
    with pytest.raises(SourceError, match="no field Region__c, which fills our region"):
        org.night(2, "Lead", into=told)


@pytest.mark.parametrize(
    "cursor",
    [
        {"since": "2027-01-01T00:00:00Z"},
        {"since": "yesterday"},
        {"since": 17},
        {"since": None, "reading": {"night": "2026-11-20T02:00:00Z"}},
        {"after": "x"},
        {"until": "2027-01-01T00:00:00Z"},
        ["no", "cursor"],
        "no cursor",
    ],
)
@pytest.mark.parametrize("name", ["Lead", "deleted Lead"])
def test_a_cursor_that_says_nothing_means_the_beginning(org: Org, name: str, cursor: Any) -> None:
    from smarketing.sources.api.streams import _pages

    with org.source() as source:
        [stream] = [one for one in source.streams() if one.name == name]
        pages = list(_pages(stream, cursor))
    assert "read from the beginning" in pages[0].notes[0]
    if name == "Lead":
        read = sum(len(rows) for page in pages for rows in [page.rows.get("leads", ())])
        assert read == len(org.rows("Lead"))


def test_a_mapping_names_our_columns_only() -> None:
    with pytest.raises(ValidationError, match="leads: unknown: lifecycle_stage, wrong; known: arr"):
        Settings(leads={"wrong": "A__c", "lifecycle_stage": "B__c"})
