"""Everything that a model must cope with does occur, and the numbers look like a company."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from tests.plugins.smarketing.sandbox.exports import ENDS_AT, MADRID, Exports, Row, instant, is_day

PATH = ("subscriber", "lead", "mql", "sal", "sql", "opportunity", "customer")
DETOURS = ("recycled", "disqualified", "lost")
DETOUR_WORDS = ("nurture", "unqualified", "closed lost")
SHARED_MAILBOXES = {"info", "sales", "contact", "office", "hello", "support", "admin"}


@pytest.fixture(scope="module")
def exports(company: Callable[..., Exports]) -> Exports:
    return company(leads=3000)


@pytest.fixture(scope="module")
def journeys(exports: Exports) -> list[list[Row]]:
    """The observed stage entries of each person, in order."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in exports.truth("stages"):
        if row["is_inferred"] == "false":
            found[row["person_id"]].append(row)
    return list(found.values())


def steps(journeys: list[list[Row]]) -> list[tuple[Row, Row]]:
    return [step for journey in journeys for step in pairwise(journey)]


# journeys


def test_stages_are_skipped(exports: Exports) -> None:
    skips = Counter(
        row["direction"] for row in exports.truth("stages") if row["is_inferred"] == "true"
    )
    assert skips["forward"] > 100
    assert skips["initial"] > 100


def test_people_fall_back_within_a_cycle_and_into_a_new_one(journeys: list[list[Row]]) -> None:
    falls = [step for step in steps(journeys) if step[1]["direction"] == "backward"]
    is_new_cycle = Counter(one["cycle_number"] != other["cycle_number"] for one, other in falls)
    assert is_new_cycle[False] > 10
    assert is_new_cycle[True] > 5


def test_people_come_back_from_detours_in_the_same_cycle_or_a_new_one(
    journeys: list[list[Row]],
) -> None:
    returns = [step for step in steps(journeys) if step[0]["stage"] in DETOURS]
    is_new_cycle = Counter(
        one["cycle_number"] != other["cycle_number"]
        for one, other in returns
        if other["stage"] in PATH
    )
    assert is_new_cycle[True] > 50
    assert is_new_cycle[False] > 5


def test_people_change_from_one_detour_to_another(journeys: list[list[Row]]) -> None:
    assert any(
        one["stage"] in DETOURS and other["stage"] in DETOURS for one, other in steps(journeys)
    )


def test_stages_share_an_instant(journeys: list[list[Row]]) -> None:
    twins = [step for step in steps(journeys) if step[0]["entered"] == step[1]["entered"]]
    assert len(twins) > 20
    assert any(one["is_date_only"] == "true" for one, _ in twins)
    assert all(PATH.index(one["stage"]) < PATH.index(other["stage"]) for one, other in twins)


def test_uploads_know_only_the_day(exports: Exports) -> None:
    leads = exports.latest("leads", "lead_id")
    uploaded = {lead_id for lead_id, lead in leads.items() if is_day(lead["created"])}
    assert 0.01 < len(uploaded) / len(leads) < 0.03
    changes = [row for row in exports.rows("stage_changes") if is_day(row["occurred"])]
    assert {row["lead_id"] for row in changes} == uploaded
    assert {row["stage"].strip().lower() for row in changes} >= {"lead", "marketing qualified"}


def test_stages_are_repeated_misspelt_and_invented(exports: Exports) -> None:
    words = Counter(row["stage"] for row in exports.rows("stage_changes"))
    unmapped = sum(words[word] for word in words if word.strip().lower().startswith("event"))
    assert unmapped > 0
    assert any(word != word.strip() for word in words)
    assert any(word.isupper() for word in words)
    entries = Counter(
        (row["lead_id"], row["stage"].strip().lower()) for row in exports.rows("stage_changes")
    )
    assert sum(count > 1 for count in entries.values()) > 50


def test_detours_have_reasons(exports: Exports) -> None:
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for row in exports.rows("stage_changes"):
        reasons[row["stage"].strip().lower()].add(row["reason"])
    for word in DETOUR_WORDS:
        assert "" not in reasons[word]
    assert reasons["unqualified"] >= {"duplicate", "test", "employee", "not a fit"}
    assert reasons["lead"] == {""}


# records


def test_persons_have_several_records(exports: Exports) -> None:
    persons = exports.truth("persons")
    sizes = Counter(len(row["record_ids"].split(";")) for row in persons)
    assert set(sizes) == {1, 2, 3}
    assert 0.02 < (sizes[2] + sizes[3]) / len(persons) < 0.04


def test_merges_come_in_chains_and_both_ways(exports: Exports) -> None:
    merges = exports.rows("merges")
    merged = {row["merged_lead_id"] for row in merges}
    assert any(row["surviving_lead_id"] in merged for row in merges)
    born = {row["lead_id"]: instant(row["created"]) for row in exports.rows("leads")}
    is_into_older = Counter(
        born[row["surviving_lead_id"]] < born[row["merged_lead_id"]] for row in merges
    )
    assert min(is_into_older[True], is_into_older[False]) > 5


