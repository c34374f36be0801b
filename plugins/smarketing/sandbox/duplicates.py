"""Second records of one person: what they show, and the little of it that is true.

Each scene below is written so that its effect on the person is certain when it is planned:
either it moves nobody, or it makes, or takes over, a move that the journey holds already.
A scene is over at least an hour before the story ends, so that a merge can follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

from smarketing.sandbox.chance import pick
from smarketing.sandbox.clock import DAY, HOUR, MINUTE
from smarketing.sandbox.prospects import CHANNELS, retyped
from smarketing.sandbox.stages import PATH, RANK, is_on_path
from smarketing.sandbox.story import Deletion, Echo, Merge, Record, Story, opaque_id

_SHARE = 0.03


def add_second_records(rng: Random, story: Story) -> None:
    """Give a few persons a second or third record. Comes before anything else that happens."""
    if rng.random() >= _SHARE or story.until - story.records[0].created < 4 * DAY:
        return
    is_merged = rng.random() < 0.5 or not story.prospect.has_own_mailbox
    if is_merged and rng.random() < 0.25:
        _merge_three(rng, story)
        return
    settled = _play_a_scene(rng, story) if rng.random() < 0.55 else None
    if settled is None:
        _show_an_echo(rng, story, is_merged=is_merged)
    elif is_merged:
        _merge(story, _quiet_moment(rng, story, settled, story.until), *rng.sample((0, 1), 2))


def _play_a_scene(rng: Random, story: Story) -> int | None:
    """Some scene that the journey has a place for; returns when it is over."""
    scenes: list[Callable[[Random, Story], int | None]] = [
        _gets_there_first,
        _is_dismissed,
        _takes_over,
    ]
    rng.shuffle(scenes)
    # few journeys have a place for a return: it goes first
    for scene in (_returns, *scenes):
        settled = scene(rng, story)
        if settled is not None:
            return settled
    return None


def _returns(rng: Random, story: Story) -> int | None:
    """Somebody who had left the path comes back as a new record."""
    returns = [
        move.at
        for before, move in pairwise(story.moves)
        if not is_on_path(before.stage) and is_on_path(move.stage) and _leaves_room(story, move.at)
    ]
    if not returns:
        return None
    at = rng.choice(returns)
    story.hand_over(at, _add_record(rng, story, at))
    return at


def _gets_there_first(rng: Random, story: Story) -> int | None:
    """Somebody works the second record by mistake: it takes the next step up, and the first
    record follows later and finds the person there already."""
    climbs = [
        index
        for index, (before, move) in enumerate(pairwise(story.moves), start=1)
        if is_on_path(before.stage)
        and move.direction == "forward"
        and move.at - before.known_at > 10 * MINUTE
        and _leaves_room(story, move.at)
        and RANK[move.stage] <= _ceiling(story, move.at, story.until)
    ]
    if not climbs:
        return None
    index = rng.choice(climbs)
    move = story.moves[index]
    overtaken = move.at
    created = rng.randrange(story.moves[index - 1].known_at + 1, overtaken - MINUTE)
    move.at = rng.randrange(created + 1, overtaken)
    move.record = _add_record(rng, story, created)
    story.echoes.append(Echo(overtaken, move.stage, record=0))
    return overtaken


def _is_dismissed(rng: Random, story: Story) -> int | None:
    """The second record is recognised and disqualified while the first one goes on."""
    created = rng.randrange(story.records[0].created + DAY, story.until - 2 * HOUR)
    at = rng.randrange(created + 1, story.until - HOUR)
    present = story.moves[story.standing(at)].stage
    if not is_on_path(present):
        return None
    record = _add_record(rng, story, created)
    _echo(rng, story, record, created, at, highest=RANK[present])
    story.echoes.append(Echo(at, "disqualified", record, reason="duplicate"))
    return at


def _takes_over(rng: Random, story: Story) -> int | None:
    """The first record is the one disqualified; the second, at the same stage, goes on."""
    stays = [
        (move, end)
        for index, move in enumerate(story.moves)
        if is_on_path(move.stage)
        and (end := min(story.leaves(index), story.until - HOUR)) - move.known_at > HOUR
    ]
    if not stays:
        return None
    move, end = rng.choice(stays)
    created = rng.randrange(move.known_at + 1, end - MINUTE)
    dismissed = rng.randrange(created + 1, end)
    record = _add_record(rng, story, created)
    story.echoes.append(Echo(created, move.stage, record))
    story.echoes.append(Echo(dismissed, "disqualified", record=0, reason="duplicate"))
    story.hand_over(dismissed, record)
    return dismissed


def _show_an_echo(rng: Random, story: Story, *, is_merged: bool) -> None:
    """A second record shows some stages too low to matter.

    It becomes one with the first record, either way round, or is deleted, or stays.
    """
    since, until = story.records[0].created + DAY, story.until
    stays = [
        (before.known_at + 1, move.at)
        for before, move in pairwise(story.moves)
        if move.direction == "detour" and move.at - before.known_at > 2 * HOUR
    ]
    if stays and rng.random() < 0.6:
        # gone just before a detour that it would have held back
        since, until = rng.choice(stays)
    created = rng.randrange(since, until - HOUR)
    gone = _quiet_moment(rng, story, created, until)
    record = _add_record(rng, story, created, shares_email=not is_merged or rng.random() < 0.5)
    if is_merged:
        _echo(rng, story, record, created, gone)
        _merge(story, gone, *rng.sample((0, record), 2))
    elif rng.random() < 0.25:
        _echo(rng, story, record, created, gone)
        story.deletions.append(Deletion(gone, record))
    else:
        _echo(rng, story, record, created, story.until)


def _merge_three(rng: Random, story: Story) -> None:
    """A chain: one record becomes part of a second, and that part of a third."""
    first, second, last = rng.sample((0, 1, 2), 3)
    earliest, latest = story.records[0].created + DAY, story.until - 2 * DAY
    births = sorted(rng.randrange(earliest, latest) for _ in range(2))
    merged_first = _quiet_moment(rng, story, births[-1], story.until - DAY)
    merged_second = _quiet_moment(rng, story, merged_first, story.until)
    for created in births:
        record = _add_record(rng, story, created, shares_email=rng.random() < 0.5)
        # a record is a mere echo until it is merged away or receives the journey
        receives_first = record == second and first == 0
        is_gone_first = record == first or receives_first
        _echo(rng, story, record, created, merged_first if is_gone_first else merged_second)
    _merge(story, merged_first, first, second)
    _merge(story, merged_second, second, last)


def _merge(story: Story, at: int, merged: int, survivor: int) -> None:
    """Merge two records; a survivor that inherits the journey takes over its stage as well."""
    story.merges.append(Merge(at, merged, survivor))
    if story.acting_record(at) == merged:
        present = story.moves[story.standing(at)]
        story.echoes.append(Echo(at, present.stage, survivor, present.reason))
        story.hand_over(at, survivor)


def _add_record(rng: Random, story: Story, created: int, *, shares_email: bool = True) -> int:
    """Add one more record of the person and return its index."""
    index = len(story.records)
    lead_id = opaque_id("L", story.number, index)
    email = story.prospect.email
    if not shares_email:
        email = f"{lead_id.lower()}@webmail.example"
    elif email and rng.random() < 0.6:
        email = retyped(rng, email)
    channel = pick(rng, CHANNELS)
    story.records.append(Record(lead_id, created, email, channel, "", rng.randrange(5, 20)))
    return index


def _echo(
    rng: Random, story: Story, record: int, since: int, gone: int, highest: int = len(PATH)
) -> None:
    """Stages that a second record shows until it is gone, low enough never to matter."""
    rank = 1
    for at in sorted(rng.randrange(since, gone) for _ in range(rng.randrange(1, 4))):
        present = story.moves[story.standing(at)]
        top = min(highest, RANK.get(present.stage, 0), _ceiling(story, at, gone))
        # in the very second of a move, a lower stage would come before it and count
        if top >= rank and at != present.at:
            rank = rng.choice((rng.randint(rank, top), top))
            story.echoes.append(Echo(at, PATH[rank - 1], record))


def _ceiling(story: Story, since: int, until: int) -> int:
    """The highest rank at which a second record holds back no detour of the acting one."""
    return min(
        (
            RANK.get(before.stage, 0) - 1
            for before, move in pairwise(story.moves)
            if move.direction == "detour" and since <= move.at <= until
        ),
        default=len(PATH),
    )


def _leaves_room(story: Story, at: int) -> bool:
    return at < story.until - HOUR


def _quiet_moment(rng: Random, story: Story, after: int, before: int) -> int:
    """An instant strictly between two others, an hour or more apart, with nothing else in it."""
    taken = {move.at for move in story.moves} | {echo.at for echo in story.echoes}
    while (at := rng.randrange(after + 1, before)) in taken:
        pass
    return at
