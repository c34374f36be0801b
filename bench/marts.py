"""A million leads with ten million stage changes and touches: how long does it take to build all
marts, model by model, to check them, and to erase a person, and how does that grow?

Run by ``make bench``; ``python bench/marts.py 20000 100000`` measures other sizes. The events are
drawn into the raw tables by SQL, the same every time; what extraction takes is measured elsewhere.
The yardstick is the cheapest thing that must be done at all: one pass over the same events, sorted
by lead and time, each with the one before it, written out. It prints what it measured and the
ratios, and judges nothing: machines differ, and so do their days.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table
from smarketing.agreement import expanded_until, load_agreement, read_agreement
from smarketing.home import PROJECT, home
from smarketing.night import Night, open_night
from smarketing.privacy.erasure import Warehouse, erase
from smarketing.quality.run import ChecksFailedError, run_suites
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse import server
from smarketing.warehouse.build import Layer, build_layer
from smarketing.warehouse.connection import connect
from smarketing.warehouse.initialise import initialise

from expectations import arrival, marts, qualification

SIZES = (100_000, 1_000_000)
EVENTS_PER_LEAD = 10
NIGHT = datetime(2026, 10, 20, 2, tzinfo=UTC)
LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")
SHOWN = 25

console = Console(highlight=False)

# Each lead comes a little way: half qualify, one in twenty buys. What ends otherwise is put aside
# in part, and some of those come back. Numbers are hashes of the lead, so that every run draws the
# same; touches gather on few leads, as they do.
DRAWN = """
create function pg_temp.chance(number bigint, salt bigint) returns double precision
language sql immutable parallel safe
as 'select (hashint8extended(number, salt) & 4503599627370495) / 4503599627370496.0';

create function pg_temp.record_key(number bigint) returns text
language sql immutable parallel safe
as $$select '["crm", "' || number || '"]'$$;

create temporary table journeys as
select
    lead,
    timestamptz '2025-04-01' + pg_temp.chance(lead, 1) * interval '567 days' as created,
    array_position(
        array[pg_temp.chance(lead, 2) < 0.05, pg_temp.chance(lead, 2) < 0.13,
              pg_temp.chance(lead, 2) < 0.22, pg_temp.chance(lead, 2) < 0.35,
              pg_temp.chance(lead, 2) < 0.5, pg_temp.chance(lead, 2) < 0.75, true],
        true
    ) as missing,
    pg_temp.chance(lead, 3) as ending
from generate_series(1, %(leads)s) as lead;
analyze journeys;

insert into raw_csv_export.leads (
    system, lead_id, created_at, email, phone, country, region, persona, channel, campaign_id,
    owner_id, score, _record_key, _row_hash, _file, _line, _sequence, _known_from
)
select
    'crm', lead, date_trunc('second', created),
    -- one in twenty is the lead before, once more
    'person' || lead - (lead %% 20 = 0)::integer || '@example.com', '+34 600 000 000',
    (array['ES', 'FR', 'US', 'BR', 'IN'])[1 + lead %% 5],
    (array['EMEA', 'EMEA', 'Americas', 'Americas', 'APAC'])[1 + lead %% 5],
    (array['IT leader', 'Operations manager', 'Finance director', 'Founder'])[1 + lead %% 4],
    (array['organic search', 'paid search', 'social', 'e-mail', 'events', 'referral', 'partner'])
    [1 + lead %% 7],
    lead %% 200, lead %% 100, lead %% 90, pg_temp.record_key(lead), lead, 'bench', lead, lead,
    created
from journeys;

insert into raw_csv_export.stage_changes (
    system, lead_id, occurred_at, stage, _record_key, _row_hash, _file, _line, _sequence,
    _known_from
)
select
    'crm', lead, date_trunc('second', occurred), stage, pg_temp.record_key(lead), lead, 'bench',
    lead, lead, occurred
