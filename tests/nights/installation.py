"""An installation in a folder of its own, used as people use it: by the command line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from smarketing.home import PROJECT

EXPORTS = PROJECT / "examples" / "exports"

# what the machine that runs the tests happens to have set
_FOREIGN = ("AIRFLOW", "DBT_", "PG", "SMARKETING_")


@dataclass(frozen=True)
class Installation:
    """A home and a config folder, and the variables that its commands run with."""

    folder: Path
    variables: dict[str, str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command; what it says, errors included, is its ``stdout``."""
        return subprocess.Popen(
            [sys.executable, "-m", "smarketing", *arguments],
            env=self.variables | variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # what is sent to the group of a command is not for the tests
            start_new_session=True,
            # a shell that runs the tests in the background has them, and all below, ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*arguments, **variables)
        said, _ = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    def files(self) -> Iterator[Path]:
        """Every file that the installation has made."""
        yield from (path for path in self.home.rglob("*") if path.is_file())


@contextmanager
def installed(folder: Path, **sandbox: int) -> Iterator[Installation]:
    """Install the built-in company that leaves files, with some of its settings changed."""
    config = folder / "config"
    config.mkdir()
    settings = yaml.safe_load((EXPORTS / "smarketing.yml").read_text())
    settings["sandbox"] |= sandbox
    (config / "smarketing.yml").write_text(yaml.safe_dump(settings))
    shutil.copy(EXPORTS / "csv_export.yml", config)
    (config / "agreements").symlink_to(PROJECT / "agreements")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    installation = Installation(
        folder,
        kept
        | {
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "plugins"), str(PROJECT)]),
            "SMARKETING_HOME": str(folder / "home"),
            "SMARKETING_CONFIG": str(config),
            "COLUMNS": "120",
        },
    )
    try:
        yield installation
    finally:
        installation.run("down")
        shutil.rmtree(installation.home, ignore_errors=True)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)
