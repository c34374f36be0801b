"""The command line: run a night, look at it, keep the servers it needs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.markup import escape

from smarketing.config import Config, ConfigError, read_config
from smarketing.warehouse import server
from smarketing.warehouse.connection import WarehouseError, connect, given_uri, with_parameters
from smarketing.warehouse.initialise import initialise, is_initialised

app = typer.Typer(
    help="Marketing and sales, measured against what they promised each other, every night.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
warehouse_app = typer.Typer(help="The database that the nights are kept in.", no_args_is_help=True)
agreement_app = typer.Typer(help="What the two teams signed.", no_args_is_help=True)
app.add_typer(warehouse_app, name="warehouse")
app.add_typer(agreement_app, name="agreement")

console = Console(highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Folder with smarketing.yml (default: $SMARKETING_CONFIG, else the built-in company).",
    ),
]


@contextmanager
def _explained() -> Iterator[None]:
    """Errors that have an explanation are shown as one, without a traceback."""
    from smarketing.agreement import AgreementError
    from smarketing.sources.csv_export import SourceError

    try:
        yield
    except (AgreementError, ConfigError, SourceError, WarehouseError) as error:
        console.print(f"[bold red]✗[/] {escape(str(error))}")
        raise typer.Exit(1) from error


def _warehouse(config: Config) -> str:
    """The URI of the warehouse, which is ready; the embedded server is started if need be."""
    if uri := given_uri():
        # later versions are made ready by an administrator: `smarketing warehouse init`
        if not is_initialised(uri):
            initialise(uri)
        return uri
    uri = server.ensure_database(server.start(), config.database)
    initialise(uri)
    return uri


@app.command()
def nightly(
    config: ConfigOption = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="The instant to speak for, in UTC, e.g. 2026-10-20T02:00:00."),
    ] = None,
) -> None:
    """Run one night, from the sources to the scoreboard.

    Examples:

      smarketing nightly

      smarketing nightly --config examples/olist

      smarketing nightly --as-of 2026-10-19T02:00:00
    """
    from smarketing import orchestration
    from smarketing.progress import follow, steps_table
    from smarketing.review.reading import read_scoreboard
    from smarketing.review.terminal import print_scoreboard

    with _explained():
        settings = read_config(config)
        night = settings.night_of(
            as_of.replace(tzinfo=UTC) if as_of else _last_tick(settings.schedule)
        )
        console.print(f"[bold]{escape(settings.company)}[/], night of {night:%Y-%m-%d %H:%M} UTC")
        with _doing("PostgreSQL"):
            uri = _warehouse(settings)
        with connect(uri, "transformer", autocommit=True) as lock:
            if not _locked(lock):
                console.print(
                    "[bold red]✗[/] Another night is running on this database. Wait for it, or "
                    "end it; a killed night lets go by itself."
                )
                raise typer.Exit(1)
            if settings.sandbox:
                with _doing("the built-in company's exports"):
                    _generate(settings)
            variables = orchestration.environment(settings, uri)
            with _doing("Airflow's metadata"):
                orchestration.migrate(settings, variables)
            log = settings.workdir / "logs" / "nightly.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            started = time.monotonic()
            process = orchestration.start_night(variables, night, log)
            try:
                ended = follow(uri, process, console)
            finally:
                process.terminate()
            seconds = time.monotonic() - started

        if ended is None or ended.state != "published":
            where = f" in {ended.failed_step}" if ended and ended.failed_step else ""
            why = (ended.message if ended else None) or _last_error(log)
            if ended:
                console.print(steps_table(ended.steps))
            console.print(
                f"[bold red]✗ The night failed{where}.[/] What was published before it still is.\n"
                f"{escape(why)}\n[dim]everything it said: {escape(str(log))}[/]"
            )
            raise typer.Exit(1)
        console.print(steps_table(ended.steps))
        inside = sum(step.seconds or 0 for step in ended.steps)
        console.print(
            f"[dim]{seconds:.0f} s in all, of which {seconds - inside:.0f} s Airflow[/]\n"
        )
        print_scoreboard(read_scoreboard(uri, settings), console)
        console.print(f"[dim]as a page: {escape(str(settings.workdir / 'scoreboard.html'))}[/]")


@app.command()
def scoreboard(config: ConfigOption = None) -> None:
    """Show the published scoreboard again."""
    from smarketing.review.reading import read_scoreboard
    from smarketing.review.terminal import print_scoreboard

    with _explained():
        settings = read_config(config)
        print_scoreboard(read_scoreboard(_warehouse(settings), settings), console)


@app.command()
def dsn(config: ConfigOption = None) -> None:
    """Print a URI with which psql or a BI tool reads the published marts.

    Example:

      psql "$(smarketing dsn)" -c 'table marts.sla_compliance'
    """
    with _explained():
        uri = with_parameters(
            _warehouse(read_config(config)), user="smarketing_reader", password=None
        )
        typer.echo(uri)


@app.command()
def up(config: ConfigOption = None) -> None:
    """Run Airflow proper (scheduler, UI) on the embedded server, until Ctrl-C."""
    from smarketing import orchestration

    with _explained():
        settings = read_config(config)
        with _doing("PostgreSQL"):
            uri = _warehouse(settings)
        if settings.sandbox:
            with _doing("the built-in company's exports"):
                _generate(settings)
        variables = orchestration.environment(settings, uri)
        with _doing("Airflow's metadata"):
            orchestration.migrate(settings, variables)
    log = orchestration.airflow_folder(settings) / "standalone.log"
    process = orchestration.standalone(variables, log)
    port = variables.get("AIRFLOW__API__PORT", "8080")
    try:
        with _doing("Airflow"):
            while process.poll() is None and not _answers(int(port)):
                time.sleep(0.5)
        if process.poll() is None:
            user, password = orchestration.login(settings)
            console.print(
                f"Airflow is up at [bold]http://127.0.0.1:{port}[/]  "
                f"user [bold]{escape(user)}[/]  password [bold]{escape(password)}[/]\n"
                f"[dim]Ctrl-C ends it; everything it says: {escape(str(log))}[/]"
            )
        process.wait()
    except KeyboardInterrupt:
        console.print("Ending Airflow ...")
    finally:
        process.terminate()
        process.wait(60)
    if process.returncode not in (0, -15, -2):
        console.print(f"[bold red]✗[/] {escape(_last_error(log))}")
        raise typer.Exit(1)


@app.command()
def down() -> None:
    """Stop the embedded PostgreSQL."""
    console.print("stopped" if server.stop() else "nothing was running")


@warehouse_app.command("init")
def warehouse_init(config: ConfigOption = None) -> None:
    """Create roles, schemas and tables in the warehouse; what is there already stays.

    The server is the one that SMARKETING_WAREHOUSE (or AIRFLOW_CONN_SMARKETING_WAREHOUSE) names,
    else the embedded one. SMARKETING_READER_PASSWORD sets the reader's password.
    """
    with _explained():
        uri = given_uri() or server.ensure_database(server.start(), read_config(config).database)
        initialise(uri, reader_password=os.environ.get("SMARKETING_READER_PASSWORD"))
        console.print("[green]✓[/] the warehouse is ready")


@agreement_app.command("check")
def agreement_check(config: ConfigOption = None) -> None:
    """Check every version of the agreement, and explain each fault."""
    from smarketing.agreement import read_agreement

    with _explained():
        settings = read_config(config)
        agreement = read_agreement(settings.agreements)
        console.print(f"[green]✓[/] {len(agreement.versions)} version(s), no fault")


def _generate(config: Config) -> None:
    from smarketing.sandbox import generate
    from smarketing.sources.csv_export import read_mapping

    sandbox = config.sandbox
    assert sandbox is not None
    for source in config.sources:
        generate(
            read_mapping(config.mapping(source)).folder,
            seed=sandbox.seed,
            leads=sandbox.leads,
            nights=sandbox.nights,
            ends=sandbox.ends,
        )


def _last_tick(schedule: str) -> datetime:
    """The end of the last complete night, as the schedule has it."""
    from croniter import croniter

    tick: datetime = croniter(schedule, datetime.now(UTC)).get_prev(datetime)
    return tick


def _locked(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "select pg_try_advisory_lock(hashtext('smarketing nightly'))"
    ).fetchone()
    return row is not None and bool(row[0])


@contextmanager
def _doing(what: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{what} ..."):
        yield
    console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - started:.1f} s[/]")


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _last_error(log: Path) -> str:
    """The last exception that a log tells of, else its last lines."""
    lines = log.read_text(errors="replace").splitlines()
    for number in range(len(lines) - 1, -1, -1):
        if re.match(r"[\w.]+(Error|Exception)\b", lines[number]):
            return lines[number]
    return "\n".join(lines[-15:])
