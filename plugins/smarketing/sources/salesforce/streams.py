"""The objects of Salesforce's as streams: at first all of them, then every night what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import Any, Final

from smarketing.sources.api.client import RefusedError
from smarketing.sources.api.drift import VendorField, decide
from smarketing.sources.api.files import csv_batches
from smarketing.sources.api.limits import Sleep
from smarketing.sources.api.streams import Cursor, Page
from smarketing.sources.api.tables import Row
from smarketing.sources.errors import SourceError, UnreachableError
from smarketing.sources.salesforce.api import LONGEST_QUERY, Api, Job, Told
from smarketing.sources.salesforce.objects import Kind
from smarketing.sources.salesforce.position import Described, Pass, Position, position
from smarketing.sources.salesforce.records import Reading
from smarketing.sources.salesforce.settings import Settings
from smarketing.sources.salesforce.soql import Query, among, instant

# a page of results; as many are loaded at once
_RESULTS: Final = 50_000
_TRIES: Final = 5
_LONGEST_WAIT: Final = 30.0
# Salesforce works on a job for hours at most; the next run asks again
_MOST_WAITS: Final = 500
# a change of permissions need not show in the instant by which a description is known
_DESCRIPTION_KEPT: Final = timedelta(days=7)
# by the id of what is asked for one by one
_IDS_IN_A_QUERY: Final = 100
# what a query job cannot tell, what nobody could read, and what nobody should
_NEVER: Final = frozenset(
    {"address", "location", "complexvalue", "base64", "encryptedstring", "json"}
)
# by which changes are found, the best first
_STAMPS: Final = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_KEPT: Final = (
    "name", "label", "type", "custom", "calculated", "encrypted", "filterable", "sortable",
)  # fmt: skip


class Records:
    """One object of one org, read as of a night."""

    def __init__(
        self, kind: Kind, settings: Settings, api: Api, known_at: datetime, sleep: Sleep
    ) -> None:
        self.kind = kind
        self.name = kind.object
        self._settings = settings
        self._api = api
        self._known_at = known_at
        self._sleep = sleep
        self._reading: Reading | None = None

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """The rest of a reading of all, if there is one, and what has changed since."""
        page, at, reading = self._described(position(cursor, self._known_at))
        yield page
        is_new = bool(page.rows["fields"])
        try:
            yield from self._read(at, reading)
        except RefusedError as refused:
            if refused.code != "INVALID_FIELD" or is_new:
                raise
            # a permission was taken away, which leaves a description as it was
            page, at, reading = self._described(at.but(described=None))
            yield page
            yield from self._read(at, reading)

    def missed(self, ids: Sequence[str]) -> Iterator[Page]:
        """Records by id that no reading has told."""
        reading = self._reading
        assert reading is not None
        for begin in range(0, len(ids), _IDS_IN_A_QUERY):
            query = reading.query(among(ids[begin : begin + _IDS_IN_A_QUERY]))
            if self._is_short(query):
                for records, _ in self._api.pages(query, ""):
                    yield self._page(reading, records)
            else:
                at = Position(reading=Pass(night=self._known_at, is_whole=False))
                for page in self._by_job(at, reading, query):
                    yield Page(page.rows, {})

    def _read(self, at: Position, reading: Reading) -> Iterator[Page]:
        begun = at.reading
        # without a stamp, what changed since another night would not be found
        is_to_end = reading.stamp or (begun and begun.night == self._known_at)
        if begun and begun.is_whole and is_to_end:
            whole = begun
        elif self._is_all_due(at, reading):
            whole = Pass(night=self._known_at, is_whole=True)
        else:
            whole = None
        if whole:
            yield from self._pass(at.but(reading=whole), reading, reading.query())
            at = at.but(since=whole.night, whole_at=whole.night, reading=None)
            yield Page({}, at.cursor)
        assert at.since is not None
        if at.since < self._known_at:
            # what took long to be saved has an older stamp than what was seen before it. The end
            # is open: what somebody saves night after night at this hour would never be read
            since = at.since - timedelta(minutes=self._settings.look_back_minutes)
            changes = at.reading
            if not changes or changes.night != self._known_at:
                changes = Pass(night=self._known_at, is_whole=False)
            query = reading.query(f"{reading.stamp} >= {instant(since)}")
            yield from self._pass(at.but(reading=changes), reading, query)
            yield Page({}, at.but(since=self._known_at, reading=None).cursor)

    def _is_all_due(self, at: Position, reading: Reading) -> bool:
        if at.since is None or at.whole_at is None:
            return True
        if not reading.stamp:
            return at.since < self._known_at
        has_calculated = any(
            field["calculated"]
            for field in (at.described.fields if at.described else ())
            if field["name"] in reading.types
        )
        due = at.whole_at + timedelta(days=self._settings.calculated_days)
        return has_calculated and due <= self._known_at

    def _pass(self, at: Position, reading: Reading, query: Query) -> Iterator[Page]:
        """All that a query finds: a small number page by page, a large one by a job."""
        begun = at.reading
        assert begun is not None
        is_by_job = begun.job is not None or (
            begun.place is None
            and (not self._is_short(query) or self._api.count(query) >= self._settings.bulk_from)
        )
        if is_by_job:
            yield from self._by_job(at, reading, query)
        else:
            yield from self._by_page(at, reading, query, begun)

    def _by_page(self, at: Position, reading: Reading, query: Query, begun: Pass) -> Iterator[Page]:
        for records, place in self._api.pages(query, reading.stamp, begun.place):
            moved = at.but(reading=begun.model_copy(update={"place": place}))
            yield self._page(reading, records, moved.cursor)

    def _page(
        self, reading: Reading, records: Sequence[Told], cursor: Cursor | None = None
    ) -> Page:
        return Page({self.kind.table: reading.rows(records)}, cursor or {})

    def _by_job(self, at: Position, reading: Reading, query: Query) -> Iterator[Page]:
        begun = at.reading
        assert begun is not None
        job = begun.job
        if job is None or self._is_over(job):
            job, begun = self._api.start(query), begun.model_copy(update={"locator": None})
            begun = begun.model_copy(update={"job": job})
            yield Page({}, at.but(reading=begun).cursor, is_costly=True)
        self._wait(job)
        locator = begun.locator
        is_last = False
        while not is_last:
            here = at.but(reading=begun).cursor
            for page, following in self._results(job, locator, reading):
                locator = following
                yield Page({self.kind.table: page}, here)
            is_last = locator is None
            if not is_last:
                begun = begun.model_copy(update={"locator": locator})
                yield Page({}, at.but(reading=begun).cursor)

    def _results(
        self, job: Job, locator: str | None, reading: Reading
    ) -> Iterator[tuple[Any, str | None]]:
        """A page of results, block by block, each with where the next page is."""
        for turn in range(_TRIES):
            with TemporaryFile() as file:
                count, following = self._api.results(job, locator, _RESULTS, file)
                file.seek(0)
                found = 0
                if count:
                    fields = {name: name for name in reading.fields}
                    for batch in csv_batches(file, fields):
                        found += batch.num_rows
                        yield reading.batch(batch), following
                if found >= count:
                    if not count:
                        yield [], following
                    return
            self._sleep(2.0**turn)
        raise UnreachableError(
            f"Salesforce, {self.name}: results of job {job.id} lack some of the records that they "
            "count. The next run asks again."
        )

    def _is_over(self, job: Job) -> bool:
        told = self._api.state(job)
        return told is None or told["state"] in ("Aborted", "Failed")

    def _wait(self, job: Job) -> None:
        """Wait until a job is complete.

        Raises:
            SourceError: it never will be.
            UnreachableError: it takes too long.
        """
        for turn in range(_MOST_WAITS):
            told = self._api.state(job)
            state = "gone" if told is None else told["state"]
            if state == "JobComplete":
                return
            if told is None or state in ("Aborted", "Failed"):
                message = (told or {}).get("errorMessage", "no message")
                raise SourceError(
                    [
                        f"Salesforce, {self.name}: query job {job.id} is {state}: {message}. The "
                        "next run starts another one."
                    ]
                )
            self._sleep(min(2.0**turn, _LONGEST_WAIT))
        raise UnreachableError(
            f"Salesforce, {self.name}: query job {job.id} is not complete after hours. The next "
            "run goes on with it."
        )

    @staticmethod
    def _is_short(query: Query) -> bool:
        """Whether a page of a query fits an address, with the place where it goes on."""
        return len(str(query)) <= LONGEST_QUERY

    def _described(self, at: Position) -> tuple[Page, Position, Reading]:
        """What to read, by what the org has today."""
        known = at.described
        if known and known.asked_at + _DESCRIPTION_KEPT <= self._known_at:
            known = None
        told, modified = self._api.describe(self.name, known.modified if known else None)
        if told is not None:
            fields = [{name: one.get(name) for name in _KEPT} for one in told["fields"]]
            known = Described(modified=modified, asked_at=self._known_at, fields=fields)
        assert known is not None
        fields = known.fields
        names = {field["name"] for field in fields}
        columns = {
            column: name
            for column, name in self.kind.columns.items()
            # what an org never had is left empty; what it had is missed
            if name in names or column not in self.kind.optional or column in (at.columns or {})
        }
        decision = decide(
            f"Salesforce {self.name}",
            [self._field(field) for field in fields],
            columns=columns,
            never=self._settings.never,
            known=at.asked,
        )
        stamps = [field["name"] for field in fields if field["filterable"] and field["sortable"]]
        reading = Reading(
            self.kind,
            columns,
            decision.own,
            decision.types,
            next((name for name in _STAMPS if name in stamps), ""),
        )
        self._reading = reading
        if at.asked is not None and (at.asked != decision.types or at.columns != columns):
            # values that were there before leave no trace of it
            at = at.but(whole_at=None, reading=None)
        at = at.but(described=known, asked=dict(decision.types), columns=columns)
        rows = self._rows(fields, reading) if told is not None else []
        return Page({"fields": rows}, at.cursor, decision.notes), at, reading

    def _field(self, field: Told) -> VendorField:
        is_own = self.kind.has_own and field["custom"] and field["type"] not in _NEVER
        is_encrypted = bool(field["encrypted"]) or field["type"] == "encryptedstring"
        return VendorField(field["name"], field["type"], is_own, is_encrypted)

    def _rows(self, fields: Sequence[Told], reading: Reading) -> list[Row]:
        return [
            {
                "object": self.name,
                "name": field["name"],
                "label": field["label"],
                "type": field["type"],
                "is_own": field["custom"],
                "is_read": field["name"] in reading.fields,
            }
            for field in fields
        ]
