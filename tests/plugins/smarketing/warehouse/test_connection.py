"""URIs: whatever libpq understands comes out as libpq understands it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from smarketing.warehouse.connection import (
    CONNECTION_VARIABLE,
    WarehouseError,
    as_role,
    build_uri,
    connect,
    given_uri,
    uri_in_task,
    with_parameters,
)

SOCKET = "postgresql://postgres@/w?host=%2Ftmp%2Fa%20b%2Fpg"
TCP = "postgresql://me:p%40ss%2Fword@db.example:6432/w?sslmode=require"

words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x00"), min_size=1
)


@given(user=words, password=words, dbname=words)
def test_any_text_survives_the_uri(user: str, password: str, dbname: str) -> None:
    uri = build_uri(user=user, password=password, host="h", port=5432, dbname=dbname)
    assert conninfo_to_dict(uri) == {
        "user": user,
        "password": password,
        "host": "h",
        "port": "5432",
        "dbname": dbname,
    }


@pytest.mark.parametrize("uri", [SOCKET, TCP], ids=["socket", "tcp"])
def test_a_role_is_taken_at_the_start_and_nothing_else_changes(uri: str) -> None:
    expected = conninfo_to_dict(uri) | {"options": "-crole=smarketing_loader"}
    assert conninfo_to_dict(as_role(uri, "loader")) == expected


def test_a_parameter_is_replaced_or_taken_away() -> None:
    reader = with_parameters(TCP, user="reader", password=None)
    assert conninfo_to_dict(reader) == {
        "user": "reader",
        "host": "db.example",
        "port": "6432",
        "dbname": "w",
        "sslmode": "require",
    }


@pytest.mark.parametrize("uri", [SOCKET, TCP], ids=["socket", "tcp"])
def test_a_task_sees_the_uri_of_the_airflow_connection(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION_VARIABLE, uri)
    assert conninfo_to_dict(uri_in_task()) == conninfo_to_dict(uri)


def test_the_command_line_prefers_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION_VARIABLE, TCP)
    assert given_uri() == TCP
    monkeypatch.setenv("SMARKETING_WAREHOUSE", SOCKET)
    assert given_uri() == SOCKET


def test_nobody_there_is_explained() -> None:
    with pytest.raises(WarehouseError, match="smarketing warehouse init"):
        connect("postgresql://nobody@/none?host=/nowhere", "reader")
