"""What was deleted of an object, and which records became part of others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from smarketing.sources.api.client import RefusedError
from smarketing.sources.api.streams import Cursor, Page
from smarketing.sources.api.tables import Row
from smarketing.sources.salesforce.api import Api
from smarketing.sources.salesforce.soql import Query, instant

_MERGEABLE: Final = ("Lead", "Contact", "Account")
# Salesforce remembers for 15 days
_REMEMBERED: Final = timedelta(days=15)
# it counts by minutes
_LEAST_SPAN: Final = timedelta(minutes=2)
_TOO_LATE: Final = frozenset({"EXCEEDED_ID_LIMIT", "INVALID_REPLICATION_DATE"})


class _Covered(BaseModel):
    """``until``: all older deletions are known. ``gap_at``: the night of which some are not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: AwareDatetime | None = None
    gap_at: AwareDatetime | None = None


class Deletions:
    """The deletions of one object, from where Salesforce said it had told all."""

    def __init__(self, object_: str, api: Api, known_at: datetime) -> None:
        self.name = f"deleted {object_}"
        self.is_incomplete = False
        self._object = object_
        self._api = api
        self._known_at = known_at

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """What is new in the recycle bin and in the log of deletions."""
        try:
            covered = _Covered.model_validate(cursor)
        except ValidationError:
            covered = _Covered()
        # a state from the future says nothing either
        known = covered.until if covered.until and covered.until <= self._known_at else None
        since = known or self._known_at - _REMEMBERED
        self.is_incomplete = covered.gap_at == self._known_at
        if self._object in _MERGEABLE:
            yield from self._merges(since, cursor)
        if since + _LEAST_SPAN > self._known_at:
            return
        rows: list[Row] = []
        until = self._known_at
        try:
            told = self._api.deleted(
                self._object, max(since, self._known_at - _REMEMBERED), self._known_at
            )
        except RefusedError as refused:
            if refused.code not in _TOO_LATE:
                raise
            self.is_incomplete = True
        else:
            rows = [
                {
                    "object": self._object,
                    "record_id": one["id"],
                    "deleted_at": one["deletedDate"],
                    "how": "deleted",
                }
                for one in told.records
            ]
            until = min(told.covered_until, self._known_at)
            # before the first night there is nothing to miss
            self.is_incomplete |= known is not None and told.available_from > known + _LEAST_SPAN
        gap_at = self._known_at if self.is_incomplete else None
        notes = []
        if gap_at:
            notes.append(f"{self._object}: older deletions than Salesforce tells; ids are compared")
        moved = _Covered(until=max(until, since), gap_at=gap_at)
        yield Page({"deletions": rows}, moved.model_dump(mode="json", exclude_none=True), notes)

    def _merges(self, since: datetime, cursor: Cursor) -> Iterator[Page]:
        """Records in the bin that name the one they became part of."""
        query = Query(
            self._object,
            ("Id", "MasterRecordId", "SystemModstamp"),
            (
                "IsDeleted = true",
                "MasterRecordId != null",
                f"SystemModstamp >= {instant(since)}",
            ),
        )
        for records, _ in self._api.pages(query, "SystemModstamp", with_deleted=True):
            rows = [
                {
                    "object": self._object,
                    "merged_id": record["Id"],
                    "surviving_id": record["MasterRecordId"],
                    "merged_at": record["SystemModstamp"],
                }
                for record in records
            ]
            yield Page({"merges": rows}, cursor)