from (
    select
        lead,
        created + (step - 1) ^ 2 * pg_temp.chance(lead, 4) * interval '2 days' as occurred,
        (array['Subscriber', 'Lead', 'Marketing Qualified', 'Sales Accepted', 'Sales Qualified',
               'Opportunity', 'Customer'])[step] as stage
    from journeys
    cross join lateral generate_series(1, 8 - missing) as step
    union all
    select
        lead,
        created + ((8 - missing) ^ 2 * 2 + 1) * interval '1 day',
        case
            when missing <= 2 then 'Closed Lost'
            when ending < 0.3 then 'Unqualified'
            else 'Nurture'
        end
    from journeys
    where missing > 1 and ending < 0.6
    union all
    -- back again
    select
        lead,
        created + ((8 - missing) ^ 2 * 2 + 20 + again) * interval '1 day',
        (array['Lead', 'Marketing Qualified', 'Sales Accepted'])[again]
    from journeys
    cross join lateral generate_series(1, 1 + lead %% 3) as again
    where missing > 2 and ending between 0.4 and 0.55
) as moves
where occurred < %(night)s;

insert into raw_csv_export.touches (
    system, touch_id, lead_id, occurred_at, kind, direction, is_automated, owner_id, outcome,
    _record_key, _row_hash, _file, _line, _sequence, _known_from
)
select
    'crm', touch, lead, date_trunc('second', occurred),
    (array['call', 'email', 'email', 'meeting', 'note'])[1 + touch %% 5],
    case when touch %% 4 = 0 then 'inbound' else 'outbound' end, touch %% 6 = 0, touch %% 100,
    (array['connected', 'no answer', 'replied', 'held'])[1 + touch %% 4],
    pg_temp.record_key(touch), touch, 'bench', touch, touch, occurred
from (
    select
        touch,
        lead,
        journeys.created + pg_temp.chance(touch, 6) * interval '60 days' as occurred
    from generate_series(
        1, %(events)s - (select count(*) from raw_csv_export.stage_changes)
    ) as touch
    -- most of them on a third of the leads
    inner join journeys on lead = 1 + floor(pg_temp.chance(touch, 5) ^ 2 * %(leads)s)::integer
) as touches;

insert into raw_csv_export.ownership_changes (
    system, lead_id, occurred_at, owner_id, _record_key, _row_hash, _file, _line, _sequence,
    _known_from
)
select
    'crm', lead, date_trunc('second', created + change * 9 * interval '1 day'),
    (lead + change) %% 100, pg_temp.record_key(lead), lead, 'bench', lead, lead, created
from journeys
cross join lateral generate_series(0, (lead %% 5 = 0)::integer) as change
where missing < 6;

insert into raw_csv_export.opportunities (
    system, opportunity_id, lead_id, opened_at, closed_at, status, amount, currency, owner_id,
    _record_key, _row_hash, _file, _line, _sequence, _known_from
)
select
    'crm', lead, lead, date_trunc('second', created + interval '30 days'),
    case
        when missing = 1 or ending < 0.6 then date_trunc('second', created + interval '75 days')
    end,
    case when missing = 1 then 'won' when ending < 0.6 then 'lost' else 'open' end,
    1000 + lead %% 20000, 'EUR', lead %% 100, pg_temp.record_key(lead), lead, 'bench', lead, lead,
    created
from journeys
where missing <= 2;

insert into raw_csv_export.owners (
    system, owner_id, name, team, _record_key, _row_hash, _file, _line, _sequence, _known_from
)
select
    'crm', owner, 'Owner ' || owner,
    (array['Sales EMEA', 'Sales Americas', 'Sales APAC'])[1 + owner %% 3],
    owner, owner, 'bench', owner, owner, timestamptz '2025-01-01'
from generate_series(0, 99) as owner;

insert into raw_csv_export.campaigns (
    system, campaign_id, name, channel, _record_key, _row_hash, _file, _line, _sequence, _known_from
)
select
    'crm', campaign, 'Campaign ' || campaign, 'paid search',
    campaign, campaign, 'bench', campaign, campaign, timestamptz '2025-01-01'
from generate_series(0, 199) as campaign;

insert into raw_csv_export.spend (
    system, campaign_id, spent, amount, currency, _record_key, _row_hash, _file, _line, _sequence,
    _known_from
)
select
    'crm', campaign, day::date, 20 + campaign, 'EUR', campaign, campaign, 'bench', campaign,
    campaign, timestamptz '2025-01-01'
