"""What is read by export jobs: leads and their log by windows of time, members by programs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import IO, Any, Final

from smarketing.sources.api.client import RefusedError
from smarketing.sources.api.streams import Cursor, Page
from smarketing.sources.errors import SourceError
from smarketing.sources.marketo.api import Api, text
from smarketing.sources.marketo.fields import describe
from smarketing.sources.marketo.jobs import Export, Jobs
from smarketing.sources.marketo.records import (
    ACTIVITY_FIELDS,
    MEMBER_FIELDS,
    Rows,
    activity_rows,
    member_rows,
)
from smarketing.sources.marketo.settings import Settings
from smarketing.sources.marketo.vendor import NO_CORONA

# Marketo exports 31 days at once; in which zone it counts them it does not say
LONGEST_WINDOW: Final = timedelta(days=30)
# a lead may be older than the line that tells of it: it was anonymous before
_ANONYMOUS: Final = timedelta(days=30)
_PROGRAMS_AT_ONCE: Final = 10


@dataclass
class Night:
    """What all streams of a night share, and how many records their files held."""

    api: Api
    jobs: Jobs
    settings: Settings
    known_at: datetime
    told: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)

    @property
    def look_back(self) -> timedelta:
        """How far behind the last night's end reading begins."""
        return timedelta(hours=self.settings.look_back_hours)

    def begins(self) -> datetime:
        """Where a first load begins."""
        if self.settings.since:
            return datetime.combine(self.settings.since, time(), UTC)
        return (self.api.first_lead_at() or self.known_at) - _ANONYMOUS

    def pages(
        self, kind: str, export: Export, rows: Callable[[IO[bytes]], Iterator[Rows]]
    ) -> Iterator[Page]:
        """The rows of a file. Until they are all loaded the cursor stays at its job."""
        import pyarrow as pa

        with export.file as file:
            try:
                for told in rows(file):
                    self._count(kind, max(map(len, told.values())))
                    yield Page(told, export.cursor)
            except pa.ArrowException as error:
                raise SourceError(
                    [
                        f"Marketo, export of {kind}: the file cannot be read ({error}). This is a "
                        "fault of the extraction: report it with this line."
                    ]
                ) from error
        self.told[kind] = self.told.get(kind, 0) + (export.records or 0)

    def _count(self, kind: str, rows: int) -> None:
        self.read[kind] = self.read.get(kind, 0) + rows


@dataclass(frozen=True)
class Wish:
    """What to ask for in every window, and how to read what comes; ``kept`` is remembered."""

    fields: Sequence[str]
    filter: Mapping[str, Any]
    rows: Callable[[IO[bytes]], Iterator[Rows]]
    described: Rows
    kept: Mapping[str, Any]
    notes: Sequence[str]


class Windows:
    """A kind of record that is exported by windows of time.

    First all by the time of their creation, then every night what has changed since the one
    before. ``changed`` is the filter of the latter: without it everything is read every night.
    """

    def __init__(
        self,
        kind: str,
        night: Night,
        prepare: Callable[[Night, Cursor], Wish],
        *,
        changed: str,
    ) -> None:
        self.name = kind
        self._night = night
        self._prepare = prepare
        self._changed = changed

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """The rest of what a run before had begun; then what is new by this night."""
        wish = self._prepare(self._night, cursor)
        cursor = {**cursor, **wish.kept}
        yield Page(wish.described, cursor, wish.notes)
        while True:
            since = moment(cursor, "since")
            if since and since >= self._night.known_at:
                return
            until = moment(cursor, "until") or self._night.known_at
            yield from self._until(wish, since, until, cursor)
            cursor = {**wish.kept, "since": until.isoformat()}
            yield Page({}, cursor)

    def _until(
        self, wish: Wish, since: datetime | None, until: datetime, cursor: Cursor
    ) -> Iterator[Page]:
        cursor = {**cursor, "until": until.isoformat()}
        if since is not None and not cursor.get("is_full"):
            try:
                start = moment(cursor, "next") or since - self._night.look_back
                yield from self._windows(wish, self._changed, start, until, cursor)
                return
            except RefusedError as refused:
                if refused.code != NO_CORONA:
                    raise
            note = (
                f"{self.name}: the instance cannot tell what has changed (1035), so all are read "
                "again"
            )
            cursor = {name: cursor[name] for name in (*wish.kept, "since", "until")}
            cursor["is_full"] = True
            yield Page({}, cursor, [note])
        start = moment(cursor, "next") or self._night.begins()
        yield from self._windows(wish, "createdAt", start, until, cursor)

    def _windows(
        self, wish: Wish, by: str, start: datetime, until: datetime, cursor: Cursor
    ) -> Iterator[Page]:
        night = self._night
        end = moment(cursor, "end")
        while start < until:
            end = end or min(start + LONGEST_WINDOW, until)
            # both ends are included: what happened between two windows' seconds is in one of them
            window = {by: {"startAt": text(start), "endAt": text(end)}}
            asked = {"fields": list(wish.fields), "filter": {**window, **wish.filter}}
            cursor = {**cursor, "next": start.isoformat(), "end": end.isoformat()}
            export = yield from night.jobs.run(
                self.name, asked, cursor, is_first_load="since" not in cursor
            )
            yield from night.pages(self.name, export, wish.rows)
            start, end = end, None
            cursor = {name: cursor[name] for name in cursor if name not in ("job", "end")}
            cursor["next"] = start.isoformat()
            yield Page({}, cursor)


