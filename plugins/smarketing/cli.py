"""The command line: run a night, look at it, keep the servers it needs."""

from __future__ import annotations

import getpass
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from smarketing.config import Config, Sandbox, read_config
from smarketing.explained import ExplainedError
from smarketing.home import home
from smarketing.warehouse import server
from smarketing.warehouse.connection import WarehouseError, connect, given_uri, with_parameters
from smarketing.warehouse.initialise import initialise, is_initialised, script

if TYPE_CHECKING:
    from smarketing.agreement.history import History
    from smarketing.night import Acceptance
    from smarketing.privacy.erasure import Warehouse
    from smarketing.progress import Ended
    from smarketing.sandbox.company import Company

app = typer.Typer(
    help="Marketing and sales, measured against what they promised each other, every night.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
warehouse_app = typer.Typer(help="The database that the nights are kept in.", no_args_is_help=True)
agreement_app = typer.Typer(help="What the two teams signed.", no_args_is_help=True)
sandbox_app = typer.Typer(
    help="The vendors' APIs, for want of a real account.", no_args_is_help=True
)
app.add_typer(warehouse_app, name="warehouse")
app.add_typer(agreement_app, name="agreement")
app.add_typer(sandbox_app, name="sandbox")

console = Console(highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Folder with smarketing.yml (default: $SMARKETING_CONFIG, else the built-in company).",
    ),
]

ByOption = Annotated[
    str | None, typer.Option("--by", help="Your name (default: that of your login).")
]

_VERSION = "A version's name, the day it starts, or a file."
_DAY = ["%Y-%m-%d"]


@contextmanager
def _explained() -> Iterator[None]:
    """Errors that have an explanation are shown as one, without a traceback."""
    try:
        yield
    except ExplainedError as error:
        console.print(f"[bold red]✗[/] {escape(str(error))}")
        raise typer.Exit(1) from error


def _warehouse(config: Config) -> str:
    """The URI of the warehouse, which is ready; the embedded server is started if need be."""
    if uri := given_uri():
        # later versions are made ready by an administrator: `smarketing warehouse init`
        if not is_initialised(uri):
            initialise(uri, reader_password=_reader_password())
        return uri
    uri = server.ensure_database(server.start(), config.database)
    initialise(uri)
    return uri


@app.command()
def nightly(
    config: ConfigOption = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="The instant to speak for, in UTC (default: the end of the last night)."),
    ] = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(help="For a restatement: with what was known at this later instant, in UTC."),
    ] = None,
    accept: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Publish this night even if critical checks fail. You answer for it: your name "
            "and the reason are kept and shown.",
        ),
    ] = None,
    by: ByOption = None,
) -> None:
    """Run one night, from the sources to the scoreboard.

    Examples:

      smarketing nightly

      smarketing nightly --config examples/olist

      smarketing nightly --as-of 2026-09-30T02:00:00 --known-at 2026-10-20T02:00:00

      smarketing nightly --accept "the fair's leads have no phone numbers, sales knows" --by Ana
    """
    from smarketing.night import Acceptance
    from smarketing.progress import steps_table
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
        log = settings.workdir / "logs" / "nightly.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        known = known_at and known_at.replace(tzinfo=UTC)
        accepted = Acceptance(_named(by), accept) if accept else None
        with _only_night(uri):
            ended = _run_night(settings, uri, night, known, accepted, log)
        seconds = time.monotonic() - started
        if ended:
            console.print(steps_table(ended.steps))
        if ended is None or ended.state != "published":
            _tell_failure(ended, log, settings.workdir / "quality.html")
            raise typer.Exit(1)
        inside = sum(step.seconds or 0 for step in ended.steps)
        console.print(
            f"[dim]{seconds:.0f} s in all, of which {seconds - inside:.0f} s Airflow[/]\n"
        )
        print_scoreboard(read_scoreboard(uri, settings), console)
        console.print(
            f"[dim]as a page: {escape(str(settings.workdir / 'scoreboard.html'))}\n"
            f"what was checked: {escape(str(settings.workdir / 'quality.html'))}[/]"
        )