from generate_series(0, 199) as campaign
cross join generate_series(timestamp '2025-04-01', timestamp '2026-10-19', interval '1 day') as day;

insert into raw_csv_export.merges (
    system, merged_lead_id, surviving_lead_id, merged_at, _record_key, _row_hash, _file, _line,
    _sequence, _known_from
)
select
    'crm', lead, lead - 1, created + interval '40 days', pg_temp.record_key(lead), lead, 'bench',
    lead, lead, created
from journeys
where lead %% 50 = 0;

insert into raw_csv_export.deletions (
    system, lead_id, deleted_at, _record_key, _row_hash, _file, _line, _sequence, _known_from
)
select
    'crm', lead, created + interval '50 days', pg_temp.record_key(lead), lead, 'bench', lead, lead,
    created
from journeys
where lead %% 200 = 7;
"""

YARDSTICK = """
create unlogged table yardstick as
select
    lead_id,
    what,
    occurred_at,
    lag(occurred_at) over (partition by lead_id order by occurred_at) as previous_at
from (
    select lead_id, stage as what, occurred_at from raw_csv_export.stage_changes
    union all
    select lead_id, kind as what, occurred_at from raw_csv_export.touches
) as events
"""


@dataclass
class Measured:
    """A build: seconds of the yardstick, of each model, of all tests and checks; rows; MiB."""

    leads: int
    events: int = 0
    yardstick: float = 0.0
    models: dict[str, tuple[float, int | None]] = field(default_factory=dict)
    tests: float = 0.0
    checks: float = 0.0
    erasure: float = 0.0
    raw_mib: int = 0
    peak_mib: int = 0

    @property
    def seconds(self) -> float:
        """What all models took together."""
        return sum(seconds for seconds, _ in self.models.values())


def drop(database: str) -> None:
    """Drop a database of the server, if it is there."""
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database))
        )


def lay_out(database: str, leads: int) -> str:
    """A warehouse with the agreement, and with the leads and their events in its raw tables."""
    drop(database)
    uri = server.ensure_database(server.start(), database)
    initialise(uri)
    with connect(uri, "loader") as connection:
        load_agreement(
            read_agreement(PROJECT / "agreements"),
            connection,
            as_of=NIGHT,
            until=expanded_until(NIGHT),
        )
        create_raw_tables(connection)
    with psycopg.connect(uri, autocommit=True) as connection:
        # values go in by name, and a batch takes no parameters
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(
                DRAWN,
                {"leads": leads, "events": leads * EVENTS_PER_LEAD, "night": NIGHT},
            )
        connection.execute("vacuum analyze")
    return uri


def measure(leads: int) -> Measured:
    """Draw the events, pass over them once, and build everything from them."""
    measured = Measured(leads)
    workdir = home() / "bench" / "marts"
    shutil.rmtree(workdir, ignore_errors=True)
    console.print(f"[dim]{leads:,} leads: drawing ...[/]")
    database = f"bench_marts_{leads}"
    uri = lay_out(database, leads)
    with psycopg.connect(uri, autocommit=True) as connection:
        [(measured.events,)] = connection.execute(
            "select (select count(*) from raw_csv_export.stage_changes)"
            " + (select count(*) from raw_csv_export.touches)"
        ).fetchall()
        started = time.monotonic()
        connection.execute(YARDSTICK)
        measured.yardstick = time.monotonic() - started
        connection.execute("drop table yardstick")
        connection.execute("checkpoint")
    console.print(f"[dim]{leads:,} leads: building ...[/]")
    measured.raw_mib = _mib(server.data_folder())
    night = open_night(uri, NIGHT, NIGHT)
    workdir.mkdir(parents=True)
    # what dbt says of each model is for a night's log
    with _watched(measured), (workdir / "dbt.log").open("w") as said, redirect_stdout(said):
        for layer in LAYERS:
            build_layer(uri, night, layer, workdir)
    with connect(uri, "transformer") as connection:
        for node, kind, seconds, rows in connection.execute(
            "select node, kind, seconds, rows_affected from ops.model_timings"
        ):
            if kind == "model":
                measured.models[node] = (float(seconds), rows)
            else:
                measured.tests += float(seconds)
    console.print(f"[dim]{leads:,} leads: checking, and erasing one of them ...[/]")
    measured.checks = _check(uri, night)
    measured.erasure = _erase(uri)
    drop(database)
    return measured


def _check(uri: str, night: Night) -> float:
    """Seconds for all checks of a night: of arrival, of the marts, of the agreement's rules."""
    # it takes seconds to load, whatever it is to check
    import great_expectations  # noqa: F401

    suites = arrival.suites("crm", night, kind="csv_export", system="crm", fresh_within_hours=36)
    suites += qualification.suites(qualification.rules_in_force(uri), night)
    suites += marts.suites(night, None)
    started = time.monotonic()
    # what is drawn by chance keeps no rules: they are counted all the same
    with suppress(ChecksFailedError):
        run_suites(uri, night, suites)
    return time.monotonic() - started


