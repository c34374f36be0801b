"""The extraction of one night from a source behind an API: streams that resume."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol

import psycopg
from psycopg import sql
from smarketing.privacy.ledger import ERASED
from smarketing.sources.api.client import one_line
from smarketing.sources.api.rejected import keep_aside
from smarketing.sources.api.tables import Row, Table, TableRows, Unreadable, record_key
from smarketing.sources.errors import ExhaustedError, SourceError, UnreachableError
from smarketing.sources.loading import Load, RawTables, create_missing, raw_tables

if TYPE_CHECKING:
    import pyarrow as pa

Cursor = dict[str, Any]
"""How far a stream has been read, as JSON; empty before its first page."""

# a load has a price of its own (a second or two); what is killed before it is read again
_ROWS_IN_A_LOAD: Final = 50_000
# a vendor answers in tenths of a second: one after the other would waste most of what it allows
_READERS: Final = 6
_PAGES_AHEAD: Final = 32


@dataclass(frozen=True)
class Page:
    """Rows by table, where the stream goes on once they are loaded, and what was odd.

    Of a file the rows are columns of text, by our names. ``whole`` names the tables of which the
    page tells all there is: what it does not name has ended. ``ended`` names what has ended by
    itself: by table, the texts of the key. ``is_costly``: what it took to come here is not to be
    done again, so the cursor is noted down at once.
    """

    rows: Mapping[str, Sequence[Row] | pa.RecordBatch]
    cursor: Cursor
    notes: Sequence[str] = ()
    is_costly: bool = False
    whole: Collection[str] = ()
    ended: Mapping[str, Sequence[tuple[str, ...]]] = field(default_factory=dict)


class CursorError(Exception):
    """A cursor says nothing that a stream could go on from."""


def instant_in(cursor: Cursor, name: str, night: datetime) -> datetime | None:
    """An instant that a stream noted down; none where it did not.

    Raises:
        CursorError: it is none, or it is later than the night.
    """
    text = cursor.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at <= night:
            return at
    except (TypeError, ValueError):
        pass
    raise CursorError(f"{name}: {text!r}")


class Stream(Protocol):
    """Something that a vendor tells page by page."""

    @property
    def name(self) -> str:
        """What the state calls it."""

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """All pages from a cursor on. The cursor of the last says where the next night begins.

        Raises:
            CursorError: before the first page; the stream is then read from its beginning.
        """


@dataclass(frozen=True)
class Count:
    """How many records of a kind a vendor counts itself, and how many we hold."""

    records: str
    at_vendor: int
    held: int


class Source(Protocol):
    """A system behind an API, ready to be read at one night."""

    system: str
    schema: str

    @property
    def tables(self) -> Sequence[Table]:
        """The raw tables."""

    def streams(self) -> Sequence[Stream]:
        """What there is to read, each independent of the others."""

    def settle(self, held: Held) -> Iterator[Page | Count]:
        """When all has been read: what vanished without a word, and counts to compare."""


class Held:
    """What the warehouse holds of a system, with all that was told a moment ago."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        schema: str,
        system: str,
        load: Callable[[], None] = lambda: None,
    ) -> None:
        self.system = system
        self._connection = connection
        self._schema = schema
        self._load = load

    def values(self, table: str, column: str, where: str = "true", *given: Any) -> set[str]:
        """The texts of a column in the newest versions. ``where`` is SQL of ours."""
        return {row[0] for row in self._select(sql.Identifier(column), table, where, given)}

    def count(self, table: str, where: str = "true", *given: Any) -> int:
        """How many newest versions there are; ``where`` is SQL of ours."""
        [(count,)] = self._select(sql.SQL("count(*)"), table, where, given)
        return int(count)

    def _select(
        self, what: sql.Composable, table: str, where: str, given: Sequence[Any]
    ) -> Iterator[tuple[Any, ...]]:
        self._load()
        # of whoever was erased the vendor knows nothing by the name that they have with us
        query = sql.SQL(
            "select {what} from {table} where system = %s and _known_until is null"
            f" and strpos(_record_key, '\"{ERASED}') = 0 and ({{where}})"
        ).format(what=what, table=sql.Identifier(self._schema, table), where=sql.SQL(where))
        return iter(self._connection.execute(query, [self.system, *given]))


@dataclass
class Extracted:
    """What a night's extraction did.

    ``rows_loaded`` counts new versions: a record told again as it was is read, not loaded.
    ``note`` is one line for whoever reads the table of steps.
    """

    system: str
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    counts: list[Count] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        """What was out of the ordinary."""
        differing = [
            f"{count.records}: {count.held:,} held, {count.at_vendor:,} at the vendor"
            for count in self.counts
            if count.held != count.at_vendor
        ]
        return "; ".join(map(one_line, [*self.notes, *differing]))


