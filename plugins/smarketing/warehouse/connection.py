"""How the warehouse is reached: one PostgreSQL URI, and a role for each kind of work.

The URI comes from the Airflow connection ``smarketing_warehouse`` (in a task) or from the
environment (on the command line). Its login must be a member of the roles below; every session
takes one of them at its start, so that a step cannot do more than its kind of work needs.
"""

from __future__ import annotations

import os
from typing import Literal
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from smarketing.explained import ExplainedError

Role = Literal["loader", "transformer", "auditor", "publisher", "reader", "contact_reader"]

CONNECTION_ID = "smarketing_warehouse"
CONNECTION_VARIABLE = f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"


class WarehouseError(ExplainedError):
    """The warehouse cannot be reached or is not ready; the message says what to do."""


def build_uri(**parameters: str | int | None) -> str:
    """A libpq URI from libpq parameters; a Unix socket's folder goes where URIs want it."""
    given = {key: str(value) for key, value in parameters.items() if value not in (None, "")}
    login = quote(given.pop("user", ""), safe="")
    if password := given.pop("password", ""):
        login += ":" + quote(password, safe="")
    database = quote(given.pop("dbname", ""), safe="")
    address = ""
    if not given.get("host", "/").startswith("/"):
        address = given.pop("host")
        if port := given.pop("port", ""):
            address += f":{port}"
    query = urlencode(given, quote_via=quote)
    return f"postgresql://{login}@{address}/{database}" + (f"?{query}" if query else "")


def with_parameters(uri: str, **parameters: str | int | None) -> str:
    """``uri`` with some of its libpq parameters (``dbname``, ``user`` ...) replaced."""
    return build_uri(**{**conninfo_to_dict(uri), **parameters})


def as_role(uri: str, role: Role) -> str:
    """``uri`` for sessions that start in one of our roles."""
    return with_parameters(uri, options=f"-crole=smarketing_{role}")


def connect(uri: str, role: Role, *, autocommit: bool = False) -> psycopg.Connection:
    """A session in one of our roles, in UTC.

    Raises:
        WarehouseError: nobody answers, the login is refused, or the roles do not exist yet.
    """
    connection = open_session(as_role(uri, role), autocommit=autocommit)
    connection.execute("set time zone 'UTC'")
    if not autocommit:
        connection.commit()
    return connection


def open_session(uri: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A session as whoever the URI names.

    Raises:
        WarehouseError: nobody answers, or the login is refused or cannot be used.
    """
    if " " in str(conninfo_to_dict(uri).get("password", "")):
        # dlt would hand it on as it is, and libpq refuse it with a message that quotes it
        raise WarehouseError("The warehouse's password has a space in it; choose one without.")
    try:
        return psycopg.connect(uri, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise WarehouseError(
            f"The warehouse does not answer: {str(error).strip()}. Check the connection "
            f"{CONNECTION_ID} ({CONNECTION_VARIABLE}), that the server runs, and that "
            "`smarketing warehouse init` has been run on it."
        ) from error


def given_uri() -> str | None:
    """The URI that the environment names, if it names one.

    ``SMARKETING_WAREHOUSE`` for the command line, else the variable from which Airflow reads its
    connection. None: the embedded server.

    Raises:
        WarehouseError: what it names is not a PostgreSQL URI.
    """
    for variable in ("SMARKETING_WAREHOUSE", CONNECTION_VARIABLE):
        if uri := os.environ.get(variable):
            try:
                conninfo_to_dict(uri)
            except psycopg.ProgrammingError:
                # what libpq says of it may hold the password
                raise WarehouseError(
                    f"{variable} is not a PostgreSQL URI; expected "
                    "postgresql://user:password@host:5432/database, with special characters "
                    "percent-encoded."
                ) from None
            return uri
    return None


def uri_in_task() -> str:
    """The URI of the Airflow connection ``smarketing_warehouse``; called inside a running task."""
    from airflow.sdk import BaseHook

    connection = BaseHook.get_connection(CONNECTION_ID)
    named = {
        "user": connection.login,
        "password": connection.password,
        "host": connection.host,
        "port": connection.port,
        "dbname": connection.schema,
    }
    # a Unix socket's folder, or sslmode, comes as an extra
    return build_uri(
        **{**connection.extra_dejson, **{key: value for key, value in named.items() if value}}
    )
