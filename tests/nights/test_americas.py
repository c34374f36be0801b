"""What Salesforce and Marketo tell of the Americas is what happened there.

The company's systems are read in one night or in many, and modelled; the truth is told by the
stories that the systems were filled from. Compared is everybody whose records all stand in
Salesforce, and so in Marketo.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from smarketing import steps
from smarketing.sandbox.company import Company as Imagined
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import Story, Touch
from smarketing.sandbox.systems import crm_of
from smarketing.sandbox.vendors.marketo.fill import lead_number
from smarketing.sandbox.vendors.salesforce.ids import id_of, number_of
from smarketing.sandbox.vendors.salesforce.person import user_id
from smarketing.warehouse.connection import connect

from tests.conftest import new_warehouse
from tests.nights.conftest import LAST_NIGHT, LAYERS, end_of
from tests.nights.test_vendors import VendorCompany, found_in_vendors

# found_in_vendors imagines this one
SEED = 7
# Salesforce tells of merges and deletions for fifteen days, Marketo for fourteen
EVERY_SO_MANY_DAYS = 13

Rows = Counter[tuple[Any, ...]]


@dataclass
class Americas:
    """The persons whose records all stand in Salesforce, as they were and as they were found."""

    imagined: Imagined
    found: VendorCompany
    nights: list[date]

    @cached_property
    def persons(self) -> dict[int, Story]:
        """Their stories, by the person's number.

        Without those of whom nobody can know everything: a vendor keeps no history of a record
        that became part of another or was deleted, and one came and went between two nights.
        """
        return {
            story.number: story
            for story, _ in stories(self.imagined, Campaigns(self.imagined))
            if {crm_of(story, index) for index in range(len(story.records))} == {"salesforce"}
            and all(self._is_seen(story, merge.merged, merge.at) for merge in story.merges)
            and all(self._is_seen(story, gone.record, gone.at) for gone in story.deletions)
        }

    def _is_seen(self, story: Story, record: int, until: int) -> bool:
        """Whether a record stood there in one of the nights."""
        since = instant(story.records[record].known_at)
        return any(since <= end_of(night) < instant(until) for night in self.nights)

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
        with connect(self.found.company.warehouse, "transformer") as connection:
            rows = connection.execute(query).fetchall()
        return Counter((self.numbers[row[0]], *row[1:]) for row in rows if row[0] in self.numbers)


@contextmanager
def founded(folder: Path, warehouse: str, leads: int, nights: list[date]) -> Iterator[Americas]:
    """A company whose Salesforce and Marketo were read in some nights, modelled in the last."""
    with found_in_vendors(folder, warehouse, leads=leads) as found:
        for night in nights:
            found.vendors.clock.set(end_of(night))
            with found.company.at_work():
                keys = found.company.begin_night(night)
                steps.extract(keys, "salesforce")
                steps.extract(keys, "marketo")
                for layer in LAYERS if night == nights[-1] else ():
                    steps.transform(keys, layer)
        imagined = Imagined(seed=SEED, leads=leads, nights=1, ends=LAST_NIGHT)
        yield Americas(imagined, found, nights)


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
    """Who in sales first held a lead after the hand-over."""
    spells = americas.ask(
        """
        select lead_id, held_from, owners.team <> 'Marketing'
        from intermediate.int_owner_spells
        left join intermediate.int_source_owners as owners using (owner_key)
        """
    )
    held: dict[int, list[tuple[datetime, bool]]] = {}
    for number, since, is_sales in spells:
        held.setdefault(number, []).append((since, bool(is_sales)))
    planted, found = {}, {}
    for story in americas.persons.values():
        changes = sorted(held.get(story.number, []))
        for handoff in story.handoffs:
            if handoff.at != handoff.known_at:
                # a day is not eligible for clocks
                continue
            at = instant(handoff.at)
            key = story.number, handoff.cycle
            planted[key] = handoff.assigned and instant(handoff.assigned)
            present = bisect_right(changes, at, key=lambda change: change[0]) - 1
            later = ([(at, changes[present][1])] if present >= 0 else []) + changes[present + 1 :]
            found[key] = next((since for since, is_sales in later if is_sales), None)
    assert planted
    assert planted == found


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


CHECKS = [check_persons, check_funnel, check_touches, check_handoffs, check_outcomes]


@pytest.fixture(scope="module")
def after_one_night(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Americas]:
    folder = tmp_path_factory.mktemp("company")
    with (
        new_warehouse(postgres) as warehouse,
        founded(folder, warehouse, 500, [LAST_NIGHT]) as americas,
    ):
        yield americas


@pytest.mark.parametrize("check", CHECKS)
def test_one_night_tells_all_that_the_vendors_remember(
    after_one_night: Americas, check: Callable[[Americas], None]
) -> None:
    assert len(after_one_night.persons) > 140
    check(after_one_night)


@pytest.mark.slow
def test_many_nights_tell_what_the_vendors_have_forgotten_since(
    warehouse: str, tmp_path: Path
) -> None:
    nights = [LAST_NIGHT - timedelta(days=EVERY_SO_MANY_DAYS * back) for back in range(42)]
    with founded(tmp_path, warehouse, 1500, nights[::-1]) as americas:
        assert sum(len(story.merges) for story in americas.persons.values()) > 5
        assert sum(len(story.deletions) for story in americas.persons.values()) > 2
        for check in CHECKS:
            check(americas)