def extract(
    source: Source, *, warehouse_uri: str, night_id: str, known_at: datetime, workdir: Path
) -> Extracted:
    """Read what is new at a vendor by a night, and load it into its raw schema.

    What has been read is loaded, with the cursors that say so, every 50,000 rows: a run that is
    killed goes on from there. A night that is run again changes nothing; one that is older than
    the data loads nothing.

    Raises:
        SourceError: a stream cannot be read as declared. The others have been loaded.
        UnreachableError: the vendor is not well. What was read before has been loaded.
        LoadError: the warehouse does not take the rows.
    """
    if known_at.tzinfo is None:
        raise ValueError("known_at has no zone")
    with (
        psycopg.connect(warehouse_uri, autocommit=True) as connection,
        raw_tables(connection, source.schema, source.system, known_at, workdir) as raw,
    ):
        create_missing(
            connection,
            source.schema,
            {table.name: table.arrow_schema for table in source.tables},
        )
        night = _Extraction(source, connection, raw, night_id, known_at)
        if night.is_outdated:
            return night.extracted
        before = night.versions
        night.read(source.streams())
        night.settle()
        night.extracted.rows_loaded = night.count_versions() - before
        night.raise_faults()
        return night.extracted


class _Extraction:
    """One night's reading: what threads read, the main thread loads."""

    def __init__(
        self,
        source: Source,
        connection: psycopg.Connection[Any],
        raw: RawTables,
        night_id: str,
        known_at: datetime,
    ) -> None:
        self._source = source
        self._connection = connection
        self._raw = raw
        self._night_id = night_id
        self._known_at = known_at
        self._tables = {table.name: table for table in source.tables}
        self._cursors: Mapping[str, Any] = raw.state.get("streams") or {}
        self._waiting: dict[str, TableRows] = {}
        self._moved: dict[str, Cursor] = {}
        self._whole: set[str] = set()
        self._ended: dict[str, list[str]] = {}
        self._faults: list[SourceError | UnreachableError] = []
        self.extracted = Extracted(source.system)
        self.versions, latest = self._look_up()
        self.is_outdated = latest is not None and latest > known_at
        if latest and self.is_outdated:
            self.extracted.notes.append(
                f"already read as of a later night, {latest.astimezone(UTC).isoformat()}"
            )

    def count_versions(self) -> int:
        """How many versions the raw tables hold by now."""
        return self._look_up()[0]

    def _look_up(self) -> tuple[int, datetime | None]:
        """How many versions there are, and the latest night, one killed halfway included."""
        tables = sql.SQL(" union all ").join(
            sql.SQL("select count(*) as versions, max(_known_from) as latest from {}"
                    " where system = {}").format(
                sql.Identifier(self._source.schema, name), self._source.system
            )
            for name in self._tables
        )  # fmt: skip
        query = sql.SQL("select sum(versions), max(latest) from ({}) as tables").format(tables)
        [(versions, latest)] = self._connection.execute(query).fetchall()
        with suppress(KeyError, TypeError, ValueError):
            loaded = datetime.fromisoformat(self._raw.state["known_at"])
            latest = max(latest or loaded, loaded)
        return int(versions), latest

    def read(self, streams: Sequence[Stream]) -> None:
        """Read all streams at once, and load what they tell."""
        import pyarrow as pa

        # the first array imports pandas, which dlt must not meet half imported by another thread
        pa.array([])
        pages: Queue[tuple[Stream, Page | Exception | None]] = Queue(_PAGES_AHEAD)
        stopped = Event()
        with ThreadPoolExecutor(_READERS, thread_name_prefix=self._source.system) as readers:
            try:
                for stream in streams:
                    cursor = self._cursors.get(stream.name) or {}
                    readers.submit(_read, stream, cursor, pages, stopped)
                reading = len(streams)
                while reading:
                    stream, told = pages.get()
                    if isinstance(told, Page):
                        self._take(told, stream.name)
                    else:
                        reading -= 1
                        if told is not None:
                            self._note_fault(told)
                        if isinstance(told, ExhaustedError):
                            # the others would be told the same
                            break
            finally:
                stopped.set()
                readers.shutdown(wait=False, cancel_futures=True)
        self._load()

    def settle(self) -> None:
        """Ask what vanished, and compare counts; not where something could not be read."""
        if self._faults:
            return
        held = Held(self._connection, self._source.schema, self._source.system, self._load)
        try:
            for told in self._source.settle(held):
                if isinstance(told, Count):
                    self.extracted.counts.append(told)
                else:
                    self._take(told, None)
        except (SourceError, UnreachableError) as fault:
            self._note_fault(fault)
        self._load()

    def raise_faults(self) -> None:
        """Say what could not be read, if anything."""
        if not self._faults:
            return
        messages = [str(fault) for fault in self._faults]
        if all(isinstance(fault, UnreachableError) for fault in self._faults):
            raise UnreachableError("\n".join(messages))
        raise SourceError(messages)

    def _note_fault(self, fault: Exception) -> None:
        if not isinstance(fault, SourceError | UnreachableError):
            raise fault
        self._faults.append(fault)

    def _take(self, page: Page, stream: str | None) -> None:
        self.extracted.notes += page.notes
        for name, rows in page.rows.items():
            if not len(rows) and name not in page.whole:
                continue
            if name not in self._waiting:
                self._waiting[name] = TableRows(self._tables[name], self._source.system)
            unreadable = self._waiting[name].add(rows)
            self.extracted.rows_read += len(rows)
            self.extracted.rows_rejected += len(unreadable)
            keep_aside(
                self._connection, self._night_id, self._source.schema, self._source.system,
                [fault for fault in unreadable if not self._is_of_erased(fault)],
            )  # fmt: skip
        self._whole.update(page.whole)
        for name, keys in page.ended.items():
            self._ended.setdefault(name, []).extend(
                record_key(self._source.system, key) for key in keys
            )
        if stream is not None:
            self._moved[stream] = page.cursor
        if page.is_costly or sum(map(len, self._waiting.values())) >= _ROWS_IN_A_LOAD:
            self._load()

    def _is_of_erased(self, fault: Unreadable) -> bool:
        return self._raw.suppression.mentions(self._source.system, fault.key, fault.value)

    def _load(self) -> None:
        """Load all that waits, together with the cursors that say so."""
        if self._waiting or self._moved:
            self._load_rows()
        for name, keys in self._ended.items():
            self._end(name, sql.SQL("_record_key = any(%s)"), keys)
        self._ended = {}

    def _load_rows(self) -> None:
        moved, waiting = self._moved, self._waiting
        self._moved, self._waiting = {}, {}

        def note_down(state: dict[str, Any]) -> None:
            state["known_at"] = self._known_at.isoformat()
            state.setdefault("streams", {}).update(moved)

        if not waiting:
            # the state has to travel with something
            table = self._source.tables[0]
            waiting = {table.name: TableRows(table, self._source.system)}
        self._raw.collect(
            [
                Load(name, rows.table.arrow_schema, rows.batches, note_down)
                for name, rows in waiting.items()
            ]
        )
        self._raw.load()
        # what dlt leaves behind goes in circles; Python does not see how much memory it holds
        gc.collect()
        for name in self._whole & waiting.keys():
            told = [
                key
                for batch in waiting[name].batches()
                for key in batch.column("_record_key").to_pylist()
            ]
            self._end(name, sql.SQL("_record_key <> all(%s)"), told)
        self._whole = set()

    def _end(self, table: str, which: sql.SQL, keys: Sequence[str]) -> None:
        """End the present versions of records; whoever is killed before does it when run again."""
        self._connection.execute(
            sql.SQL(
                "update {} set _known_until = %s where system = %s and _known_until is null and {}"
            ).format(sql.Identifier(self._source.schema, table), which),
            [self._known_at, self._source.system, keys],
        )


def _read(
    stream: Stream,
    cursor: Cursor,
    pages: Queue[tuple[Stream, Page | Exception | None]],
    stopped: Event,
) -> None:
    """Put the pages of a stream into the queue, and at last None, or what went wrong."""
    told: Page | Exception | None = None
    try:
        for page in _pages(stream, cursor):
            if not _put(pages, (stream, page), stopped):
                return
    except Exception as error:
        told = error
    _put(pages, (stream, told), stopped)


def _pages(stream: Stream, cursor: Any) -> Iterator[Page]:
    """The pages from a cursor on, or all of them where it says nothing."""
    try:
        if not isinstance(cursor, dict):
            raise CursorError(repr(cursor))
        yield from stream.pages(dict(cursor))
    except CursorError as error:
        yield Page({}, {}, [f"{stream.name}: read from the beginning, as its cursor is {error}"])
        yield from stream.pages({})


def _put(pages: Queue[Any], item: Any, stopped: Event) -> bool:
    while not stopped.is_set():
        try:
            pages.put(item, timeout=1)
        except Full:
            continue
        return True
    return False
