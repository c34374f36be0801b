"""Salesforce at one night: what there is to read, and what vanished without a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from smarketing.sources.api.limits import Sleep
from smarketing.sources.api.streams import Count, Held, Page, Stream
from smarketing.sources.api.tables import Row
from smarketing.sources.salesforce.api import Api
from smarketing.sources.salesforce.deletions import Deletions
from smarketing.sources.salesforce.objects import kinds
from smarketing.sources.salesforce.settings import Settings
from smarketing.sources.salesforce.soql import Query, instant
from smarketing.sources.salesforce.streams import Records
from smarketing.sources.salesforce.tables import TABLES

# what was created within it may be in one count and not in the other
_IN_FLIGHT: Final = timedelta(minutes=1)
_GONE: Final = """
    select from raw_salesforce.deletions
    where deletions.system = {table}.system and deletions._known_until is null
        and deletions.object = '{object}' and deletions.record_id = {table}.{id}
        and deletions.how <> 'restored'
"""


class SalesforceSource:
    """One org of Salesforce's, read as of ``known_at``."""

    schema = "raw_salesforce"
    tables = TABLES

    def __init__(self, settings: Settings, api: Api, known_at: datetime, *, sleep: Sleep) -> None:
        self.system = settings.system
        self._api = api
        self._known_at = known_at
        self._records = [Records(kind, settings, api, known_at, sleep) for kind in kinds(settings)]
        self._deletions = {
            records.name: Deletions(records.name, api, known_at)
            for records in self._records
            if records.kind.is_mortal
        }

    def streams(self) -> Sequence[Stream]:
        """Everything, each object by itself, and what was deleted of it."""
        return [*self._records, *self._deletions.values()]

    def settle(self, held: Held) -> Iterator[Page | Count]:
        """Compare counts; where they differ, look for what vanished and what was missed.

        What was purged, or is hidden from us by now, is in no list. What Salesforce forgot
        before it was asked is looked for in any case.
        """
        until = self._known_at - _IN_FLIGHT
        for records in self._records:
            kind = records.kind
            deletions = self._deletions.get(kind.object)
            if not deletions and kind.table != "users":
                # a history forgets; we do not
                continue
            query = Query(kind.object, ("Id",), with_archived=kind.is_archived)
            created = f"CreatedDate < {instant(until)}"
            at_vendor = self._api.count(replace(query, where=(created,)))
            ours = self._live(held, records, until)
            if at_vendor != len(ours) or (deletions and deletions.is_incomplete):
                pages = self._api.pages(query, "")
                present = {record["Id"] for records, _ in pages for record in records}
                yield Page({"deletions": self._vanished(kind.object, ours - present)}, {})
                missed = sorted(present - self._live(held, records, None))
                yield Page({"deletions": self._restored(held, kind.object, missed)}, {})
                yield from records.missed(missed)
                ours &= present
            yield Count(kind.table, at_vendor, len(ours))

    def _live(self, held: Held, records: Records, until: datetime | None) -> set[str]:
        kind = records.kind
        gone = _GONE.format(table=kind.table, object=kind.object, id=kind.id)
        return held.values(
            kind.table, kind.id, f"created_at < %s and not exists ({gone})", until or "infinity"
        )

    def _vanished(self, object_: str, ids: set[str]) -> list[Row]:
        return [
            {"object": object_, "record_id": one, "deleted_at": self._known_at, "how": "vanished"}
            for one in sorted(ids)
        ]

    def _restored(self, held: Held, object_: str, ids: Sequence[str]) -> list[Row]:
        gone = held.values("deletions", "record_id", "object = %s and how <> 'restored'", object_)
        return [
            {"object": object_, "record_id": one, "deleted_at": None, "how": "restored"}
            for one in ids
            if one in gone
        ]
