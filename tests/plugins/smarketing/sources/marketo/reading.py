"""Marketo read as a night reads it, in memory: quick enough to be ended at every page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import Count, Page
from smarketing.sources.api.tables import TableRows, Unreadable
from smarketing.sources.marketo import MarketoSource, Settings, open_source
from smarketing.sources.marketo.tables import TABLES

from tests.plugins.smarketing.sandbox.vendors.marketo import Served

MAPPING = {
    "region": "region",
    "persona": "persona",
    "arrived_on": "arrivedOn",
    "lifecycle_stage": "lifecycleStage",
}
_TABLES = {table.name: table for table in TABLES}


def settings(**others: Any) -> Settings:
    """Nobody waits for a window to pass, unless a test says so."""
    return Settings(
        **{"calls_per_20_seconds": 1_000_000, "currency": "EUR", "leads": MAPPING, **others}
    )


def connection(marketo: Served) -> VendorConnection:
    keys = marketo.vendor.keys
    return VendorConnection(
        "marketo", marketo.url, login=keys.client_id, password=keys.client_secret
    )


class KilledError(Exception):
    """The end of a run in the middle of it."""


@dataclass
class Reading:
    """What is held of a Marketo, and how far it has been read: what a warehouse would keep.

    Rows and cursors are loaded together; what was read since the last load is lost by a kill.
    """

    marketo: Served
    settings: Settings = field(default_factory=settings)
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    cursors: dict[str, Any] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    pages: int = 0

    def night(
        self,
        known_at: datetime,
        *,
        only: str = "",
        kill_at: int = 0,
        pages_in_a_load: int = 1,
    ) -> Reading:
        """Read on until a night; with ``kill_at`` to the page of that number, and no further."""
        waiting: list[tuple[str, Page]] = []
        self.pages = 0
        with open_source(
            self.settings, connection(self.marketo), known_at, sleep=self._sleep
        ) as source:
            for stream in source.streams():
                if only in stream.name:
                    for page in stream.pages(dict(self.cursors.get(stream.name) or {})):
                        self.pages += 1
                        waiting.append((stream.name, page))
                        if self.pages == kill_at:
                            raise KilledError
                        if page.is_costly or len(waiting) >= pages_in_a_load:
                            self._load(waiting)
            self._load(waiting)
            if not only:
                self._settle(source)
        return self

    def live(self) -> dict[str, dict[str, Any]]:
        """The leads that are neither deleted nor part of another."""
        gone = self.rows["deletions"].keys() | self.rows["merges"].keys()
        return {key: row for key, row in self.rows["leads"].items() if key not in gone}

    def present(self, lead: str) -> str:
        """The lead that stands for one by now."""
        while f'["marketo","{lead}"]' in self.rows["merges"]:
            lead = self.rows["merges"][f'["marketo","{lead}"]']["surviving_id"]
        return lead

    def told(self) -> dict[str, Any]:
        """All that is held, as it is to be understood after merges and deletions."""
        held: dict[str, Any] = {
            name: {key: _content(row) for key, row in rows.items()}
            for name, rows in self.rows.items()
            if name not in ("leads", "activities", "program_members")
        }
        held["leads"] = {key: _content(row) for key, row in self.live().items()}
        for name in ("activities", "program_members"):
            held[name] = {
                tuple({**_content(row), "lead_id": self.present(row["lead_id"])}.items())
                for row in self.rows[name].values()
            }
        return held

    def values(self, table: str, column: str, *_: Any) -> set[str]:
        """What `Held` tells, for the two questions that are asked."""
        rows = self.live() if table == "leads" else self.rows[table]
        return {row[column] for row in rows.values() if row.get("amount", 1) != 0}

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.marketo.clock.advance(seconds)

    def _settle(self, source: MarketoSource) -> None:
        for told in source.settle(self):  # type: ignore[arg-type]
            if isinstance(told, Count):
                self.counts.append(told)
            else:
                self._take(told)

    def _load(self, waiting: list[tuple[str, Page]]) -> None:
        for stream, page in waiting:
            self._take(page)
            self.cursors[stream] = page.cursor
        waiting.clear()

    def _take(self, page: Page) -> None:
        self.notes += page.notes
        for name, told in page.rows.items():
            rows = TableRows(_TABLES[name], "marketo")
            self.unreadable += rows.add(told)
            for batch in rows.batches():
                for row in batch.to_pylist():
                    self.rows[name][row["_record_key"]] = row


def _content(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name[0] != "_"}