def leads(night: Night, cursor: Cursor) -> Wish:
    """All fields that fill our columns, and all of the instance's own."""
    known = cursor.get("types")
    described = describe(
        night.api.fields(), night.settings, known if isinstance(known, dict) else None
    )
    return Wish(
        described.file.fields,
        {},
        described.file.rows,
        {"fields": described.rows},
        {"types": dict(described.types)},
        described.notes,
    )


def activities(night: Night, cursor: Cursor) -> Wish:
    """Those types of interest that the instance has: others it would refuse."""
    types = night.api.activity_types()
    wanted = [one["id"] for one in types if one["id"] in night.settings.activity_types]
    known = cursor.get("types")
    fresh = sorted({*wanted} - {*known}) if isinstance(known, list) else []
    return Wish(
        list(ACTIVITY_FIELDS.values()),
        {"activityTypeIds": wanted},
        activity_rows,
        {
            "activity_types": [
                {
                    "type_id": one["id"],
                    "name": one.get("name"),
                    "primary_attribute": (one.get("primaryAttribute") or {}).get("name"),
                    "is_read": one["id"] in wanted,
                }
                for one in types
            ]
        },
        {"types": wanted},
        [f"activities of type {one} are read from this night on" for one in fresh],
    )


class Members:
    """The members of programs: at first all, then those whose membership has changed."""

    name = "program_members"
    _kind = "program/members"

    def __init__(self, night: Night) -> None:
        self._night = night

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Ten programs at a time; a run that was killed goes on with those it was at."""
        known_at = self._night.known_at
        while True:
            since = moment(cursor, "since")
            if since and since >= known_at:
                return
            until = moment(cursor, "until") or known_at
            yield from self._until(since, until, cursor)
            cursor = {"since": until.isoformat()}
            yield Page({}, cursor)

    def _until(self, since: datetime | None, until: datetime, cursor: Cursor) -> Iterator[Page]:
        night = self._night
        cursor = {**cursor, "until": until.isoformat()}
        after = cursor.get("after", 0)
        programs = sorted(
            int(one["id"])
            for page in night.api.programs()
            for one in page
            if int(one["id"]) > after
        )
        group: list[int] = cursor.get("programs") or programs[:_PROGRAMS_AT_ONCE]
        while group:
            export = yield from self._export(group, since, until, {**cursor, "programs": group})
            yield from night.pages(self._kind, export, member_rows)
            after = group[-1]
            kept = {name: cursor[name] for name in ("since", "until") if name in cursor}
            cursor = {**kept, "after": after}
            yield Page({}, cursor)
            group = [one for one in programs if one > after][:_PROGRAMS_AT_ONCE]

    def _export(
        self, group: list[int], since: datetime | None, until: datetime, cursor: Cursor
    ) -> Generator[Page, None, Export]:
        night = self._night
        # a file of several programs names them without being asked
        fields = [name for name in MEMBER_FIELDS.values() if name != "programId"]
        asked: dict[str, Any] = {"fields": fields, "filter": {"programIds": group}}
        start = since - night.look_back if since else None
        if start and until - start <= LONGEST_WINDOW:
            window = {"updatedAt": {"startAt": text(start), "endAt": text(until)}}
            changed = {**asked, "filter": {**asked["filter"], **window}}
            try:
                return (yield from night.jobs.run(self._kind, changed, cursor, is_first_load=False))
            except RefusedError as refused:
                if refused.code != NO_CORONA:
                    raise
        return (yield from night.jobs.run(self._kind, asked, cursor, is_first_load=since is None))


def moment(cursor: Cursor, name: str) -> datetime | None:
    """An instant of a cursor; nothing where it is none, so that reading begins anew."""
    try:
        at = datetime.fromisoformat(cursor[name])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo else None