def test_records_are_linked_by_email_alone_however_it_is_spelt(exports: Exports) -> None:
    merges = exports.rows("merges")
    merged = {row["merged_lead_id"] for row in merges}
    leads = exports.latest("leads", "lead_id")
    linked = []
    for person in exports.truth("persons"):
        standing = [one for one in person["record_ids"].split(";") if one not in merged]
        if len(standing) > 1:
            linked.append([leads[one]["email"] for one in standing])
    assert len(linked) > 20
    assert all(len({email.strip().lower() for email in emails}) == 1 for emails in linked)
    assert any(len(set(emails)) > 1 for emails in linked)


def test_different_persons_share_a_mailbox(exports: Exports) -> None:
    persons: defaultdict[str, set[str]] = defaultdict(set)
    leads = exports.latest("leads", "lead_id")
    for person in exports.truth("persons"):
        for record in person["record_ids"].split(";"):
            persons[leads[record]["email"].strip().lower()].add(person["person_id"])
    del persons[""]
    shared = [email for email, ids in persons.items() if len(ids) > 1]
    assert len(shared) > 10
    assert all(email.split("@")[0] in SHARED_MAILBOXES for email in shared)


def test_a_second_record_gets_ahead_is_dismissed_or_goes_on(exports: Exports) -> None:
    changes: defaultdict[str, list[Row]] = defaultdict(list)
    for row in exports.rows("stage_changes"):
        changes[row["lead_id"]].append(row)
    entered: defaultdict[str, set[str]] = defaultdict(set)
    for row in exports.truth("stages"):
        entered[row["person_id"]].add(row["entered"])
    born = {row["lead_id"]: instant(row["created"]) for row in exports.rows("leads")}

    is_true: dict[str, Counter[bool]] = {"path": Counter(), "dismissed": Counter()}
    for person in exports.truth("persons"):
        first, *others = sorted(person["record_ids"].split(";"), key=lambda one: born[one])
        for record in others:
            for row in changes[record]:
                kind = "dismissed" if row["reason"] == "duplicate" else "path"
                is_true[kind][row["occurred"] in entered[person["person_id"]]] += 1
        for row in changes[first] if others else []:
            if row["reason"] == "duplicate":
                is_true["dismissed"][row["occurred"] in entered[person["person_id"]]] += 1
    assert min(is_true["path"].values()) > 5
    assert is_true["dismissed"][False] > 5


def test_persons_and_single_records_are_deleted(exports: Exports) -> None:
    persons = exports.truth("persons")
    deleted = {row["lead_id"] for row in exports.rows("deletions")}
    assert 0.003 < len(deleted) / len(persons) < 0.015
    is_deleted = {
        row["is_deleted"] for row in persons if deleted & set(row["record_ids"].split(";"))
    }
    assert is_deleted == {"true", "false"}


# what the teams do


def test_touches_are_of_every_kind(exports: Exports) -> None:
    kinds = {
        (row["kind"], row["direction"], row["is_automated"], row["outcome"])
        for row in exports.rows("touches")
    }
    assert kinds == {
        ("call", "outbound", "false", "connected"),
        ("call", "outbound", "false", "no answer"),
        ("email", "outbound", "false", ""),
        ("email", "outbound", "true", ""),
        ("email", "outbound", "true", "bounced"),
        ("email", "inbound", "false", "replied"),
        ("meeting", "outbound", "false", "held"),
        ("meeting", "outbound", "false", "no show"),
        ("message", "outbound", "false", ""),
        ("note", "", "false", ""),
        ("task", "", "false", ""),
        ("form", "inbound", "false", ""),
    }


def test_handoffs_are_answered_soon_late_and_never(exports: Exports) -> None:
    handoffs = exports.truth("handoffs")
    touched = [row for row in handoffs if row["first_touch"]]
    assert 0.75 < len(touched) / len(handoffs) < 0.95
    hours = [
        (instant(row["first_touch"]) - instant(row["handed_off"])) / timedelta(hours=1)
        for row in touched
    ]
    assert min(hours) >= 0
    assert 0.25 < sum(wait < 4 for wait in hours) / len(hours) < 0.6
    assert max(hours) > 24 * 7


def test_handoffs_are_routed_at_once_later_and_never(exports: Exports) -> None:
    handoffs = exports.truth("handoffs")
    assert any(not row["assigned"] for row in handoffs)
    assert any(row["assigned"] == row["handed_off"] for row in handoffs)
    assert any(row["assigned"] > row["handed_off"] for row in handoffs)
    assert any("" < row["first_touch"] < row["assigned"] for row in handoffs)


