"""Make a database ready: roles, schemas, and the tables that are not models. Idempotent."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from psycopg import sql

from smarketing.warehouse.connection import WarehouseError, open_session

# roles belong to the server, all else to the database
_SCRIPTS = ("roles.sql", "schema.sql")


def initialise(admin_uri: str, *, reader_password: str | None = None) -> None:
    """Create whatever is missing in the database that ``admin_uri`` names.

    The login of ``admin_uri`` becomes a member of the roles in which a night works. The reader logs
    in itself: with ``reader_password``, or as the server's own rules allow.

    Raises:
        WarehouseError: nobody answers, or the login may not create roles or schemas.
    """
    try:
        with open_session(admin_uri) as connection:
            # two nights that start at once must not make one table twice
            connection.execute("select pg_advisory_xact_lock(hashtext('smarketing initialise'))")
            connection.execute(script().encode())
            if reader_password:
                connection.execute(
                    sql.SQL("alter role smarketing_reader password {}").format(reader_password)
                )
    except psycopg.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"This login may not make the database ready: {str(error).strip()}. It must own the "
            "database and may create roles (CREATEROLE); or an administrator runs what "
            "`smarketing warehouse init --print` prints."
        ) from error


def script() -> str:
    """The SQL that makes a database ready, as an administrator may read and run it."""
    folder = files("smarketing.warehouse")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)


def is_initialised(uri: str) -> bool:
    """Has this database been made ready?

    Raises:
        WarehouseError: nobody answers, or the login is refused.
    """
    with open_session(uri) as connection:
        query = "select 1 from pg_namespace where nspname = 'ops'"
        return connection.execute(query).fetchone() is not None
