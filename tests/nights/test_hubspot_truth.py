"""What the models find in HubSpot is what the built-in company planted there.

HubSpot cannot hold everything (``sandbox.vendors.hubspot.fill``), and the story gives way:

- A merge makes a third record that joins two histories, and what happened to whom can only be told
  by who knew the records before. Nights run right before each merge and each deletion, so that
  all of it is known; a company whose first night comes later has to live with joined histories.
- Of two records that become one, the primary's values win, or else the later ones. Who had left the
  path by another way than the primary seems to change ways; and a survivor that then shows a stage
  below the one it was handed goes back, where in the story it never was so high. Left out here.
- A record that was imported has no owner before the import: of a handoff that is known to the day
  only, which has no clock, it is not compared who held it first.
- A record erased for privacy is in no list any more: it is gone by the night that missed it.
- A stage entered twice leaves no second trace. That moves nobody, and is no difference.
- Instants are late by up to a second, and in one second the order is HubSpot's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from smarketing.agreement import expanded_until, load_agreement, read_agreement
from smarketing.config import read_settings
from smarketing.home import PROJECT
from smarketing.night import open_night
from smarketing.sandbox import truth
from smarketing.sandbox.company import Company
from smarketing.sandbox.crm import lead_changes
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.stages import RANK, is_on_path
from smarketing.sandbox.story import Story, opaque_id
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.hubspot import HubSpot
from smarketing.sandbox.vendors.hubspot.fill import number_of
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import extract
from smarketing.sources.hubspot import Settings, open_source
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.build import build_layer
from smarketing.warehouse.connection import as_role, connect

from tests.conftest import dbt_workdir
from tests.nights.conftest import LAST_NIGHT, LAYERS

Rows = set[tuple[Any, ...]]

STAGES = """
select
    lead_id, cycle_number, stage, date_trunc('second', entered_at),
    date_trunc('second', exited_at), direction, is_inferred, is_date_only
from marts_candidate.fct_funnel_stages
"""
HANDOFFS = """
select
    lead_id,
    cycle_number,
    date_trunc('second', handed_off_at),
    case when not is_date_only then date_trunc('second', assigned_at) end,
    split_part(first_touch_key, '/', 2),
    date_trunc('second', accepted_at),
    date_trunc('second', rejected_at),
    rejection_reason
from marts_candidate.fct_handoffs
"""
OUTCOMES = """
select
    lead_id,
    (select date_trunc('second', min(entered_at)) from marts_candidate.fct_funnel_stages as stages
     where stages.lead_id = leads.lead_id and stage = 'mql' and not is_inferred),
    (select date_trunc('second', min(entered_at)) from marts_candidate.fct_funnel_stages as stages
     where stages.lead_id = leads.lead_id and stage = 'sql' and not is_inferred),
    (select date_trunc('second', min(entered_at)) from marts_candidate.fct_funnel_stages as stages
     where stages.lead_id = leads.lead_id and stage = 'customer' and not is_inferred),
    exists (select from marts_candidate.fct_opportunities as deals
            where deals.lead_id = leads.lead_id and is_won),
    (select coalesce(sum(amount) filter (where is_won), 0)::numeric(18, 2)::text
     from marts_candidate.fct_opportunities as deals where deals.lead_id = leads.lead_id)
from marts_candidate.dim_leads as leads
"""
PERSONS = """
select lead_id, is_deleted, date_trunc('second', deleted_at) from marts_candidate.dim_leads
"""
# who the person was on being handed over
VALUES = """
select
    lead_id, cycle_number, split_part(email, '@', 2), phone is not null, persona, channel, country,
    score, score_basis