def _run_night(
    config: Config,
    uri: str,
    as_of: datetime,
    known_at: datetime | None,
    accepted: Acceptance | None,
    log: Path,
) -> Ended | None:
    """Run the DAG once and show its steps. Whatever ends us ends it too."""
    from smarketing import orchestration
    from smarketing.progress import follow

    with _built_in(config, known_at or as_of) as connections:
        variables = orchestration.environment(config, uri) | connections
        with _doing("Airflow's metadata"):
            orchestration.migrate(config, variables)
        process = orchestration.start_night(variables, as_of, known_at, accepted, log)
        _end_in_order()
        try:
            return follow(uri, process, console)
        finally:
            orchestration.end(process)


def _tell_failure(ended: Ended | None, log: Path, page: Path) -> None:
    step = ended.failed_step if ended else None
    why = (ended.message if ended else None) or _last_error(log)
    outcome = (
        "The night is published; only its page could not be written."
        if step == "report.scoreboard"
        else "What was published before it still is."
    )
    console.print(
        f"[bold red]✗ The night failed{f' in {step}' if step else ''}.[/] {outcome}\n"
        f"{escape(why)}\n[dim]everything it said: {escape(str(log))}[/]"
    )
    if step == "check.qualification":
        console.print(f"[dim]what was checked: {escape(str(page))}[/]")


@app.command()
def rollback(
    reason: Annotated[
        str, typer.Option("--reason", prompt="Why", help="What is wrong with the night.")
    ],
    by: ByOption = None,
    config: ConfigOption = None,
) -> None:
    """Take the published night back: readers see the night before it, at once and whole.

    One night is kept. To publish again, run a night.

    Example:

      smarketing rollback --reason "half of the leads were missing"
    """
    from smarketing.warehouse.publish import withdraw

    with _explained():
        done = withdraw(_warehouse(read_config(config)), by=_named(by), reason=reason)
    console.print(
        f"[green]✓[/] Build {done.withdrawn_build_id} of {done.withdrawn_as_of:%Y-%m-%d %H:%M} UTC "
        f"is withdrawn; readers see build {done.build_id} of {done.as_of:%Y-%m-%d %H:%M} UTC."
    )


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
def docs(config: ConfigOption = None) -> None:
    """Write the models' documentation as one page: columns, meaning, lineage."""
    from smarketing.warehouse.site import build_site

    with _explained():
        settings = read_config(config)
        page = home() / "docs" / "index.html"
        with _doing("the models' documentation"):
            build_site(_warehouse(settings), settings.workdir, page)
        console.print(f"[dim]as a page: {escape(str(page))}[/]")


