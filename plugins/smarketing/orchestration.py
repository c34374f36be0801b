"""Airflow on the embedded server: its environment, its metadata, its processes."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from smarketing.config import Config
from smarketing.home import PROJECT, home, secret
from smarketing.night import Acceptance
from smarketing.privacy import ledger
from smarketing.warehouse import server
from smarketing.warehouse.connection import CONNECTION_VARIABLE, given_uri


def airflow_folder(config: Config) -> Path:
    """AIRFLOW_HOME of one company: nights of two companies share nothing but the server."""
    folder = home() / "airflow" / config.database
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environment(config: Config, warehouse_uri: str) -> dict[str, str]:
    """What Airflow's processes need to know, beside what the environment says already.

    A setting that the environment has (``AIRFLOW__...``) is left as it is; Airflow's metadata is
    in a database and under a login of its own, unless the environment names another.
    """
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    defaults = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": secret("fernet", _fernet_key),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__API__SECRET_KEY": secret("api"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        # tasks report there
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": secret("jwt"),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    if "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" not in os.environ:
        metadata = server.ensure_database(
            server.start(), f"{config.database}_airflow", owner="airflow"
        )
        defaults["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = metadata.replace(
            "postgresql://", "postgresql+psycopg2://", 1
        )
    if given_uri() is None:
        # of another server whoever set it up keeps the key, wherever nights are run
        defaults[ledger.CONNECTION_VARIABLE] = json.dumps(
            {"conn_type": "generic", "password": secret("erasure")}
        )
    fixed = {
        "AIRFLOW_HOME": str(airflow_folder(config)),
        "SMARKETING_CONFIG": str(config.folder),
        "SMARKETING_HOME": str(home()),
        CONNECTION_VARIABLE: warehouse_uri,
        # `airflow standalone` starts the others by name
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    return defaults | dict(os.environ) | fixed


def migrate(config: Config, variables: dict[str, str]) -> bool:
    """Bring Airflow's metadata to this version, unless it is. True if something was done."""
    mark = airflow_folder(config) / f"migrated-{version('apache-airflow-core')}"
    if mark.exists():
        return False
    log = airflow_folder(config) / "migrate.log"
    _airflow(variables, "db", "migrate", log=log).check_returncode()
    mark.touch()
    return True


def import_pools(config: Config, variables: dict[str, str]) -> None:
    """Make the pools that the scheduler counts extractions by."""
    log = airflow_folder(config) / "pools.log"
    pools = str(PROJECT / "dags" / "pools.json")
    _airflow(variables, "pools", "import", pools, log=log).check_returncode()


def start_night(
    variables: dict[str, str],
    as_of: datetime,
    known_at: datetime | None,
    accepted: Acceptance | None,
    log: Path,
) -> subprocess.Popen[bytes]:
    """Run ``nightly_refresh`` once, in one process of its own; its chatter goes to ``log``."""
    parameters = {"as_of": as_of.isoformat()}
    if known_at:
        parameters["known_at"] = known_at.isoformat()
    if accepted:
        parameters |= {"accept": accepted.reason, "accepted_by": accepted.by}
    conf = json.dumps(parameters)
    with log.open("wb") as output:
        return subprocess.Popen(
            [*_command(), "dags", "test", "nightly_refresh", as_of.isoformat(), "--conf", conf],
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def standalone(variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start scheduler, dag processor, triggerer and API server; their chatter goes to ``log``."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [*_command(), "standalone"], env=variables, stdout=output, stderr=subprocess.STDOUT
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all below it.

    `airflow standalone` leaves what it started behind, and dlt takes the request to end for an
    error of the load, which Airflow would retry: what is not gone in a few seconds is killed.
    """
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(process.pid)
        family = [*leader.children(recursive=True), leader]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        for each in alive:
            each.kill()
        psutil.wait_procs(alive, timeout=5)
    process.wait()


def login(config: Config) -> tuple[str, str]:
    """The user and the password that Airflow made up for its UI.

    Raises:
        FileNotFoundError: Airflow has not been up yet.
    """
    passwords = airflow_folder(config) / "simple_auth_manager_passwords.json.generated"
    user, password = next(iter(json.loads(passwords.read_text()).items()))
    return user, password


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _command() -> list[str]:
    return [sys.executable, "-m", "airflow"]


def _airflow(
    variables: dict[str, str], *arguments: str, log: Path
) -> subprocess.CompletedProcess[bytes]:
    with log.open("wb") as output:
        return subprocess.run(
            [*_command(), *arguments], env=variables, stdout=output, stderr=subprocess.STDOUT
        )
