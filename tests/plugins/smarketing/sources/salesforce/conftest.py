"""A Salesforce on real HTTP that holds a small company, and a warehouse to read it into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import psycopg
import pytest
from psycopg import sql
from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sandbox.vendors.salesforce import Salesforce
from smarketing.sandbox.vendors.salesforce.records import Row
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import Cursor, Extracted, Stream, extract
from smarketing.sources.api.tables import TableRows, Unreadable
from smarketing.sources.salesforce import SalesforceSource, Settings, open_source
from smarketing.sources.salesforce.tables import TABLES
from smarketing.warehouse.connection import as_role
from starlette.types import Message, Receive, Scope, Send

from tests.conftest import new_warehouse

# of those tried the smallest with most kinds of merge and deletion in Salesforce
COMPANY = Company(seed=39, leads=600, nights=1, ends=date(2026, 11, 20))
SMALL = Company(seed=39, leads=120, nights=1, ends=date(2026, 11, 20))
ENDS = datetime.fromtimestamp(COMPANY.ends_at, UTC)
PERSON = {
    "region": "Region__c",
    "persona": "Persona__c",
    "score": "Score__c",
    "campaign_id": "First_Campaign__c",
    "arrived_on": "Arrived_On__c",
    "reason": "Reason__c",
}
MAPPED: dict[str, Any] = {
    "users": {"team": "Team__c"},
    "leads": PERSON,
    "contacts": PERSON | {"lifecycle_stage": "Lifecycle_Stage__c"},
    "accounts": {"region": "Region__c"},
    "tasks": {"direction": "Direction__c"},
    "events": {"direction": "Direction__c", "outcome": "Outcome__c"},
    "spend": {
        "object": "Campaign_Spend__c",
        "campaign_id": "Campaign__c",
        "day": "Day__c",
        "amount": "Amount__c",
    },
}
BY_JOB: dict[str, Any] = {"bulk_from": 1}
_NUMBERS = count(1)

Versions = dict[str, dict[str, str]]
"""By table and record: the hash of its version."""


@dataclass
class Asked:
    """One call and its answer."""

    path: str
    query: str
    status: int = 0

    @property
    def wish(self) -> dict[str, str]:
        return dict(parse_qsl(self.query))


class Recorder:
    """Notes down what an app (ASGI) is asked, in front of it; and may answer itself."""

    def __init__(self, app: Simulator) -> None:
        self._app = app
        self.calls: list[Asked] = []
        self.spoil: Callable[[Asked, bytes], bytes] = lambda _, body: body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["path"], scope["query_string"].decode())
        self.calls.append(asked)

        async def said(message: Message) -> None:
            asked.status = message.get("status", asked.status)
            if message["type"] == "http.response.start":
                headers = [one for one in message["headers"] if one[0] != b"content-length"]
                message = {**message, "headers": headers}
            elif body := message.get("body"):
                message = {**message, "body": self.spoil(asked, body)}
            await send(message)

        # a fault that cuts the connection asks the server's own end of it
        said.__self__ = send.__self__  # type: ignore[attr-defined]
        await self._app(scope, receive, said)


@dataclass
class Told:
    """What the streams of a source told in one night or several, as a warehouse would keep it."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    pages: int = 0

    @property
    def versions(self) -> Versions:
        return {
            table: {key: row["_row_hash"] for key, row in rows.items()}
            for table, rows in self.rows.items()
        }

    def listen(self, stream: Stream, *, pages: int | None = None) -> None:
        """Hear a stream out, or its first pages."""
        for told in stream.pages(self.cursors.get(stream.name) or {}):
            self.pages += 1
            self.notes += told.notes
            for name, rows in told.rows.items():
                table = TableRows(next(one for one in TABLES if one.name == name), "salesforce")
                self.unreadable += table.add(rows)
                known = self.rows.setdefault(name, {})
                for batch in table.batches():
                    known |= {row["_record_key"]: row for row in batch.to_pylist()}
            self.cursors[stream.name] = told.cursor
            if pages is not None:
                pages -= 1
                if not pages:
                    return

    def ids(self, table: str = "leads") -> set[str]:
        [name] = [f"{table[:-1]}_id"]
        return {row[name] for row in self.rows[table].values()}