def _erase(uri: str) -> float:
    """Seconds for the erasure of one person, from every version and from the disk."""
    with psycopg.connect(uri) as connection:
        connection.execute("insert into ops.systems (system, source) values ('crm', 'crm')")
    warehouse = Warehouse(uri, lambda: "a key that only the bench has", administrator=uri)
    started = time.monotonic()
    erase(warehouse, ["person21@example.com"], reason="to measure it", erased_by="bench")
    return time.monotonic() - started


@contextmanager
def _watched(measured: Measured) -> Iterator[None]:
    """Look at the server's folder twice a second: tables, temporary files and log together."""
    over = Event()

    def watch() -> None:
        while not over.wait(0.5):
            measured.peak_mib = max(
                measured.peak_mib, _mib(server.data_folder()) - measured.raw_mib
            )

    watching = Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _mib(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total >> 20


def show(builds: list[Measured]) -> None:
    """The tables: seconds by model and in all, and how they grow."""
    last = builds[-1]
    table = Table(title="seconds", box=None, header_style="dim")
    table.add_column("model")
    for build in builds:
        table.add_column(f"{build.leads:,} leads", justify="right")
    table.add_column("growth", justify="right")
    table.add_column(f"rows at {last.leads:,}", justify="right")
    slowest = sorted(last.models, key=lambda model: -last.models[model][0])
    for model in slowest[:SHOWN]:
        seconds = [build.models[model][0] for build in builds]
        rows = last.models[model][1]
        table.add_row(
            model,
            *(f"{each:.1f}" for each in seconds),
            f"x {seconds[-1] / max(seconds[0], 0.05):.1f}",
            f"{rows:,}" if rows is not None and rows >= 0 else "",
        )
    rest = [sum(build.models[model][0] for model in slowest[SHOWN:]) for build in builds]
    figures = {
        f"{len(slowest[SHOWN:])} others": rest,
        "all models": [build.seconds for build in builds],
        "one sorted window pass": [build.yardstick for build in builds],
        "data tests": [build.tests for build in builds],
        "checks": [build.checks for build in builds],
        "erasing one lead": [build.erasure for build in builds],
    }
    for name, seconds in figures.items():
        table.add_row(
            name,
            *(f"{each:.1f}" for each in seconds),
            f"x {seconds[-1] / max(seconds[0], 0.05):.1f}",
            style="bold" if name == "all models" else None,
        )
    console.print(table)
    for build in builds:
        console.print(
            f"{build.leads:,} leads, {build.events:,} events: models take "
            f"{build.seconds / build.yardstick:.1f} times the window pass; at their peak "
            f"{build.peak_mib:,} MiB of disk beyond the raw tables"
        )
    if len(builds) > 1:
        first = builds[0]
        console.print(
            f"leads x {last.leads / first.leads:.0f}: models x {last.seconds / first.seconds:.1f}"
        )


def main() -> None:
    """Measure all sizes, the smallest first."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    show([measure(leads) for leads in sizes])


if __name__ == "__main__":
    main()
