"""What really happened, as of the end of the story: the answers to check a model against.

All instants are UTC; a day without a time stands at its local start in the agreement's zone.
"""

from __future__ import annotations

from collections.abc import Iterator

from smarketing.sandbox.clock import HOUR, as_text, start_of_day
from smarketing.sandbox.files import Row
from smarketing.sandbox.stages import HANDOFF, is_on_path, is_past_handoff
from smarketing.sandbox.story import Handoff, Move, Story

HEADERS = {
    "persons": ("person_id", "record_ids", "created", "is_deleted", "deleted"),
    "stages": (
        "person_id",
        "cycle_number",
        "stage",
        "entered",
        "is_date_only",
        "exited",
        "direction",
        "is_inferred",
    ),
    "entries": (
        "person_id",
        "cycle_number",
        "stage",
        "entered",
        "email_domain",
        "has_phone",
        "persona",
        "channel",
        "country",
    ),
    "handoffs": (
        "person_id",
        "cycle_number",
        "handed_off",
        "assigned",
        "owner_id",
        "first_touch",
        "first_touch_id",
        "accepted",
        "left",
        "reason",
    ),
    "outcomes": (
        "person_id",
        "first_mql",
        "first_sql",
        "first_customer",
        "is_won",
        "amount_won",
    ),
}


def tell(story: Story) -> Iterator[tuple[str, Row]]:
    """All rows of the truth about one person, each with the name of its file."""
    person_id = story.records[story.canonical()].lead_id
    yield "persons", (person_id, *_person(story))
    for row in _stages(story):
        yield "stages", (person_id, *row)
    for row in _entries(story):
        yield "entries", (person_id, *row)
    for handoff in story.handoffs:
        yield "handoffs", (person_id, *_handoff(story, handoff))
    yield "outcomes", (person_id, *_outcome(story))


def _person(story: Story) -> Row:
    """Created with the first record; deleted with the last one that was not merged away."""
    deleted = {deletion.record: deletion.at for deletion in story.deletions}
    surviving = set(range(len(story.records))) - story.merged_away()
    is_deleted = surviving <= set(deleted)
    return (
        ";".join(sorted(record.lead_id for record in story.records)),
        as_text(min(record.created for record in story.records)),
        _flag(is_deleted),
        as_text(max(deleted[record] for record in surviving)) if is_deleted else "",
    )


def _stages(story: Story) -> Iterator[tuple[object, ...]]:
    for index, move in enumerate(story.moves):
        entered = as_text(move.at)
        is_last = index + 1 == len(story.moves)
        exited = "" if is_last else as_text(story.leaves(index))
        is_date_only = _flag(move.uploaded is not None)
        for stage in move.inferred:
            yield move.cycle, stage, entered, is_date_only, entered, move.direction, "true"
        yield move.cycle, move.stage, entered, is_date_only, exited, move.direction, "false"


def _entries(story: Story) -> Iterator[tuple[object, ...]]:
    """Who the person was on first being seen in a stage in a cycle."""
    seen: set[tuple[int, str]] = set()
    prospect = story.prospect
    for move in story.moves:
        if (move.cycle, move.stage) in seen:
            continue
        seen.add((move.cycle, move.stage))
        records = [story.records[index] for index in records_at(story, judged_at(move))]
        email = next((record.email for record in records if record.email), "")
        yield (
            move.cycle,
            move.stage,
            as_text(move.at),
            email.strip().lower().partition("@")[2],
            _flag(bool(prospect.phone)),
            prospect.persona,
            next((record.channel for record in records if record.channel), ""),
            prospect.account.country,
        )


def judged_at(move: Move) -> int:
    """As of when a person is judged: the entry, or, where only its day is known, the day's end."""
    if move.uploaded is None:
        return move.at
    return start_of_day(start_of_day(move.at) + 36 * HOUR) - 1


def records_at(story: Story, at: int) -> list[int]:
    """The person's records at an instant, whoever is believed first before the others.

    Those that are there: created, not merged away, not deleted; all of them where none is.
    """
    gone = {merge.merged: merge.at for merge in story.merges}
    for deletion in story.deletions:
        gone[deletion.record] = min(deletion.at, gone.get(deletion.record, deletion.at))
    everything = range(len(story.records))
    there = [
        index
        for index in everything
        if story.records[index].created <= at < gone.get(index, at + 1)
    ]
    merged = story.merged_away()
    return sorted(
        there or everything,
        key=lambda index: (
            index in merged,
            story.records[index].created,
            story.records[index].lead_id,
        ),
    )


def _handoff(story: Story, handoff: Handoff) -> Row:
    """Who in sales held the lead first, who touched it first, and what was decided."""
    assigned, touch = handoff.assigned, handoff.first_touch
    later = _after(story, handoff)
    accepted = next((move for move in later if is_past_handoff(move.stage)), None)
    left = next((move for move in later if not is_on_path(move.stage)), None)
    return (
        handoff.cycle,
        as_text(handoff.at),
        _text(assigned),
        "" if assigned is None else story.owner(assigned),
        _text(touch.at if touch else None),
        touch.touch_id if touch else "",
        _text(accepted.at if accepted else None),
        _text(left.at if left else None),
        left.reason if left else "",
    )


def _after(story: Story, handoff: Handoff) -> list[Move]:
    """What became of the lead in the cycle of a hand-over, from it on."""
    of_cycle = [move for move in story.moves if move.cycle == handoff.cycle]
    number = next(index for index, move in enumerate(of_cycle) if move.stage == HANDOFF)
    return of_cycle[number + 1 :]


def _outcome(story: Story) -> Row:
    """First observed entries, and the money of the deals won."""
    first: dict[str, int] = {}
    for move in story.moves:
        first.setdefault(move.stage, move.at)
    won = [deal.agreed for deal in story.opportunities if deal.status == "won"]
    return (
        _text(first.get(HANDOFF)),
        _text(first.get("sql")),
        _text(first.get("customer")),
        _flag(bool(won)),
        f"{sum(won) / 100:.2f}",
    )


def _text(at: int | None) -> str:
    return "" if at is None else as_text(at)


def _flag(value: bool) -> str:
    return "true" if value else "false"