@dataclass
class Org:
    """Salesforce, and how it is read."""

    vendor: Salesforce
    simulator: Simulator
    recorder: Recorder
    url: str
    settings: dict[str, Any] = field(default_factory=lambda: dict(MAPPED))
    slept: list[float] = field(default_factory=list)
    # with it, waiting takes the simulated time that it says
    is_timed: bool = False

    @property
    def clock(self) -> Clock:
        return self.simulator.clock

    @property
    def keys(self) -> Any:
        return self.vendor.keys

    @property
    def connection(self) -> VendorConnection:
        return self.connected(client_secret=self.keys.client_secret)

    def connected(self, **extra: str) -> VendorConnection:
        extra = {"client_id": self.keys.client_id, **extra}
        return VendorConnection("salesforce", self.url, extra=extra)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.is_timed:
            self.clock.advance(seconds)

    @contextmanager
    def source(
        self,
        known_at: datetime = ENDS,
        connection: VendorConnection | None = None,
        **settings: Any,
    ) -> Iterator[SalesforceSource]:
        options = Settings(**{**self.settings, **settings})
        with open_source(
            options, connection or self.connection, known_at, sleep=self.sleep
        ) as source:
            yield source

    def read(
        self,
        *names: str,
        into: Told | None = None,
        known_at: datetime = ENDS,
        pages: int | None = None,
        **options: Any,
    ) -> Told:
        """Read some streams, one after the other, or all of them."""
        told = into or Told()
        with self.source(known_at, **options) as source:
            for stream in source.streams():
                if not names or stream.name in names:
                    told.listen(stream, pages=pages)
        return told

    def night(self, days: float, *names: str, **options: Any) -> Told:
        """Read so many days after the end of the history; the clock is set to it."""
        at = ENDS + timedelta(days=days)
        self.clock.set(at)
        return self.read(*names, known_at=at, **options)

    def happen(self, event: str, **details: Any) -> None:
        self.vendor.happen(event, **details)

    def order(self, kind: Any, **details: Any) -> None:
        self.simulator.faults.order(Fault(kind, **details))

    def queries(self, object_: str) -> list[str]:
        """The queries for an object's records so far."""
        asked = [call.wish.get("q", "") for call in self.recorder.calls]
        return [text for text in asked if f" FROM {object_} " in f"{text} " and "COUNT" not in text]

    def call(self, method: str, path: str, **options: Any) -> Any:
        """What another app asks of the API."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.keys.client_id,
            "client_secret": self.keys.client_secret,
        }
        token = self.keys.grant(form, self.url)["access_token"]
        url = f"{self.url}/services/data/v67.0/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, url, headers=headers, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    # what users do

    @property
    def now(self) -> int:
        return self.clock.now() // 1000

    def rows(self, object_: str) -> list[Row]:
        """What a query would find now."""
        return [row for row in self.vendor._org.rows(object_) if row.is_seen(self.now)]

    def save(self, row: Row, **values: Any) -> None:
        self.vendor._org.save(row, self.now, values, "005Qi00000000G9IAI")

    def delete(self, row: Row, *, is_hard: bool = False) -> None:
        self.vendor._org.delete(row, self.now, "005Qi00000000G9IAI", is_hard=is_hard)

    def merge(self, loser: Row, winner: Row) -> None:
        self.save(loser, MasterRecordId=winner.id)
        self.delete(loser)

    def restore(self, row: Row) -> None:
        row.deleted = None
        self.save(row)


@dataclass
class Warehouse:
    """A warehouse that an org is read into."""

    org: Org
    uri: str
    workdir: Path

    def extract(self, known_at: datetime = ENDS, **options: Any) -> Extracted:
        """Run the night that ends at an instant."""
        with self.org.source(known_at, **options) as source:
            return extract(
                source,
                warehouse_uri=as_role(self.uri, "loader"),
                night_id=f"night-{known_at.date()}",
                known_at=known_at,
                workdir=self.workdir,
            )

    def night(self, days: float, **options: Any) -> Extracted:
        """Run a night so many days after the end of the history; the clock is set to it."""
        at = ENDS + timedelta(days=days)
        self.org.clock.set(at)
        return self.extract(at, **options)

    def rows(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.uri) as connection:
            return connection.execute(sql.SQL(query), given).fetchall()

    def present(self, columns: str, table: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of the newest versions."""
        return self.rows(
            f"select {columns} from raw_salesforce.{table} where _known_until is null and {where}"
            " order by 1"
        )

    def records(self, table: str, key: str) -> dict[str, dict[str, Any]]:
        """The newest versions by id, as our columns name their values."""
        names = [column.name for one in TABLES if one.name == table for column in one.columns]
        found = [
            dict(zip(names, row, strict=True)) for row in self.present(", ".join(names), table)
        ]
        return {row[key]: row for row in found}

    def versions(self) -> Versions:
        return {
            table.name: dict(self.present("_record_key, _row_hash", table.name)) for table in TABLES
        }

    def loaded(self) -> dict[str, list[tuple[Any, ...]]]:
        """All versions with their nights."""
        return {
            table.name: self.rows(
                "select _record_key, _row_hash, _known_from, _known_until"
                f" from raw_salesforce.{table.name} order by 1, 3, 2"
            )
            for table in TABLES
        }


