"""A million durations in business time, and the same rows subtracted plainly: how much does the
calendar cost?

Run by ``make bench``. The calendar has split days; ends lie from seconds to weeks after starts, in
and out of hours. It prints what it measured and the ratios, and judges nothing: machines differ,
and so do their days.
"""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, date, datetime
from statistics import median

import psycopg
from rich.console import Console
from rich.table import Table
from smarketing.agreement import load_agreement, read_agreement
from smarketing.home import PROJECT, home
from smarketing.warehouse import server
from smarketing.warehouse.build import run_dbt
from smarketing.warehouse.connection import connect
from smarketing.warehouse.initialise import initialise

DURATIONS = 1_000_000
# for each handoff a few clocks run, so there are fewer of them
DEADLINES = 100_000
RUNS = 7
NIGHT = datetime(2026, 10, 20, 2, tzinfo=UTC)

PLAIN = "select id, date_part('epoch', end_at - start_at) as seconds from durations"

BUSINESS = """
select
    durations.id,
    {{ business_seconds('durations.start_at', 'starts', 'durations.end_at', 'ends') }} as seconds
from durations
left join {{ ref('int_business_clocks') }} as starts
    on
        durations.version = starts.version
        and durations.calendar = starts.calendar
        and {{ utc_day('durations.start_at') }} = starts.utc_day
left join {{ ref('int_business_clocks') }} as ends
    on
        durations.version = ends.version
        and durations.calendar = ends.calendar
        and {{ utc_day('durations.end_at') }} = ends.utc_day
"""

DUE = f"""
select
    durations.id,
    {{{{ due_at('durations.start_at', 'starts', 14400, ref('int_business_windows')) }}}}
        as due_at
from durations
left join {{{{ ref('int_business_clocks') }}}} as starts
    on
        durations.version = starts.version
        and durations.calendar = starts.calendar
        and {{{{ utc_day('durations.start_at') }}}} = starts.utc_day
where durations.id <= {DEADLINES}
"""

console = Console(highlight=False)


def lay_out() -> tuple[str, dict[str, str]]:
    """A warehouse with calendars and durations; the queries as dbt compiles them."""
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("drop database if exists bench_business_time with (force)")
    uri = server.ensure_database(server.start(), "bench_business_time")
    initialise(uri)
    with connect(uri, "loader") as connection:
        agreement = read_agreement(PROJECT / "agreements")
        load_agreement(agreement, connection, as_of=NIGHT, until=date(2028, 1, 1))
    workdir = home() / "bench" / "business_time"
    shutil.rmtree(workdir, ignore_errors=True)
    variables = json.dumps({"as_of": NIGHT.isoformat(), "known_at": NIGHT.isoformat()})
    options = ("--log-level", "none", "--vars", variables)
    run_dbt(uri, workdir, "run", "--select", "+int_business_clocks", *options)
    queries = {"plain subtraction": PLAIN}
    for name, question in (("business seconds", BUSINESS), ("due at", DUE)):
        (compiled,) = run_dbt(uri, workdir, "compile", "--inline", question, *options)
        queries[name] = compiled.node.compiled_code
    return uri, queries


def draw_durations(connection: psycopg.Connection) -> None:
    """Starts over eighteen months; ends with a median of some hours, a mean of two days."""
    connection.execute("select setseed(0.7)")
    connection.execute(
        f"""
        create unlogged table durations with (autovacuum_enabled = off) as
        select
            id,
            versions.version,
            versions.default_calendar as calendar,
            start_at,
            start_at + case
                when random() < 0.5 then random() * interval '8 hours'
                else -ln(1 - random()) * interval '96 hours'
            end as end_at
        from agreement.versions
        cross join generate_series(1, {DURATIONS}) as id
        cross join lateral (
            select timestamptz '2025-04-01' + id * interval '47 seconds' as start_at
        ) as starts
        """
    )
    # no statistics, as the fresh tables of a night have none
    connection.execute("vacuum durations")


def measure(connection: psycopg.Connection, query: str) -> float:
    """The seconds that it takes to make a table of a query."""
    connection.execute("drop table if exists measured")
    started = time.monotonic()
    connection.execute(f"create unlogged table measured as {query}")
    return time.monotonic() - started


def main() -> None:
    """Measure the queries in turns, so that a busy moment of the machine meets them all."""
    uri, queries = lay_out()
    with psycopg.connect(uri, autocommit=True) as connection:
        # each run is planned anew, as in a night
        connection.prepare_threshold = None
        draw_durations(connection)
        seconds: dict[str, list[float]] = {name: [] for name in queries}
        for _ in range(RUNS):
            for name, query in queries.items():
                seconds[name].append(measure(connection, query))
    table = Table(title=f"create table as, median of {RUNS} runs", box=None, header_style="dim")
    for heading in ("", "rows", "seconds", "from", "to", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    plain = median(seconds["plain subtraction"]) / DURATIONS
    for name, runs in seconds.items():
        rows = DEADLINES if name == "due at" else DURATIONS
        figures = (median(runs), min(runs), max(runs))
        ratio = median(runs) / rows / plain
        table.add_row(name, f"{rows:,}", *(f"{s:.2f}" for s in figures), f"{ratio:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
