"""Any PostgreSQL takes the place of the embedded one, and keeps its password to itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest
from smarketing.warehouse.connection import CONNECTION_VARIABLE

from tests.nights.conftest import read_marts, tables_as_text
from tests.nights.installation import Installation, installed
from tests.nights.second_server import MARK, PASSWORD, READER_PASSWORD, SecondServer, second_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondServer]:
    with second_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("installation"), leads=300, nights=2) as installation:
        yield installation


def test_a_night_on_another_server(installation: Installation, server: SecondServer) -> None:
    ready = installation.run(
        "warehouse", "init",
        SMARKETING_WAREHOUSE=server.uri(),
        SMARKETING_READER_PASSWORD=READER_PASSWORD,
    )  # fmt: skip
    assert ready.returncode == 0, ready.stdout
    said = installation.run("nightly", SMARKETING_WAREHOUSE=server.uri())
    assert said.returncode == 0, said.stdout
    assert read_marts(server.reader)["dim_leads"]
    assert MARK not in ready.stdout + said.stdout


def test_the_same_by_airflows_connection(installation: Installation, server: SecondServer) -> None:
    """Airflow writes its URIs in its own way; the night that is there already stays."""
    before = read_marts(server.reader)
    password = quote(PASSWORD, safe="")
    uri = f"postgres://analytics:{password}@127.0.0.1:{server.port}/warehouse?sslmode=prefer"
    said = installation.run("nightly", **{CONNECTION_VARIABLE: uri})
    assert said.returncode == 0, said.stdout
    assert read_marts(server.reader) == before
    assert MARK not in said.stdout


def test_the_dsn_has_no_password(installation: Installation, server: SecondServer) -> None:
    said = installation.run("dsn", SMARKETING_WAREHOUSE=server.uri())
    assert MARK not in said.stdout
    with psycopg.connect(said.stdout.strip(), password=READER_PASSWORD) as connection:
        connection.execute("select * from marts.sla_compliance")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from marts.sla_compliance")


def test_an_error_tells_no_password(installation: Installation, server: SecondServer) -> None:
    """Errors are where connection strings like to show up."""
    with psycopg.connect(server.uri(), autocommit=True) as connection:
        connection.execute("set role smarketing_loader")
        connection.execute("revoke all on raw_csv_export.leads from smarketing_loader")
        [touched] = installation.home.glob("company/leads_2026-10-20.csv")
        touched.write_text(touched.read_text() + touched.read_text().splitlines()[-1] + "\n")
        said = installation.run("nightly", SMARKETING_WAREHOUSE=server.uri())
        connection.execute("grant all on raw_csv_export.leads to smarketing_loader")
    assert said.returncode == 1
    assert "permission denied" in said.stdout
    assert MARK not in said.stdout


def test_the_password_is_nowhere(installation: Installation, server: SecondServer) -> None:
    assert [path for path in installation.files() if MARK.encode() in path.read_bytes()] == []
    embedded = installation.run("dsn").stdout.strip().replace("smarketing_reader", "postgres")
    metadata = embedded.replace("/almenara_files?", "/almenara_files_airflow?")
    tables = dict(tables_of(metadata)) | dict(tables_of(server.root))
    assert tables["xcom"]
    assert tables["ops.nights"]
    assert [name for name, text in tables.items() if MARK in text] == []


def tables_of(uri: str) -> Iterator[tuple[str, str]]:
    """Every table of a database, as text."""
    for schema, table, rows in tables_as_text(uri):
        yield table if schema == "public" else f"{schema}.{table}", "\n".join(rows)
