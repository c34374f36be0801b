"""What the CRM shows of a story, and which night's delivery shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from random import Random

from smarketing.sandbox.clock import DAY, as_text, day_of
from smarketing.sandbox.company import CURRENCY, STAFF, Company, Owner
from smarketing.sandbox.files import Row
from smarketing.sandbox.market import Campaign, Campaigns
from smarketing.sandbox.stages import RANK, UNMAPPED_WORDS, WORDS
from smarketing.sandbox.story import Opportunity, Record, Story, Touch

Shown = tuple[str, int, Row]
"""An entity, the index of a delivery, and a row of it."""

StageShown = tuple[int, int, str, str, str]
"""When the CRM learnt of it, the record's index, the moment as text, the stage, the reason.

The stage is one of ours (``stages.WORDS``), or a word that the agreement does not know.
"""

_LATE_SHARE = 0.04


def show_company(company: Company, campaigns: Campaigns) -> Iterator[Shown]:
    """Owners, campaigns and spend."""
    for owner in STAFF:
        yield from _versions(company, "owners", _owner_versions(company, owner))

    for campaign in campaigns.all:
        yield from _versions(company, "campaigns", _campaign_versions(company, campaign))

    for campaign, day, amount in campaigns.spend():
        night = company.night_of(_midnight(day) + DAY)
        yield "spend", night, (campaign.campaign_id, day, f"{amount:.2f}", CURRENCY)


def show_story(company: Company, rng: Random, story: Story) -> Iterator[Shown]:
    """All rows of one person; ``rng`` decides on the noise and on what is delivered late."""
    ids = [record.lead_id for record in story.records]
    for index in range(len(ids)):
        yield from _versions(company, "leads", _lead_versions(rng, story, index))
    yield from _stage_changes(company, rng, story)
    for ownership in story.ownerships:
        row: Row = (ids[ownership.record], as_text(ownership.at), ownership.owner_id)
        yield "ownership_changes", company.night_of(ownership.at), row
    for touch in story.touches:
        yield "touches", company.night_of(touch.at), _touch_row(touch, ids[touch.record])
    for deal in story.opportunities:
        yield from _versions(company, "opportunities", _deal_versions(deal, ids[deal.record]))
    for deletion in story.deletions:
        for time_told in range(deletion.times_told):
            night = company.night_of(deletion.at, nights_late=time_told)
            yield "deletions", night, (ids[deletion.record], as_text(deletion.at))
    for merge in story.merges:
        row = (ids[merge.merged], ids[merge.survivor], as_text(merge.at))
        yield "merges", company.night_of(merge.at), row


def lead_changes(rng: Random, story: Story, index: int) -> list[tuple[int, str, str]]:
    """What changes on a record after its creation, in order: instant, field, new value.

    The fields are ``phone``, ``owner_id`` (empty for nobody) and ``score``.
    """
    record, prospect = story.records[index], story.prospect
    changes: list[tuple[int, str, str]] = []
    if prospect.corrected_phone:
        corrected_at = rng.randrange(record.known_at, story.until)
        changes.append((corrected_at, "phone", prospect.corrected_phone))
    for ownership in story.ownerships:
        if ownership.record == index:
            changes.append((ownership.at, "owner_id", ownership.owner_id))
    for move in story.moves:
        if move.record == index:
            score = min(100, record.score + 10 * RANK.get(move.stage, 0) + rng.randrange(8))
            changes.append((move.known_at, "score", str(score)))
    changes.sort(key=lambda change: change[0])
    return changes


def stages_shown(rng: Random, story: Story) -> list[StageShown]:
    """Every stage change that the CRM shows, in no order: the moves, the echoes and the noise."""
    shown: list[StageShown] = [
        (move.known_at, move.record, _moment(move.at, move.uploaded), move.stage, move.reason)
        for move in story.moves
    ]
    shown += [
        (echo.at, echo.record, as_text(echo.at), echo.stage, echo.reason) for echo in story.echoes
    ]
    if rng.random() < 0.008:
        at = rng.randrange(story.moves[0].known_at, story.until)
        shown.append((at, story.acting_record(at), as_text(at), rng.choice(UNMAPPED_WORDS), ""))
    return shown


def _versions(
    company: Company, entity: str, versions: Iterable[tuple[int, Row]]
) -> Iterator[Shown]:
    """The last state of a record in each delivery in which it is new or changed."""
    shown: Row | None = None
    for night, row in {company.night_of(at): row for at, row in versions}.items():
        if row != shown:
            yield entity, night, row
            shown = row


def _owner_versions(company: Company, owner: Owner) -> Iterator[tuple[int, Row]]:
    row = (owner.owner_id, owner.name, owner.team, owner.zone.key)
    yield company.at_share(owner.joined), (*row, "true")
    if owner.left is not None:
        yield company.at_share(owner.left), (*row, "false")


def _campaign_versions(company: Company, campaign: Campaign) -> Iterator[tuple[int, Row]]:
    row = (campaign.campaign_id, campaign.name, campaign.channel, campaign.started)
    if campaign.started <= company.ends:
        yield _midnight(campaign.started), (*row, "")
    if campaign.ended < company.ends:
        yield _midnight(campaign.ended) + DAY, (*row, campaign.ended)


def _lead_versions(rng: Random, story: Story, index: int) -> list[tuple[int, Row]]:
    record, prospect = story.records[index], story.prospect
    known_at = record.known_at
    values = {"phone": prospect.phone, "owner_id": "", "score": str(record.score)}

    versions = [(known_at, _lead_row(record, story, values))]
    for at, name, value in lead_changes(rng, story, index):
        values[name] = value
        versions.append((at, _lead_row(record, story, values)))
    return versions


def _lead_row(record: Record, story: Story, values: dict[str, str]) -> Row:
    account = story.prospect.account
    return (
        record.lead_id,
        _moment(record.created, record.uploaded),
        record.email,
        values["phone"],
        account.name,
        account.country,
        account.region,
        story.prospect.persona,
        record.channel,
        record.campaign_id,
        values["owner_id"],
        values["score"],
    )


def _stage_changes(company: Company, rng: Random, story: Story) -> Iterator[Shown]:
    shown = stages_shown(rng, story)
    rng.shuffle(shown)
    for known_at, record, occurred, stage, reason in shown:
        nights_late = rng.randint(1, 3) if rng.random() < _LATE_SHARE else 0
        night = company.night_of(known_at, nights_late)
        word = _mistyped(rng, WORDS.get(stage, stage))
        yield "stage_changes", night, (story.records[record].lead_id, occurred, word, reason)


def _touch_row(touch: Touch, lead_id: str) -> Row:
    return (
        touch.touch_id,
        lead_id,
        as_text(touch.at),
        touch.kind,
        touch.direction,
        "true" if touch.is_automated else "false",
        touch.owner_id,
        touch.outcome,
    )


def _deal_versions(deal: Opportunity, lead_id: str) -> list[tuple[int, Row]]:
    key = (deal.opportunity_id, lead_id, as_text(deal.opened))
    tail = (CURRENCY, deal.owner_id)
    versions: list[tuple[int, Row]] = [
        (deal.opened, (*key, "", "open", f"{deal.quoted / 100:.2f}", *tail))
    ]
    if deal.closed is not None:
        amount = f"{deal.agreed / 100:.2f}"
        versions.append((deal.closed, (*key, as_text(deal.closed), deal.status, amount, *tail)))
    return versions


def _mistyped(rng: Random, word: str) -> str:
    """The same word as a bulk import by hand would spell it, once in a while."""
    if rng.random() < 0.015:
        return rng.choice((f" {word.lower()}", word.upper(), f"{word} "))
    return word


def _moment(at: int, uploaded: int | None) -> str:
    return as_text(at) if uploaded is None else day_of(uploaded).isoformat()


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
