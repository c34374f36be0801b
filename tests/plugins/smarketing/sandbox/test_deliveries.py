"""What each night's delivery may hold, and that all nights together tell the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from smarketing.sources.csv_export.entities import ENTITIES, Entity

from tests.plugins.smarketing.sandbox.exports import ENDS, ENDS_AT, Exports, Row, instant, is_day

MOMENTS = {
    "leads": "created",
    "stage_changes": "occurred",
    "ownership_changes": "occurred",
    "touches": "occurred",
    "opportunities": "opened",
    "deletions": "deleted",
    "merges": "merged",
}
VERSIONED = {
    "leads": "lead_id",
    "owners": "owner_id",
    "opportunities": "opportunity_id",
    "campaigns": "campaign_id",
}


@pytest.fixture(scope="module")
def exports(company: Callable[..., Exports]) -> Exports:
    return company(leads=3000)


def cut(night: date) -> datetime:
    """The instant at which a night's export is taken."""
    return datetime.combine(night, time(2), UTC)


def final_facts(exports: Exports, entity: str) -> set[tuple[str, ...]]:
    if entity in VERSIONED:
        rows: list[Row] = list(exports.latest(entity, VERSIONED[entity]).values())
    else:
        rows = exports.rows(entity)
    return {tuple(row.values()) for row in rows}


@pytest.mark.parametrize("entity", [entity.name for entity in ENTITIES])
def test_one_night_and_thirty_end_with_the_same_facts(
    company: Callable[..., Exports], entity: str
) -> None:
    assert final_facts(company(nights=1), entity) == final_facts(company(nights=30), entity)


@pytest.mark.parametrize("entity", MOMENTS)
def test_nothing_is_known_before_it_happened(exports: Exports, entity: str) -> None:
    for night, rows in exports.delivered[entity].items():
        for row in rows:
            assert instant(row[MOMENTS[entity]]) < cut(night)


@pytest.mark.parametrize("entity", ["touches", "ownership_changes", "merges"])
def test_events_come_in_the_night_after_they_happened(exports: Exports, entity: str) -> None:
    first = min(exports.delivered[entity])
    for night, rows in exports.delivered[entity].items():
        for row in rows:
            if night != first:
                assert instant(row[MOMENTS[entity]]) >= cut(night) - timedelta(days=1)


def test_stage_changes_come_up_to_three_nights_late(exports: Exports) -> None:
    first = min(exports.delivered["stage_changes"])
    nights_late: Counter[int] = Counter()
    for night, rows in exports.delivered["stage_changes"].items():
        for row in rows:
            if night != first and not is_day(row["occurred"]):
                nights_late[(cut(night) - instant(row["occurred"])).days] += 1
    assert set(nights_late) == {0, 1, 2, 3}
    late = nights_late.total() - nights_late[0]
    assert 0.01 < late / nights_late.total() < 0.1


def test_stage_changes_are_not_in_order(exports: Exports) -> None:
    last_seen: dict[str, datetime] = {}
    is_out_of_order = []
    for row in exports.rows("stage_changes"):
        at = instant(row["occurred"])
        is_out_of_order.append(at < last_seen.get(row["lead_id"], at))
        last_seen[row["lead_id"]] = at
    assert any(is_out_of_order)


@pytest.mark.parametrize("entity", VERSIONED)
def test_a_record_comes_again_only_when_it_changed(exports: Exports, entity: str) -> None:
    seen: dict[str, Row] = {}
    for row in exports.rows(entity):
        assert seen.get(row[VERSIONED[entity]]) != row
        seen[row[VERSIONED[entity]]] = row
    assert len(exports.rows(entity)) > len(seen)


@pytest.mark.parametrize("entity", VERSIONED)
def test_a_record_comes_once_a_night(exports: Exports, entity: str) -> None:
    for rows in exports.delivered[entity].values():
        ids = [row[VERSIONED[entity]] for row in rows]
        assert len(ids) == len(set(ids))


def test_a_deletion_may_be_told_twice(exports: Exports) -> None:
    told = Counter(tuple(row.values()) for row in exports.rows("deletions"))
    assert set(told.values()) == {1, 2}


@pytest.mark.parametrize(
    "entity", [one for one in ENTITIES if one.name not in {*VERSIONED, "deletions"}]
)
def test_events_have_unique_keys(exports: Exports, entity: Entity) -> None:
    keys = [tuple(row[column] for column in entity.key) for row in exports.rows(entity.name)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("entity", MOMENTS)
def test_nothing_happens_to_a_record_before_or_after_its_life(
    exports: Exports, entity: str
) -> None:
    born = {row["lead_id"]: instant(row["created"]) for row in exports.rows("leads")}
    gone = {row["merged_lead_id"]: instant(row["merged"]) for row in exports.rows("merges")}
    gone |= {row["lead_id"]: instant(row["deleted"]) for row in exports.rows("deletions")}
    for row in exports.rows(entity):
        for column in ("lead_id", "surviving_lead_id", "merged_lead_id"):
            if column in row:
                at = instant(row[MOMENTS[entity]])
                assert born[row[column]] <= at <= gone.get(row[column], ENDS_AT)


def test_owners_and_campaigns_exist(exports: Exports) -> None:
    owners = set(exports.latest("owners", "owner_id")) | {""}
    for entity in ("leads", "ownership_changes", "touches", "opportunities"):
        assert {row["owner_id"] for row in exports.rows(entity)} <= owners
    campaigns = set(exports.latest("campaigns", "campaign_id"))
    assert {row["campaign_id"] for row in exports.rows("leads")} <= campaigns | {""}
    assert {row["campaign_id"] for row in exports.rows("spend")} <= campaigns


def test_the_last_owner_told_is_the_owner_of_the_record(exports: Exports) -> None:
    owners: dict[str, tuple[datetime, str]] = {}
    for row in exports.rows("ownership_changes"):
        told = (instant(row["occurred"]), row["owner_id"])
        owners[row["lead_id"]] = max(owners.get(row["lead_id"], told), told)
    for lead_id, lead in exports.latest("leads", "lead_id").items():
        assert lead["owner_id"] == owners.get(lead_id, (None, ""))[1]


def test_spend_ends_with_the_last_whole_day(exports: Exports) -> None:
    assert max(row["spent"] for row in exports.rows("spend")) < ENDS.isoformat()