@app.command("erase")
def erase_person(
    identifiers: Annotated[
        list[str],
        typer.Argument(
            metavar="IDENTIFIER...",
            help="An e-mail address, or the key of a record as the marts have it (hubspot:12345).",
        ),
    ],
    reason: Annotated[
        str,
        typer.Option(help="Why: what somebody who checks it can find again. No names needed."),
    ],
    even_if_unknown: Annotated[
        bool,
        typer.Option(
            "--even-if-unknown", help="Keep them away also if no record here has this address."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Erase people for privacy, everywhere and for good; what was counted stays.

    All records of the person in every system become records of nobody, in every version and table,
    and in logs. Should a source tell of them again, they are kept out. It cannot be undone.

    Examples:

      smarketing erase ann@example.com --reason "letter of 3 May"

      smarketing erase hubspot:12345 --reason "ticket 711"
    """
    from smarketing.privacy.erasure import erase
    from smarketing.review.terminal import print_erased

    with _explained():
        settings = read_config(config)
        with _doing("PostgreSQL"):
            uri = _warehouse(settings)
        with _doing("erasing; a step of a night is waited for"):
            erased = erase(
                _privacy(settings, uri),
                list(dict.fromkeys(identifiers)),
                reason=reason,
                erased_by=getpass.getuser(),
                even_if_unknown=even_if_unknown,
            )
        print_erased(erased, _exports(settings), console)


def _exports(config: Config) -> list[Path]:
    """The folders that somebody puts files into for us to read."""
    from smarketing.sources.csv_export import read_mapping

    return [
        read_mapping(config.mapping(name)).folder
        for name, source in config.sources.items()
        if source.kind == "csv_export"
    ]


def _privacy(config: Config, uri: str) -> Warehouse:
    """Where an erasure works, by hand: all that lies on this machine and is ours."""
    from smarketing.privacy.erasure import Warehouse
    from smarketing.privacy.ledger import key_in_environment

    is_embedded = given_uri() is None
    folders = [home() / name for name in ("nights", "airflow", "docs")]
    if logs := os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER"):
        folders.append(Path(logs))
    return Warehouse(
        uri,
        partial(key_in_environment, is_embedded=is_embedded),
        folders=folders,
        metadata=server.running(f"{config.database}_airflow"),
        administrator=server.start() if is_embedded else None,
    )


@app.command()
def up(config: ConfigOption = None) -> None:
    """Run Airflow proper (scheduler, UI) on the embedded server, until Ctrl-C."""
    from smarketing import orchestration

    with _explained():
        settings = read_config(config)
        with _doing("PostgreSQL"):
            uri = _warehouse(settings)
        with _built_in(settings, settings.night_of(datetime.now(UTC))) as connections:
            variables = orchestration.environment(settings, uri) | connections
            with _doing("Airflow's metadata"):
                orchestration.migrate(settings, variables)
                orchestration.import_pools(settings, variables)
            _stand_up(settings, variables)


def _stand_up(config: Config, variables: dict[str, str]) -> None:
    """Run Airflow until somebody ends it."""
    from smarketing import orchestration

    log = orchestration.airflow_folder(config) / "standalone.log"
    port = int(variables.get("AIRFLOW__API__PORT", "8080"))
    if _is_taken(port):
        console.print(
            f"[bold red]✗[/] Port {port} is taken, by another Airflow perhaps. End it, or choose "
            "another port: AIRFLOW__API__PORT=8081."
        )
        raise typer.Exit(1)
    process = orchestration.standalone(variables, log)
    _end_in_order()
    try:
        with _doing("Airflow"):
            while process.poll() is None and not _answers(port):
                time.sleep(0.5)
        if process.poll() is None:
            user, password = orchestration.login(config)
            console.print(
                f"Airflow is up at [bold]http://127.0.0.1:{port}[/]  "
                f"user [bold]{escape(user)}[/]  password [bold]{escape(password)}[/]\n"
                f"[dim]Ctrl-C ends it; everything it says: {escape(str(log))}[/]"
            )
        process.wait()
    except KeyboardInterrupt:
        console.print("Ending Airflow ...")
    finally:
        orchestration.end(process)
    if process.returncode not in (0, -15, -2):
        console.print(f"[bold red]✗[/] {escape(_last_error(log))}")
        raise typer.Exit(1)


@app.command()
def down() -> None:
    """Stop the embedded PostgreSQL."""
    console.print("stopped" if server.stop() else "nothing was running")


@warehouse_app.command("init")
def warehouse_init(
    config: ConfigOption = None,
    print_only: Annotated[
        bool,
        typer.Option(
            "--print", help="Print the SQL instead, for an administrator to read and to run."
        ),
    ] = False,
) -> None:
    """Create roles, schemas and tables in the warehouse; what is there already stays.

    The server is the one that SMARKETING_WAREHOUSE (or AIRFLOW_CONN_SMARKETING_WAREHOUSE) names,
    else the embedded one. SMARKETING_READER_PASSWORD sets the reader's password.

    Examples:

      smarketing warehouse init

      smarketing warehouse init --print | psql --single-transaction "$ADMIN_URI"
    """
    if print_only:
        typer.echo(script(), nl=False)
        return
    with _explained():
        uri = given_uri() or server.ensure_database(server.start(), read_config(config).database)
        initialise(uri, reader_password=_reader_password())
        console.print("[green]✓[/] the warehouse is ready")


@agreement_app.command("check")
def agreement_check(config: ConfigOption = None) -> None:
    """Check every version of the agreement: explain each fault, and warn of what is odd.

    Where a published night is at hand, targets and rules are held against what happened; no
    server is started for that.
    """
    from smarketing.agreement import AgreementError, examine_agreement
    from smarketing.agreement.faults import listed
    from smarketing.agreement.lint import lint

    with _explained():
        settings = read_config(config)
        agreement, faults = examine_agreement(settings.agreements)
    history, why_not = _history(settings)
    warnings = lint(agreement, settings.night_of(_last_tick(settings.schedule)), history)
    if faults:
        console.print(f"[bold red]✗[/] {escape(str(AgreementError(faults)))}", soft_wrap=True)
    else:
        count = len(agreement.versions)
        console.print(f"[green]✓[/] {count} version{'' if count == 1 else 's'}, no fault")
    if warnings:
        console.print(f"[yellow]▲[/] {escape(listed(warnings, 'warning'))}", soft_wrap=True)
    if why_not:
        told = f"Targets and rules were not compared with what happened. {why_not}"
        console.print(f"[dim]{escape(told)}[/]", soft_wrap=True)
    if faults:
        raise typer.Exit(1)


@agreement_app.command("schema")
def agreement_schema() -> None:
    """Print the form of the agreement as JSON Schema, for editors that complete and check it."""
    from smarketing.agreement.schema import schema_text

    typer.echo(schema_text(), nl=False)


def _history(config: Config) -> tuple[History | None, str]:
    """What the last published night knows, or why it cannot be asked and what would help."""
    from smarketing.agreement.history import read_history

    try:
        uri = given_uri() or server.running(config.database)
        if uri is None:
            return None, (
                "No warehouse is running: `make scoreboard` starts it where a night has been "
                "published, `make nightly` publishes one; then check again."
            )
        return read_history(uri), ""
    except WarehouseError as error:
        return None, str(error)


@agreement_app.command("diff")
def agreement_diff(
    old: Annotated[str, typer.Argument(metavar="A", help=_VERSION)],
    new: Annotated[str, typer.Argument(metavar="B", help="The same, of what comes after it.")],
    config: ConfigOption = None,
) -> None:
    """Show what changes from one version of the agreement to another, in words.

    Examples:

      smarketing agreement diff 2025-Q2 2026-Q1

      smarketing agreement diff 2025-04-01 draft.yml
    """
    from smarketing.agreement import differences, find_version
    from smarketing.review.terminal import print_differences

    with _explained():
        folder = read_config(config).agreements
        before, after = (find_version(wanted, folder).contract for wanted in (old, new))
        print_differences(differences(before.content(), after.content()), console)


@agreement_app.command("backtest")
def agreement_backtest(
    draft: Annotated[Path, typer.Argument(help="The file of the draft, wherever it lies.")],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=_DAY,
            help="Periods that start on it or later (default: a year before).",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=_DAY, help="Periods that start before it (default: the last night)."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Show what a draft would have said of history, beside what was published.

    The draft is taken as in force from the first day on, and sees what the last published night
    saw. Nothing official is changed, and nothing of it stays.

    Examples:

      smarketing agreement backtest draft.yml

      smarketing agreement backtest draft.yml --from 2026-01-01 --to 2026-10-01
    """
    from smarketing.agreement import read_draft
    from smarketing.agreement.backtest import backtest
    from smarketing.review.terminal import print_backtest

    with _explained():
        settings = read_config(config)
        version = read_draft(draft, settings.agreements)
        with _doing("PostgreSQL"):
            uri = _warehouse(settings)
        _end_in_order()
        with _doing("the draft on history"):
            compared = backtest(
                uri,
                version,
                settings.workdir,
                since=since and since.date(),
                until=until and until.date(),
            )
        print_backtest(compared, console)


@sandbox_app.command("serve")
def sandbox_serve(
    config: ConfigOption = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            help="The instant to begin at, in UTC; time runs on from there (default: the end of "
            "the company's history)."
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="The first port; 0 is any free one for each.")] = 8701,
) -> None:
    """Serve the built-in company as its vendors would, on loopback, until Ctrl-C.

    HubSpot, Salesforce and Marketo, each at a port of its own, with their limits. Faults and the
    clock, which all of them go by, are set by script under /_sandbox.

    Examples:

      smarketing sandbox serve

      smarketing sandbox serve --as-of 2026-06-01T02:00:00

      curl 127.0.0.1:8701/_sandbox/faults -d '{"kind": "status", "status": 429, "every": 7}'

      curl 127.0.0.1:8701/_sandbox/clock -d '{"advance": 86400}'
    """
    from smarketing.sandbox.vendors.clock import Clock
    from smarketing.sandbox.vendors.company import doors
    from smarketing.sandbox.vendors.serve import base_url, open_socket, serve_all

    with _explained():
        settings = read_config(config)
    if settings.sandbox is None:
        console.print(
            f"[bold red]✗[/] {escape(settings.company)} is no built-in company: its smarketing.yml "
            "has no [bold]sandbox[/]."
        )
        raise typer.Exit(1)
    company = _company(settings.sandbox)
    begins = as_of.replace(tzinfo=UTC) if as_of else datetime.fromtimestamp(company.ends_at, UTC)
    with _doing(f"{company.leads:,} leads"):
        vendors = doors(company, Clock(begins, runs=True), throttled=True)
    served = []
    for number, vendor in enumerate(vendors):
        try:
            listening = open_socket(port and port + number)
        except OSError:
            console.print(
                f"[bold red]✗[/] Port {port + number} is taken. Choose another: --port 0 is any."
            )
            raise typer.Exit(1) from None
        served.append((vendor.simulator, listening))
        connection = json.dumps(vendor.at(base_url(listening)))
        console.print(
            f"{vendor.name} at [bold]{base_url(listening)}[/], as of {begins:%Y-%m-%d %H:%M} UTC\n"
            f"  AIRFLOW_CONN_{vendor.name.upper()}='{escape(connection)}'",
            soft_wrap=True,
        )
    console.print("[dim]Ctrl-C ends them.[/]")
    # a script that waits for the addresses reads a pipe
    console.file.flush()
    with suppress(KeyboardInterrupt):
        serve_all(served)


def _named(by: str | None) -> str:
    """Who does this: what is written down with it."""
    return by or getpass.getuser()


def _reader_password() -> str | None:
    return os.environ.get("SMARKETING_READER_PASSWORD")


@contextmanager
def _built_in(config: Config, at: datetime) -> Iterator[dict[str, str]]:
    """The built-in company at work at an instant; gives the connections to its systems.

    Nothing of it where the company is a real one.
    """
    sandbox = config.sandbox
    if sandbox is None:
        yield {}
        return
    company = _company(sandbox)
    if "csv_export" in config.kinds:
        with _doing("the built-in company's exports"):
            _generate(config, company)
    if config.kinds == {"csv_export"}:
        yield {}
        return
    from smarketing.sandbox.vendors.company import serving_company

    with ExitStack() as stack:
        with _doing("the built-in company's systems"):
            connections = stack.enter_context(serving_company(company, at))
        yield connections


def _company(sandbox: Sandbox) -> Company:
    from smarketing.sandbox.company import Company

    return Company(seed=sandbox.seed, leads=sandbox.leads, nights=sandbox.nights, ends=sandbox.ends)


def _generate(config: Config, company: Company) -> None:
    from smarketing.sandbox import generate
    from smarketing.sources.csv_export import read_mapping

    exports = next(name for name, source in config.sources.items() if source.kind == "csv_export")
    generate(
        read_mapping(config.mapping(exports)).folder,
        seed=company.seed,
        leads=company.leads,
        nights=company.nights,
        ends=company.ends,
    )


def _last_tick(schedule: str) -> datetime:
    """The end of the last complete night, as the schedule has it."""
    from croniter import croniter

    tick: datetime = croniter(schedule, datetime.now(UTC)).get_prev(datetime)
    return tick


@contextmanager
def _only_night(uri: str) -> Iterator[None]:
    """Hold the database's one place for a night; a session that ends lets go by itself."""
    with connect(uri, "transformer", autocommit=True) as connection:
        [(is_free,)] = connection.execute(
            "select pg_try_advisory_lock(hashtext('smarketing nightly'))"
        ).fetchall()
        if not is_free:
            console.print(
                "[bold red]✗[/] Another night is running on this database. Wait for it, or end it; "
                "a killed night lets go by itself."
            )
            raise typer.Exit(1)
        yield


@contextmanager
def _doing(what: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{what} ..."):
        yield
    console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - started:.1f} s[/]")


def _end_in_order() -> None:
    """A command line that is asked to end leaves nothing behind that goes on without it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
