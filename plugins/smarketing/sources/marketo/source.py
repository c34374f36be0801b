"""Marketo at one night: what there is to read, and what vanished without a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import orjson
from smarketing.sources.api.streams import Count, Cursor, Held, Page, Stream
from smarketing.sources.api.tables import Row, Table
from smarketing.sources.marketo.api import MOST_IDS, Api, instant
from smarketing.sources.marketo.exports import (
    Members,
    Night,
    Windows,
    activities,
    leads,
    moment,
)
from smarketing.sources.marketo.jobs import Jobs
from smarketing.sources.marketo.records import program_row, spend_rows
from smarketing.sources.marketo.settings import Settings
from smarketing.sources.marketo.tables import TABLES

# Marketo tells of a deletion for fourteen days
_REMEMBERED: Final = timedelta(days=14)
# every lead is looked for once a week
_SLICES: Final = 7
# the days of a key are counted from here
_EPOCH: Final = date(1970, 1, 1)

_LIVE: Final = """
    not exists (
        select from raw_marketo.deletions
        where deletions.system = leads.system and deletions._known_until is null
            and deletions.lead_id = leads.lead_id
    )
    and not exists (
        select from raw_marketo.merges
        where merges.system = leads.system and merges._known_until is null
            and merges.merged_id = leads.lead_id
    )
"""


class MarketoSource:
    """One instance of Marketo, read as of ``known_at``."""

    schema = "raw_marketo"
    tables: Sequence[Table] = TABLES

    def __init__(self, settings: Settings, api: Api, jobs: Jobs, known_at: datetime) -> None:
        self.system = settings.system
        self._api = api
        self._night = Night(api, jobs, settings, known_at)
        self._deletions = _Deletions(self._night)
        self._programs = _Programs(self._night)

    def streams(self) -> Sequence[Stream]:
        """Everything, each kind by itself."""
        return [
            Windows("leads", self._night, leads, changed="updatedAt"),
            Windows("activities", self._night, activities, changed="createdAt"),
            Members(self._night),
            self._deletions,
            self._programs,
        ]

    def settle(self, held: Held) -> Iterator[Page | Count]:
        """Look for leads that vanished, and costs that were taken back; compare counts."""
        yield from self._vanished(held)
        yield from self._taken_back(held)
        for kind, told in self._night.told.items():
            yield Count(f"rows of exported {kind}", told, self._night.read.get(kind, 0))

    def _vanished(self, held: Held) -> Iterator[Page]:
        """Leads whose deletion nobody told: a seventh of all each night, or all after a gap."""
        ours = sorted(held.values("leads", "lead_id", _LIVE))
        today = self._night.known_at.toordinal() % _SLICES
        if not self._deletions.has_gap:
            ours = [one for one in ours if int(one) % _SLICES == today]
        # asked twice, as one answer that lacks a lead is no proof
        gone = self._missing(self._missing(ours))
        if gone:
            rows: list[Row] = [
                {"lead_id": one, "deleted_at": self._night.known_at, "how": "vanished"}
                for one in gone
            ]
            yield Page({"deletions": rows}, {}, [f"{len(gone):,} leads vanished without a word"])

    def _missing(self, ids: Sequence[str]) -> list[str]:
        missing: list[str] = []
        for start in range(0, len(ids), MOST_IDS):
            asked = ids[start : start + MOST_IDS]
            missing += sorted({*asked} - self._api.present(asked))
        return missing

    def _taken_back(self, held: Held) -> Iterator[Page]:
        """Costs that a program had and has no more; those of a program that is gone stay."""
        rows: list[Row] = []
        for key in sorted(held.values("spend", "_record_key", "amount <> 0")):
            _, program, day = orjson.loads(key)
            month = (_EPOCH + timedelta(days=int(day))).isoformat()
            if month not in self._programs.months.get(program, {month}):
                rows.append({"program_id": program, "month": month, "amount": 0})
        if rows:
            yield Page({"spend": rows}, {}, [f"{len(rows):,} costs of programs were taken back"])


class _Deletions:
    """The leads that were deleted, from the log: no export has them."""

    name = "deletions"

    def __init__(self, night: Night) -> None:
        self._night = night
        self.has_gap = False
        """Whether Marketo has forgotten deletions since the last night."""

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Those since the last night, or all that Marketo remembers."""
        known_at = self._night.known_at
        since = moment(cursor, "since")
        remembered = known_at - _REMEMBERED
        self.has_gap = since is not None and since < remembered
        start = max(since - self._night.look_back, remembered) if since else remembered
        for page in self._night.api.deletions(start):
            rows: list[Row] = [
                {
                    "lead_id": one["leadId"],
                    "deleted_at": instant(one["activityDate"]),
                    "how": "deleted",
                }
                for one in page
            ]
            if rows:
                yield Page({"deletions": rows}, cursor)
        yield Page({}, {"since": known_at.isoformat()})


class _Programs:
    """Programs with their costs, all of them every night: a cost changes no program's time."""

    name = "programs"

    def __init__(self, night: Night) -> None:
        self._night = night
        self.months: dict[str, set[str]] = {}
        """The months for which each program has costs."""

    def pages(self, _: Cursor) -> Iterator[Page]:
        """Page by page."""
        for page in self._night.api.programs():
            whole = [self._night.api.program(str(one["id"])) or one for one in page]
            currency = self._night.settings.currency
            spend = [row for one in whole for row in spend_rows(one, currency)]
            self.months |= {str(one["id"]): set() for one in whole}
            for row in spend:
                self.months[str(row["program_id"])].add(row["month"])
            yield Page({"programs": [program_row(one) for one in whole], "spend": spend}, {})
