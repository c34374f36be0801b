"""Whole nights of the built-in company at several sizes: seconds per step, peak memory per process.

Run by ``make bench``. It prints what it measured and the ratios, and judges nothing: machines
differ, and so do their days.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import yaml
from rich.console import Console
from rich.table import Table
from smarketing.home import PROJECT, home
from smarketing.night import newest_attempt
from smarketing.progress import StepRecord, read_steps
from smarketing.warehouse import server

# the smallest shows what a night costs before it does anything
SIZES = (50, 10_000, 100_000)

console = Console(highlight=False)

EXPORTS = PROJECT / "examples" / "exports"


@dataclass
class Measured:
    """One night: its seconds, by step and in all, and the most memory that each process held."""

    leads: int
    seconds: float = 0.0
    steps: list[StepRecord] = field(default_factory=list)
    peak_mib: dict[str, int] = field(default_factory=dict)


def found_company(leads: int) -> Path:
    """A company of its own, with a database of its own, founded anew."""
    folder = home() / "bench" / str(leads)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = yaml.safe_load((EXPORTS / "smarketing.yml").read_text(encoding="utf-8"))
    config["database"] = f"bench_{leads}"
    config["sandbox"]["leads"] = leads
    mapping = yaml.safe_load((EXPORTS / "csv_export.yml").read_text(encoding="utf-8"))
    mapping["folder"] = str(folder / "company")
    (folder / "smarketing.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "csv_export.yml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    shutil.copytree(PROJECT / "agreements", folder / "agreements")
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute(f"drop database if exists bench_{leads} with (force)")
    return folder


def run_night(folder: Path, leads: int) -> Measured:
    """Run a night by the command line, and watch its processes."""
    measured = Measured(leads)
    log = folder / "night.log"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "smarketing", "nightly", "--config", str(folder)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(os.environ),
        )
        while process.poll() is None:
            _watch(psutil.Process(process.pid), measured.peak_mib)
            time.sleep(0.1)
    measured.seconds = time.monotonic() - started
    if process.returncode != 0:
        raise SystemExit(log.read_text(encoding="utf-8"))
    uri = server.ensure_database(server.start(), f"bench_{leads}")
    with psycopg.connect(uri) as connection:
        attempt = newest_attempt(connection)
        assert attempt is not None
        measured.steps = read_steps(connection, attempt)
    return measured


def _watch(command: psutil.Process, peak_mib: dict[str, int]) -> None:
    postmaster = int((server.data_folder() / "postmaster.pid").read_text().splitlines()[0])
    named = {"command line": [command], "Airflow, dlt, dbt, checks": [], "PostgreSQL backend": []}
    try:
        named["Airflow, dlt, dbt, checks"] = command.children(recursive=True)
        named["PostgreSQL backend"] = psutil.Process(postmaster).children()
    except psutil.NoSuchProcess:
        return
    for name, processes in named.items():
        for process in processes:
            try:
                memory = process.memory_info()
            except psutil.NoSuchProcess:
                continue
            # a backend's shared pages belong to the server, not to it
            own = memory.rss - (memory.shared if name.startswith("PostgreSQL") else 0)
            peak_mib[name] = max(peak_mib.get(name, 0), own >> 20)


def extraction_peak_mib(folder: Path) -> int:
    """The most memory that extraction alone holds, reading a company's files into a database."""
    script = (
        "import resource, sys, tempfile\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from smarketing.sources.csv_export import extract, read_mapping\n"
        "from smarketing.warehouse.connection import as_role\n"
        "extract(read_mapping(Path(sys.argv[1])), warehouse_uri=as_role(sys.argv[2], 'loader'),\n"
        "    night_id='bench', known_at=datetime(2026, 10, 20, 2, tzinfo=UTC),\n"
        "    workdir=Path(tempfile.mkdtemp()))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)\n"
    )
    from smarketing.warehouse.initialise import initialise

    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("drop database if exists bench_extraction with (force)")
    uri = server.ensure_database(server.start(), "bench_extraction")
    initialise(uri)
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder / "csv_export.yml"), uri],
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(done.stdout.split()[-1])


def show(nights: list[Measured], extraction: dict[int, int]) -> None:
    """The tables: seconds by step, peak memory by process, and how both grow."""
    table = Table(title="seconds", box=None, header_style="dim")
    table.add_column("step")
    for night in nights:
        table.add_column(f"{night.leads:,} leads", justify="right")
    for index, step in enumerate(nights[0].steps):
        table.add_row(step.step, *(f"{night.steps[index].seconds:.1f}" for night in nights))
    inside = [sum(step.seconds or 0 for step in night.steps) for night in nights]
    table.add_row("all steps", *(f"{seconds:.1f}" for seconds in inside), style="bold")
    table.add_row(
        "around them (company, Airflow)",
        *(f"{night.seconds - steps:.1f}" for night, steps in zip(nights, inside, strict=True)),
    )
    table.add_row("whole night", *(f"{night.seconds:.1f}" for night in nights), style="bold")
    console.print(table)
    memory = Table(title="\npeak MiB of one process", box=None, header_style="dim")
    memory.add_column("process")
    for night in nights:
        memory.add_column(f"{night.leads:,} leads", justify="right")
    for name in nights[-1].peak_mib:
        memory.add_row(name, *(str(night.peak_mib.get(name, 0)) for night in nights))
    memory.add_row("extraction alone", *(str(extraction[night.leads]) for night in nights))
    console.print(memory)
    first, last = nights[1], nights[-1]
    console.print(
        f"\nrows × {last.leads / first.leads:.0f}: steps × "
        f"{(inside[-1] - inside[0]) / (inside[1] - inside[0]):.1f} beyond the fixed cost, "
        f"extraction's memory × {extraction[last.leads] / extraction[first.leads]:.2f}"
    )


def main() -> None:
    """Measure all sizes, the smallest first."""
    nights, extraction = [], {}
    for leads in SIZES:
        folder = found_company(leads)
        console.print(f"[dim]a night of {leads:,} leads ...[/]")
        nights.append(run_night(folder, leads))
        extraction[leads] = extraction_peak_mib(folder)
    show(nights, extraction)


if __name__ == "__main__":
    main()