from intermediate.int_values_at_entry
where stage = 'mql'
"""


@dataclass(frozen=True)
class Night:
    """What the models made of HubSpot: whose record is whose, and all rows of each person."""

    lead_ids: dict[str, str]
    rows: dict[str, dict[str, Rows]]


def people(company: Company) -> Iterator[Story]:
    """Everybody whose records all stand in HubSpot."""
    for story, _ in stories(company, Campaigns(company)):
        if all(crm_of(story, index) == "hubspot" for index in range(len(story.records))):
            yield story


def is_told_otherwise(story: Story) -> bool:
    """Whether what a merge hands to the survivor is not what the survivor has in the story."""
    for merge in story.merges:
        before, after = shown(story, merge.survivor, merge.at)
        others, _ = shown(story, merge.merged, merge.at)
        present = story.moves[story.standing(merge.at)].stage
        own = before[-1] if before else ""
        if own not in ("", present) and not is_on_path(own) and not is_on_path(present):
            return True
        handed = max(RANK.get(stage, 0) for stage in (*before, *others, "subscriber"))
        if after and 0 < RANK.get(after[0], 0) < handed:
            return True
    return False


def shown(story: Story, record: int, at: int) -> tuple[list[str], list[str]]:
    """The stages that a record shows before an instant, and from it on."""
    stages = [(move.at, move.stage) for move in story.moves if move.record == record]
    stages += [(echo.at, echo.stage) for echo in story.echoes if echo.record == record]
    stages.sort()
    return [stage for when, stage in stages if when < at], [
        stage for when, stage in stages if when >= at
    ]


def nights_of(company: Company) -> list[datetime]:
    """Right before anything is lost, and the last night."""
    lost: set[int] = set()
    for story in people(company):
        lost |= {merge.at for merge in story.merges}
        lost |= {deletion.at for deletion in story.deletions}
    nights = [*sorted(at - 1 for at in lost), company.ends_at]
    return [datetime.fromtimestamp(at, UTC) for at in nights]


def read_hubspot(company: Company, uri: str, workdir: Path) -> None:
    clock = Clock(datetime.fromtimestamp(company.ends_at, UTC))
    account = HubSpot(company, clock, throttled=False)
    settings = read_settings(PROJECT / "hubspot.yml", Settings)
    with serving(Simulator(account, clock)) as url:
        connection = VendorConnection("hubspot", url, password=account.keys.private)
        for known_at in nights_of(company):
            clock.set(known_at)
            with open_source(settings, connection, known_at) as source:
                extract(
                    source,
                    warehouse_uri=as_role(uri, "loader"),
                    night_id="night",
                    known_at=known_at,
                    workdir=workdir / "dlt",
                )


def build(uri: str, as_of: datetime, workdir: Path) -> None:
    with connect(uri, "loader") as connection:
        agreement = read_agreement(PROJECT / "agreements")
        load_agreement(agreement, connection, as_of=as_of, until=expanded_until(as_of))
        create_raw_tables(connection)
    night = open_night(uri, as_of, as_of)
    for layer in LAYERS:
        build_layer(uri, night, layer, dbt_workdir(uri, workdir))


def by_lead(connection: psycopg.Connection[Any], query: str) -> dict[str, Rows]:
    rows: dict[str, Rows] = defaultdict(set)
    for lead_id, *row in connection.execute(query):
        rows[lead_id].add(tuple(row))
    return rows


@contextmanager
def night_of(company: Company, uri: str, workdir: Path) -> Iterator[Night]:
    read_hubspot(company, uri, workdir)
    build(uri, datetime.fromtimestamp(company.ends_at, UTC), workdir)
    with psycopg.connect(uri) as connection:
        identity = "select record_key, lead_id from intermediate.int_lead_identity"
        queries = {
            "persons": PERSONS, "stages": STAGES, "handoffs": HANDOFFS, "outcomes": OUTCOMES,
            "values": VALUES,
        }  # fmt: skip
        yield Night(
            dict(connection.execute(identity).fetchall()),
            {name: by_lead(connection, query) for name, query in queries.items()},
        )


def instant(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def scores_told(company: Company) -> dict[int, list[list[tuple[int, int]]]]:
    """When each record of a person got which score, by the person's number."""
    return {
        story.number: [
            [
                (record.known_at, record.score),
                *(
                    (at, int(value))
                    for at, name, value in lead_changes(rng, story, index)
                    if name == "score"
                ),
            ]
            for index, record in enumerate(story.records)
        ]
        for story, rng in stories(company, Campaigns(company))
    }


