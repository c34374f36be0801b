"""A HubSpot on real HTTP that holds a small company, and a warehouse to read it into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sandbox.vendors.hubspot import HubSpot
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.streams import Extracted, extract
from smarketing.sources.hubspot import Settings, open_source
from smarketing.sources.hubspot.tables import TABLES
from smarketing.warehouse.connection import as_role
from starlette.types import Message, Receive, Scope, Send

from tests.conftest import new_warehouse

# of those tried the smallest with merges, deletions and erasures in HubSpot's part
COMPANY = Company(seed=28, leads=120, nights=1, ends=date(2026, 11, 20))
ENDS = datetime.fromtimestamp(COMPANY.ends_at, UTC)
CONTACTS = "/crm/objects/2026-09/contacts"
MAPPED = {
    "phone": "phone",
    "company": "company",
    "country": "country",
    "region": "sales_region",
    "persona": "buyer_persona",
    "channel": "first_channel",
    "campaign_id": "first_campaign",
    "score": "lead_score",
    "second_email": "work_email",
    "arrived_on": "met_on",
    "reason": "reason_left",
}

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class Asked:
    """One call and its answer."""

    path: str
    wish: str
    status: int = 0


class Recorder:
    """Notes down what an app (ASGI) is asked, in front of it."""

    def __init__(self, app: Simulator) -> None:
        self._app = app
        self.calls: list[Asked] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["path"], scope["query_string"].decode())
        self.calls.append(asked)

        async def heard() -> Message:
            message = await receive()
            asked.wish += message.get("body", b"").decode()
            return message

        async def said(message: Message) -> None:
            asked.status = message.get("status", asked.status)
            await send(message)

        # a fault that cuts the connection asks the server's own end of it
        said.__self__ = send.__self__  # type: ignore[attr-defined]
        await self._app(scope, heard, said)


@dataclass
class Account:
    """HubSpot, the warehouse it is read into, and how."""

    hubspot: HubSpot
    simulator: Simulator
    recorder: Recorder
    url: str
    uri: str
    workdir: Path
    settings: dict[str, Any] = field(default_factory=lambda: {"contacts": MAPPED})
    slept: list[float] = field(default_factory=list)
    # whether waiting takes HubSpot's time as well as ours
    is_timed: bool = False

    @property
    def clock(self) -> Clock:
        return self.simulator.clock

    @property
    def connection(self) -> VendorConnection:
        return VendorConnection("hubspot", self.url, password=self.hubspot.keys.private)

    @property
    def oauth(self) -> VendorConnection:
        keys = self.hubspot.keys
        extra = {
            "client_id": keys.client_id,
            "client_secret": keys.client_secret,
            "refresh_token": keys.refresh_token,
        }
        return VendorConnection("hubspot", self.url, extra=extra)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.is_timed:
            # the simulated clock has milliseconds
            self.clock.advance(seconds + 0.001)

    def extract(
        self,
        known_at: datetime = ENDS,
        connection: VendorConnection | None = None,
        **settings: Any,
    ) -> Extracted:
        """Run the night that ends at an instant."""
        options = Settings(**{**self.settings, **settings})
        with open_source(
            options,
            connection or self.connection,
            known_at,
            sleep=self.sleep,
            clock=lambda: self.clock.now() / 1000 if self.is_timed else sum(self.slept),
        ) as source:
            return extract(
                source,
                warehouse_uri=as_role(self.uri, "loader"),
                night_id=f"night-{known_at.date()}",
                known_at=known_at,
                workdir=self.workdir,
            )

    def night(self, days: int, **options: Any) -> Extracted:
        """Run a night so many days after the end of the history; the clock is set to it."""
        at = ENDS + timedelta(days=days)
        self.clock.set(at)
        return self.extract(at, **options)

    def happen(self, event: str, **details: Any) -> None:
        self.hubspot.happen(event, **details)

    def order(self, kind: Any, **details: Any) -> None:
        self.simulator.faults.order(Fault(kind, **details))

    def call(self, method: str, path: str, **options: Any) -> Any:
        """What a user of HubSpot does."""
        headers = {"Authorization": f"Bearer {self.hubspot.keys.private}"}
        answer = httpx.request(method, f"{self.url}{path}", headers=headers, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def ids(self, kind: str = "contacts") -> list[str]:
        """The ids of the live records of a kind."""
        account = self.hubspot._account
        return [str(record.id) for record in account.since(kind, 0, self.clock.now())]

    def run(self, statement: str, *given: Any) -> None:
        with psycopg.connect(as_role(self.uri, "loader"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement), given)  # type: ignore[arg-type]

    def rows(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.uri) as connection:
            return connection.execute(sql.SQL(query), given).fetchall()  # type: ignore[arg-type]

    def present(self, columns: str, table: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of the newest versions."""
        return self.rows(
            f"select {columns} from raw_hubspot.{table} where _known_until is null and {where}"
            " order by 1"
        )

    def loaded(self, *, is_present: bool = False) -> Rows:
        """All that is loaded, without what says only how it came.

        Of present versions also without the nights.
        """
        nights = [] if is_present else ["_known_from", "_known_until"]
        found: Rows = {}
        for table in TABLES:
            names = ["_record_key", *(column.name for column in table.columns), "_row_hash"]
            where = "_known_until is null" if is_present else "true"
            columns = ", ".join(names + nights)
            found[table.name] = self.rows(
                f"select {columns} from raw_hubspot.{table.name} where {where}"
                f" order by _record_key, _row_hash, _known_from"
            )
        return found

    def start_anew(self) -> None:
        """Forget all that was loaded."""
        self.run(
            "drop schema raw_hubspot cascade; drop schema if exists raw_hubspot_staging cascade"
        )
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(
                "create schema raw_hubspot authorization smarketing_loader;"
                "create schema raw_hubspot_staging authorization smarketing_loader"
            )


Open = Callable[..., Account]


@contextmanager
def opened(uri: str, workdir: Path, *, throttled: bool = False) -> Iterator[Account]:
    clock = Clock(ENDS)
    vendor = HubSpot(COMPANY, clock, throttled=throttled)
    simulator = Simulator(vendor, clock)
    recorder = Recorder(simulator)
    with serving(recorder) as url:
        yield Account(vendor, simulator, recorder, url, uri, workdir)


@pytest.fixture
def account(warehouse: str, tmp_path: Path) -> Iterator[Account]:
    """HubSpot at the end of the history, and an empty warehouse."""
    with opened(warehouse, tmp_path / "work") as account:
        yield account


@pytest.fixture
def throttled(warehouse: str, tmp_path: Path) -> Iterator[Account]:
    """The same with HubSpot's limits, and with its time: waiting moves the clock."""
    with opened(warehouse, tmp_path / "work", throttled=True) as account:
        account.is_timed = True
        yield account


@pytest.fixture(scope="session")
def read_once(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Account, Extracted]]:
    """One undisturbed night, for tests that leave it as it is."""
    with ExitStack() as stack:
        uri = stack.enter_context(new_warehouse(postgres))
        account = stack.enter_context(opened(uri, tmp_path_factory.mktemp("work")))
        yield account, account.extract()


@pytest.fixture(scope="session")
def clean(read_once: tuple[Account, Extracted]) -> Mapping[str, list[tuple[Any, ...]]]:
    """What an undisturbed night loads."""
    return read_once[0].loaded()