@contextmanager
def opened(company: Company, *, throttled: bool = False, **options: Any) -> Iterator[Org]:
    clock = Clock(ENDS)
    vendor = Salesforce(company, clock, throttled=throttled, **options)
    simulator = Simulator(vendor, clock)
    recorder = Recorder(simulator)
    with serving(recorder) as url:
        yield Org(vendor, simulator, recorder, url)


Open = Callable[..., Org]


@pytest.fixture
def open_org() -> Iterator[Open]:
    """Opens a Salesforce at the end of the history; without limits, if nothing else is said."""
    with ExitStack() as stack:
        yield lambda company=SMALL, **options: stack.enter_context(opened(company, **options))


@pytest.fixture
def org(open_org: Open) -> Org:
    """A small Salesforce at the end of the history."""
    return open_org()


@pytest.fixture(scope="session")
def read_once(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Warehouse, Extracted]]:
    """One undisturbed night of the company, for tests that leave it as it is."""
    with ExitStack() as stack:
        uri = stack.enter_context(new_warehouse(postgres))
        org = stack.enter_context(opened(COMPANY))
        warehouse = Warehouse(org, uri, tmp_path_factory.mktemp("work"))
        yield warehouse, warehouse.extract()


@pytest.fixture
def second_night(
    read_once: tuple[Warehouse, Extracted], postgres: str, open_org: Open, tmp_path: Path
) -> Iterator[Warehouse]:
    """The same company and a copy of the warehouse after its first night, to go on with."""
    name = f"second_night_{next(_NUMBERS)}"
    source = psycopg.conninfo.conninfo_to_dict(read_once[0].uri)["dbname"]
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create database {name} template {source}")
        uri = read_once[0].uri.replace(f"/{source}", f"/{name}")
        yield Warehouse(open_org(COMPANY), uri, tmp_path / "work")
        connection.execute(f"drop database {name} with (force)")


def texts(rows: Mapping[str, Mapping[str, Any]], *columns: str) -> Sequence[tuple[Any, ...]]:
    """Some columns of rows, in order."""
    return sorted(tuple(row[name] for name in columns) for row in rows.values())