def older_first(story: Story, at: int) -> list[int]:
    """The person's contacts: a merge ends both, so that neither is the survivor."""
    return sorted(truth.records_at(story, at), key=lambda index: story.records[index].created)


def values(
    story: Story,
    scores: list[list[tuple[int, int]]],
    believed: Callable[[Story, int], list[int]],
) -> Iterator[tuple[Any, ...]]:
    """Who the person was on being handed over, the score by its history included.

    ``believed`` gives the person's records at an instant, the most believed first.
    """
    at_handoff = {
        move.cycle: truth.judged_at(move) for move in reversed(story.moves) if move.stage == "mql"
    }
    for name, (_, *told) in truth.tell(story):
        if name == "entries" and told[1] == "mql":
            cycle, _, _, domain, has_phone, persona, _, country = told
            at = at_handoff[int(str(cycle))]
            records = believed(story, at)
            channels = (story.records[index].channel for index in records)
            channel = next((channel for channel in channels if channel), None)
            score = next(score for when, score in reversed(scores[records[0]]) if when <= at)
            yield (
                cycle, domain or None, has_phone == "true", persona or None, channel, country,
                score, 1,
            )  # fmt: skip


def planted(story: Story, scores: list[list[tuple[int, int]]]) -> dict[str, Rows]:
    """The truth about a person, in the words of the queries."""
    rows: dict[str, Rows] = defaultdict(set)
    if told_values := set(values(story, scores, older_first)):
        rows["values"] = told_values
    known_to_the_day = {each.cycle for each in story.handoffs if each.at < each.known_at}
    for name, (_, *told) in truth.tell(story):
        if name == "persons":
            rows[name].add((told[2] == "true", instant(told[3])))
        elif name == "stages":
            cycle, stage, entered, is_day, exited, direction, is_inferred = told
            rows[name].add(
                (
                    cycle, stage, instant(entered), instant(exited), direction,
                    is_inferred == "true", is_day == "true",
                )
            )  # fmt: skip
        elif name == "handoffs":
            cycle, handed_off, assigned, _, _, touch, accepted, left, reason = told
            number = str(number_of(str(touch))) if touch else None
            held_from = None if cycle in known_to_the_day else instant(assigned)
            rows[name].add(
                (
                    cycle, instant(handed_off), held_from, number, instant(accepted),
                    instant(left), reason or None,
                )
            )  # fmt: skip
        elif name == "outcomes":
            mql, sql, customer, is_won, amount = told
            rows[name].add(
                (instant(mql), instant(sql), instant(customer), is_won == "true", amount)
            )
    return rows


def by_night(persons: Rows, nights: list[datetime]) -> Rows:
    """Whether they are deleted, and which night could tell first."""
    return {
        (is_deleted, at and next(night for night in nights if night >= at))
        for is_deleted, at in persons
    }


def check(company: Company, uri: str, workdir: Path) -> None:
    compared = left_out = 0
    nights = nights_of(company)
    scores = scores_told(company)
    with night_of(company, uri, workdir) as night:
        for story in people(company):
            if is_told_otherwise(story):
                left_out += 1
                continue
            compared += 1
            ids = [record.lead_id for record in story.records]
            ids += [
                opaque_id("", story.number, len(ids) + number)
                for number in range(len(story.merges))
            ]
            keys = {f"hubspot:{number_of(one)}" for one in ids}
            [lead_id] = {night.lead_ids[key] for key in keys & night.lead_ids.keys()}
            found = {name: rows[lead_id] for name, rows in night.rows.items() if rows[lead_id]}
            expected = planted(story, scores[story.number])
            for rows in (found, expected):
                rows["persons"] = by_night(rows["persons"], nights)
            assert found == expected, ids
    assert compared > 100
    assert left_out <= compared // 100


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "leads"), [(7, 300), *((seed, 1200) for seed in range(1, 6))])
def test_what_hubspot_tells_is_what_was_planted(
    warehouse: str, tmp_path: Path, seed: int, leads: int
) -> None:
    check(Company(seed=seed, leads=leads, nights=1, ends=LAST_NIGHT), warehouse, tmp_path)
