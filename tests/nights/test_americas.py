"""What Salesforce and Marketo tell of the Americas is what happened there.

The truth is told by the stories that the systems were filled from. Compared is everybody whose
records all stand in Salesforce, and so in Marketo.

- A vendor keeps no history of a record that became part of another or was deleted, and says so for
  two weeks. Nights run right before each merge and each deletion, and on the day after, so that all
  of it is known; a company whose first night comes later knows the survivors only.
- A bounced letter is two touches in Marketo: it was sent, and came back.
- What Salesforce keeps by itself has no owner but the integration: nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from smarketing.config import read_settings
from smarketing.home import PROJECT
from smarketing.sandbox import truth
from smarketing.sandbox.clock import DAY
from smarketing.sandbox.company import Company
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import Story, Touch
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.marketo import Marketo
from smarketing.sandbox.vendors.marketo.fill import lead_number
from smarketing.sandbox.vendors.salesforce import Salesforce
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of
from smarketing.sandbox.vendors.salesforce.person import user_id
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator
from smarketing.sources import marketo, salesforce
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import Source, extract
from smarketing.warehouse.connection import as_role, connect

from tests.nights.conftest import LAST_NIGHT
from tests.nights.test_hubspot_truth import build, scores_told, values

Rows = Counter[tuple[Any, ...]]


@dataclass
class Americas:
    """The persons whose records all stand in Salesforce, as they were and as they were found."""

    company: Company
    warehouse: str

    @cached_property
    def persons(self) -> dict[int, Story]:
        """Their stories, by the person's number."""
        return {story.number: story for story in people(self.company)}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Whose a record is: the person's number by record key."""
        return {
            key: story.number
            for story in self.persons.values()
            for record in story.records
            for key in (
                f"salesforce:{id_of('00Q', number_of(record.lead_id))}",
                f"salesforce:{id_of('003', number_of(record.lead_id))}",
                f"marketo:{lead_number(record.lead_id)}",
            )
        }

    def ask(self, query: str) -> Rows:
        """Rows that begin with a lead, those of our persons, by their numbers."""
        with connect(self.warehouse, "transformer") as connection:
            rows = connection.execute(query).fetchall()
        return Counter((self.numbers[row[0]], *row[1:]) for row in rows if row[0] in self.numbers)


def people(company: Company) -> Iterator[Story]:
    """Everybody whose records all stand in Salesforce."""
    for story, _ in stories(company, Campaigns(company)):
        if {crm_of(story, index) for index in range(len(story.records))} == {"salesforce"}:
            yield story


def nights_of(company: Company) -> list[datetime]:
    """Right before anything is lost, while it is still told, and the last night."""
    lost = {merge.at for story in people(company) for merge in story.merges}
    lost |= {deletion.at for story in people(company) for deletion in story.deletions}
    nights = {at - 1 for at in lost} | {min(at + DAY, company.ends_at) for at in lost}
    return [instant(at) for at in sorted(nights | {company.ends_at})]


def read_vendors(company: Company, warehouse: str, workdir: Path) -> None:
    """Read Salesforce and Marketo in all those nights."""
    clock = Clock(instant(company.ends_at))
    org = Salesforce(company, clock, throttled=False)
    instance = Marketo(company, clock, throttled=False)
    app = {"client_id": org.keys.client_id, "client_secret": org.keys.client_secret}
    with (
        serving(Simulator(org, clock)) as org_url,
        serving(Simulator(instance, clock)) as instance_url,
    ):
        to_org = VendorConnection("salesforce", org_url, extra=app)
        to_instance = VendorConnection(
            "marketo", instance_url, instance.keys.client_id, instance.keys.client_secret
        )
        of_org = read_settings(PROJECT / "salesforce.yml", salesforce.Settings)
        of_instance = read_settings(PROJECT / "marketo.yml", marketo.Settings)
        for known_at in nights_of(company):
            clock.set(known_at)
            with salesforce.open_source(of_org, to_org, known_at) as source:
                load(source, warehouse, known_at, workdir)
            clock.set(known_at)
            with marketo.open_source(of_instance, to_instance, known_at) as source:
                load(source, warehouse, known_at, workdir)


def load(source: Source, warehouse: str, known_at: datetime, workdir: Path) -> None:
    extract(
        source,
        warehouse_uri=as_role(warehouse, "loader"),
        night_id="night",
        known_at=known_at,
        workdir=workdir / "dlt",
    )


def instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def check_persons(americas: Americas) -> None:
    """Everybody is one person, known since the first record and until the last one was deleted."""
    planted: Rows = Counter()
    for story in americas.persons.values():
        deleted = {deletion.record: deletion.at for deletion in story.deletions}
        surviving = set(range(len(story.records))) - story.merged_away()
        is_deleted = surviving <= set(deleted)
        created = min(record.created for record in story.records)
        gone = instant(max(deleted[record] for record in surviving)) if is_deleted else None
        planted[(story.number, instant(created), gone)] += 1
    assert planted == americas.ask(
        "select lead_id, lead_created_at, deleted_at from marts_candidate.dim_leads"
    )


