"""Make a database ready: roles, schemas, and the tables that are not models. Idempotent."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from psycopg import sql

from smarketing.warehouse.connection import WarehouseError, open_session

_ROLES = ("smarketing_loader", "smarketing_transformer", "smarketing_reader")


def initialise(admin_uri: str, *, reader_password: str | None = None) -> None:
    """Create whatever is missing in the database that ``admin_uri`` names.

    The login of ``admin_uri`` becomes a member of the loader's and the transformer's role. The
    reader logs in itself: with ``reader_password``, or as the server's own rules allow.

    Raises:
        WarehouseError: nobody answers, or the login may not create roles or schemas.
    """
    try:
        _initialise(admin_uri, reader_password)
    except psycopg.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"This login may not make the database ready: {str(error).strip()}. It must own the "
            "database and may create roles (CREATEROLE)."
        ) from error


def is_initialised(uri: str) -> bool:
    """Has this database been made ready?

    Raises:
        WarehouseError: nobody answers, or the login is refused.
    """
    with open_session(uri) as connection:
        query = "select 1 from pg_namespace where nspname = 'ops'"
        return connection.execute(query).fetchone() is not None


def _initialise(admin_uri: str, reader_password: str | None) -> None:
    with open_session(admin_uri) as connection:
        # two nights that start at once must not create one role twice
        connection.execute("select pg_advisory_xact_lock(hashtext('smarketing initialise'))")
        for role in _ROLES:
            known = connection.execute("select 1 from pg_roles where rolname = %s", (role,))
            if known.fetchone() is None:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        connection.execute("alter role smarketing_reader login")
        if reader_password:
            connection.execute(
                sql.SQL("alter role smarketing_reader password {}").format(reader_password)
            )
        connection.execute("grant smarketing_loader, smarketing_transformer to current_user")
        database = sql.Identifier(connection.info.dbname)
        # by default whoever may log in to the server may enter any database of it
        connection.execute(sql.SQL("revoke all on database {} from public").format(database))
        connection.execute(
            sql.SQL("grant connect on database {} to {}").format(
                database, sql.SQL(", ").join(sql.Identifier(role) for role in _ROLES)
            )
        )
        # rejected rows pass through a temporary table
        connection.execute(
            sql.SQL("grant temporary on database {} to smarketing_loader").format(database)
        )
        # the transformer builds the candidate and swaps it in: it creates and renames schemas
        connection.execute(
            sql.SQL("grant create on database {} to smarketing_transformer").format(database)
        )
        connection.execute(files("smarketing.warehouse").joinpath("schema.sql").read_bytes())