def test_leads_are_reassigned_also_before_the_first_touch(exports: Exports) -> None:
    changes = sorted(exports.rows("ownership_changes"), key=lambda row: row["occurred"])
    teams = {row["owner_id"]: row["team"] for row in exports.rows("owners")}
    reassigned: defaultdict[str, list[str]] = defaultdict(list)
    for row in changes:
        if teams.get(row["owner_id"], "").startswith("Sales"):
            reassigned[row["lead_id"]].append(row["occurred"])
    again = {lead_id: times for lead_id, times in reassigned.items() if len(times) > 1}
    assert 0.03 < len(again) / len(reassigned) < 0.2
    assert any(
        again[row["person_id"]][1] < row["first_touch"]
        for row in exports.truth("handoffs")
        if row["person_id"] in again
    )


def test_owners_work_in_three_zones_and_some_have_left(exports: Exports) -> None:
    owners = exports.latest("owners", "owner_id").values()
    assert {row["time_zone"] for row in owners} == {
        "Europe/Madrid",
        "America/New_York",
        "Asia/Kolkata",
    }
    assert {row["team"] for row in owners} == {
        "Marketing",
        "Sales EMEA",
        "Sales Americas",
        "Sales APAC",
    }
    assert sum(row["is_active"] == "false" for row in owners) == 2


def test_deals_follow_the_stages(exports: Exports) -> None:
    deals = exports.latest("opportunities", "opportunity_id").values()
    assert {row["status"] for row in deals} == {"open", "won", "lost"}
    assert all(bool(row["closed"]) == (row["status"] != "open") for row in deals)
    assert all(row["opened"] <= row["closed"] for row in deals if row["closed"])
    assert any(count > 1 for count in Counter(row["lead_id"] for row in deals).values())
    customers = [row for row in exports.truth("outcomes") if row["first_customer"]]
    assert all(row["is_won"] == "true" for row in customers)


# what it looks like


def test_the_funnel_narrows_like_a_real_one(exports: Exports) -> None:
    reached: Counter[str] = Counter()
    for _, stage in {(row["person_id"], row["stage"]) for row in exports.truth("stages")}:
        reached[stage] += 1
    rates = {
        after: reached[after] / reached[before] for before, after in pairwise(("lead", *PATH[2:]))
    }
    expected = {"mql": 0.47, "sal": 0.6, "sql": 0.57, "opportunity": 0.52, "customer": 0.36}
    assert rates == pytest.approx(expected, abs=0.08)


def test_a_sale_takes_about_forty_days(exports: Exports) -> None:
    days = [
        (instant(row["first_customer"]) - instant(row["first_sql"])) / timedelta(days=1)
        for row in exports.truth("outcomes")
        if row["first_customer"] and row["first_sql"]
    ]
    assert 30 < median(days) < 50


def test_leads_grow_and_arrive_at_all_hours(exports: Exports) -> None:
    created = [instant(row["created"]) for row in exports.truth("persons")]
    half_year = timedelta(days=182)
    recent = sum(at >= ENDS_AT - half_year for at in created)
    earlier = sum(ENDS_AT - 3 * half_year <= at < ENDS_AT - 2 * half_year for at in created)
    assert recent > 1.2 * earlier
    local = [at.astimezone(MADRID) for at in created]
    assert {at.hour for at in local} == set(range(24))
    weekdays = Counter(at.weekday() for at in local)
    assert 0 < weekdays[5] < weekdays[1] / 2


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("Europe/Madrid", "2025-10-26T01:00:00Z"),
        ("Europe/Madrid", "2026-03-29T01:00:00Z"),
        ("America/New_York", "2025-11-02T06:00:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z"),
    ],
)
def test_things_happen_around_clock_changes(exports: Exports, zone: str, hour: str) -> None:
    turn = instant(hour)
    before, after = (at.astimezone(ZoneInfo(zone)) for at in (turn - timedelta(seconds=1), turn))
    assert before.utcoffset() != after.utcoffset()

    def is_near(at: datetime) -> bool:
        return abs(at - turn) <= timedelta(hours=1)

    assert any(is_near(instant(row["occurred"])) for row in exports.rows("stage_changes"))


def test_qualified_leads_lack_what_the_checks_look_for(exports: Exports) -> None:
    leads = exports.latest("leads", "lead_id")
    people = {row["person_id"] for row in exports.truth("handoffs")}
    qualified = [leads[person_id] for person_id in people]
    lacks = {
        "contact": sum(not row["email"] and not row["phone"] for row in qualified),
        "persona": sum(not row["persona"] for row in qualified),
        "channel": sum(not row["channel"] for row in qualified),
    }
    assert all(lacks.values())
    assert 0.005 < sum(lacks.values()) / len(qualified) < 0.02


def test_text_is_as_people_type_it(exports: Exports) -> None:
    names = {row["company"] for row in exports.rows("leads")}
    for mark in (",", '"', "\n", "ü", "株", "=cmd", "drop table", "<script>"):
        assert any(mark in name for name in names), mark