def check_funnel(americas: Americas) -> None:
    """Stages and cycles."""
    planted: Rows = Counter()
    for story in americas.persons.values():
        for index, move in enumerate(story.moves):
            at, is_day = instant(move.at), move.uploaded is not None
            is_last = index + 1 == len(story.moves)
            left = None if is_last else instant(story.leaves(index))
            for stage in move.inferred:
                planted[
                    (story.number, move.cycle, stage, at, at, move.direction, True, is_day)
                ] += 1
            planted[
                (story.number, move.cycle, move.stage, at, left, move.direction, False, is_day)
            ] += 1
    assert planted == americas.ask(
        """
        select
            lead_id, cycle_number, stage, entered_at, exited_at, direction, is_inferred,
            is_date_only
        from marts_candidate.fct_funnel_stages
        """
    )


def check_values(americas: Americas) -> None:
    """Who they were on being handed over, the score by its history."""
    scores = scores_told(americas.company)
    planted: Rows = Counter(
        (number, *told)
        for number, story in americas.persons.items()
        for *told, _ in values(story, scores[number], truth.records_at)
    )
    assert planted == americas.ask(
        """
        select
            lead_id, cycle_number, split_part(email, '@', 2), phone is not null, persona, channel,
            country, score
        from intermediate.int_values_at_entry
        where stage = 'mql'
        """
    )


def check_touches(americas: Americas) -> None:
    """What sales did is Salesforce's, what went to many or came by a form is Marketo's."""
    planted: Rows = Counter()
    for story in americas.persons.values():
        for touch in story.touches:
            planted[(story.number, *_as_told(touch))] += 1
            if touch.outcome == "bounced":
                # Marketo tells of the sending as well
                planted[
                    (story.number, instant(touch.at), "email", "outbound", None, True, None)
                ] += 1
    assert planted == americas.ask(
        """
        select identity.lead_id, occurred_at, kind, direction, outcome, is_automated, owner_key
        from intermediate.int_source_touches
        inner join intermediate.int_lead_identity as identity using (record_key)
        """
    )


def _as_told(touch: Touch) -> tuple[Any, ...]:
    is_logged = not touch.is_automated and touch.kind != "form"
    return (
        instant(touch.at),
        touch.kind,
        touch.direction or None,
        touch.outcome or None,
        touch.is_automated,
        f"salesforce:{user_id(touch.owner_id)}" if touch.owner_id and is_logged else None,
    )


def check_handoffs(americas: Americas) -> None:
    """Who in sales first held and first touched a lead after the hand-over, and what came of it.

    A day is not eligible for clocks: what is known to the day only is not compared.
    """
    planted: Rows = Counter()
    for story in americas.persons.values():
        days = {handoff.cycle for handoff in story.handoffs if handoff.at != handoff.known_at}
        for name, (_, *told) in truth.tell(story):
            if name == "handoffs" and told[0] not in days:
                cycle, handed_off, assigned, owner, touched, _, accepted, left, reason = told
                moments = (handed_off, assigned, touched, accepted, left)
                planted[
                    (
                        story.number,
                        cycle,
                        f"salesforce:{user_id(str(owner))}" if owner else None,
                        *(datetime.fromisoformat(str(at)) if at else None for at in moments),
                        reason or None,
                    )
                ] += 1
    assert planted
    found = americas.ask(
        """
        select
            lead_id, cycle_number, owner_key, handed_off_at, assigned_at, first_touch_at,
            accepted_at, rejected_at, rejection_reason
        from marts_candidate.fct_handoffs
        where not is_date_only
        """
    )
    assert planted - found == Counter()
    assert found - planted == Counter()


def check_outcomes(americas: Americas) -> None:
    """Deals with their owners, times and money."""
    planted: Rows = Counter()
    for story in americas.persons.values():
        for deal in story.opportunities:
            owner = f"salesforce:{user_id(deal.owner_id)}" if deal.owner_id else None
            closed = None if deal.closed is None else instant(deal.closed)
            cents = deal.quoted if closed is None else deal.agreed
            planted[(story.number, deal.status, cents, owner, instant(deal.opened), closed)] += 1
    assert planted
    assert planted == americas.ask(
        """
        select lead_id, status, (amount * 100)::bigint, owner_key, opened_at, closed_at
        from marts_candidate.fct_opportunities
        """
    )


def check(company: Company, warehouse: str, workdir: Path) -> None:
    read_vendors(company, warehouse, workdir)
    build(warehouse, instant(company.ends_at), workdir)
    americas = Americas(company, warehouse)
    assert len(americas.persons) > company.leads // 4
    check_persons(americas)
    check_funnel(americas)
    check_values(americas)
    check_touches(americas)
    check_handoffs(americas)
    check_outcomes(americas)


def test_what_is_told_of_the_americas_is_what_was_planted(warehouse: str, tmp_path: Path) -> None:
    check(Company(seed=7, leads=300, nights=1, ends=LAST_NIGHT), warehouse, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_what_is_told_of_the_americas_is_what_was_planted_on_many_seeds(
    warehouse: str, tmp_path: Path, seed: int
) -> None:
    check(Company(seed=seed, leads=1200, nights=1, ends=LAST_NIGHT), warehouse, tmp_path)
