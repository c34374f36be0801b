"""Salesforce at one night: what there is to read, and what vanished without a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from smarketing.sources.api.limits import Sleep
from smarketing.sources.api.streams import Count, Held, Page, Stream
from smarketing.sources.api.tables import Table
from smarketing.sources.salesforce.api import Api
from smarketing.sources.salesforce.deletions import Deletions
from smarketing.sources.salesforce.objects import Kind, kinds
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
"""


class SalesforceSource:
    """One org of Salesforce's, read as of ``known_at``."""

    schema = "raw_salesforce"
    tables: Sequence[Table] = TABLES

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
            live = f"created_at < %s and not exists ({_gone(kind)})"
            if deletions:
                yield self._restored(held, kind)
            held_count = held.count(kind.table, live, until)
            if at_vendor != held_count or (deletions and deletions.is_incomplete):
                pages = self._api.pages(query, "")
                present = {record["Id"] for found, _ in pages for record in found}
                ours = held.values(kind.table, kind.id, live, until)
                yield self._vanished(kind, sorted(ours - present))
                missed = sorted(present - held.values(kind.table, kind.id, live, "infinity"))
                yield Page({}, {}, ended={"deletions": [(kind.object, one) for one in missed]})
                yield from records.missed(missed)
                held_count = held.count(kind.table, live, until)
            yield Count(kind.table, at_vendor, held_count)

    def _restored(self, held: Held, kind: Kind) -> Page:
        """What is known as deleted, and has been changed since: it came back from the bin."""
        since = "deletions.deleted_at < updated_at"
        back = held.values(kind.table, kind.id, f"exists ({_gone(kind)} and {since})")
        return Page({}, {}, ended={"deletions": [(kind.object, one) for one in sorted(back)]})

    def _vanished(self, kind: Kind, ids: Sequence[str]) -> Page:
        how = {"object": kind.object, "deleted_at": self._known_at, "how": "vanished"}
        return Page({"deletions": [how | {"record_id": one} for one in ids]}, {})


def _gone(kind: Kind) -> str:
    """A query, of ours, for the deletion of a record."""
    return _GONE.format(table=kind.table, object=kind.object, id=kind.id)
