"""Build one layer of models with dbt, into schemas that start empty, and keep what dbt measured."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from smarketing.explained import ExplainedError
from smarketing.home import PROJECT
from smarketing.night import Night
from smarketing.warehouse.connection import WarehouseError, connect

Layer = Literal["staging", "intermediate", "marts"]

CANDIDATE = "marts_candidate"

SCHEMAS: dict[Layer, str] = {
    "staging": "staging",
    "intermediate": "intermediate",
    "marts": CANDIDATE,
}

# its own account of every event, and the project as JSON after each command: a fifth of its work,
# which nobody reads. What it did is said on standard output, and the SQL lies beside the project
_LEAN = ("--log-level-file", "none", "--no-write-json")


# a server that restarts: what dbt says of it, and of the models that wait in line
_IS_GONE = re.compile(
    r"server closed the connection|terminating connection|connection to server|"
    r"connection already closed|database system is (starting up|shutting down|in recovery mode)"
)


class BuildError(ExplainedError):
    """Models or their tests failed; the message names each of them and what the database said."""


def build_layer(uri: str, night: Night, layer: Layer, workdir: Path) -> int | None:
    """Build a layer and run its data tests, as of the night.

    Returns the rows written to tables; None for a layer of views.

    dbt runs in this process, so that whoever kills the task kills the build with it: nothing
    goes on writing to a schema that the next attempt has begun to fill.

    Raises:
        BuildError: a model could not be built or a test found rows.
    """
    _empty_schema(uri, SCHEMAS[layer])
    results = run_models(
        uri,
        workdir,
        "build",
        "--select", f"path:models/{layer}",
        "--indirect-selection", "buildable",
        "--exclude-resource-type", "unit_test",
        as_of=night.as_of,
        known_at=night.known_at,
    )  # fmt: skip
    _keep_timings(uri, night, layer, results)
    refuse_failures(results, f"layer {layer}")
    written = [rows for result in results if (rows := _rows(result)) is not None]
    return sum(written) if written else None


def refuse_failures(results: list[Any], where: str) -> None:
    """Go on only if nothing failed.

    Raises:
        BuildError: a model could not be built or a test found rows.
        WarehouseError: the server went away meanwhile, which another attempt may not meet.
    """
    failed = [result for result in results if result.status in ("error", "fail", "runtime error")]
    if any(_IS_GONE.search(result.message or "") for result in failed):
        raise WarehouseError(
            f"The server went away while {where} was built. Once it is back, run the night again."
        )
    if failed:
        faults = "\n".join(
            f"  {result.node.resource_type} {result.node.name} "
            f"({result.node.original_file_path}): {(result.message or '').strip()}"
            for result in failed
        )
        raise BuildError(f"{len(failed)} of {len(results)} failed in {where}:\n{faults}")


def run_models(
    uri: str,
    workdir: Path,
    *arguments: str,
    as_of: datetime,
    known_at: datetime,
    **variables: str,
) -> list[Any]:
    """Run one dbt command on models, as of a night, and return its results, one per node.

    The project is read again only where a file has changed since it was last read in ``workdir``
    with the same ``variables``.

    Raises:
        BuildError: dbt could not run at all (a model does not compile, a macro is missing ...).
    """
    # what dbt has read it keeps for runs with equal variables only, and no two nights have equal
    # instants: it reads without them, and is told them when it builds
    project = _invoke(uri, workdir, ["parse", "--quiet", *_LEAN, *_variables(variables)])
    instants = {"as_of": as_of.isoformat(), "known_at": known_at.isoformat()}
    command = [*arguments, *_LEAN, *_variables(variables | instants)]
    return _results(_invoke(uri, workdir, command, project))


def run_dbt(uri: str, workdir: Path, *arguments: str) -> list[Any]:
    """Run one dbt command on the warehouse and return its results, one per node.

    Raises:
        BuildError: dbt could not run at all (a model does not compile, a macro is missing ...).
    """
    return _results(_invoke(uri, workdir, arguments))


def _variables(values: Mapping[str, str]) -> list[str]:
    return ["--vars", json.dumps(values)] if values else []


def _invoke(uri: str, workdir: Path, arguments: Sequence[str], project: Any = None) -> Any:
    from dbt.cli.main import dbtRunner

    with _dbt_environment(uri):
        outcome = dbtRunner(manifest=project).invoke(
            [
                *arguments,
                "--project-dir", str(PROJECT / "dbt_project"),
                "--profiles-dir", str(PROJECT / "dbt_project"),
                "--target-path", str(workdir / "dbt"),
                "--log-path", str(workdir / "logs"),
            ]
        )  # fmt: skip
    if outcome.exception is not None:
        raise BuildError(f"dbt {arguments[0]} could not run: {outcome.exception}")
    return outcome.result


def _results(outcome: Any) -> list[Any]:
    return list(getattr(outcome, "results", []))


@contextmanager
def _dbt_environment(uri: str) -> Iterator[None]:
    """profiles.yml reads the connection from the environment; it is there while dbt runs."""
    parameters = conninfo_to_dict(uri)
    variables = {
        # empty: whatever libpq takes for the nearest server
        "SMARKETING_PGHOST": parameters.get("host", ""),
        "SMARKETING_PGPORT": parameters.get("port", "5432"),
        "SMARKETING_PGUSER": parameters.get("user", ""),
        "SMARKETING_PGDATABASE": parameters.get("dbname", ""),
        "DBT_ENV_SECRET_PGPASSWORD": parameters.get("password", ""),
    }
    # what dbt has no field for (sslmode and its certificates ...) libpq reads by these names
    variables |= {
        f"PG{name.upper()}": value
        for name, value in parameters.items()
        if name.startswith("ssl") or name in ("channel_binding", "gssencmode", "connect_timeout")
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _empty_schema(uri: str, schema: str) -> None:
    with connect(uri, "transformer") as connection:
        name = sql.Identifier(schema)
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(name))
        connection.execute(sql.SQL("create schema {}").format(name))


def _rows(result: Any) -> int | None:
    """The rows that a model wrote; None where it writes none (a view, a test)."""
    if result.node.resource_type != "model" or result.node.config.materialized != "table":
        return None
    rows: int | None = (result.adapter_response or {}).get("rows_affected")
    return rows


def _keep_timings(uri: str, night: Night, layer: Layer, results: list[Any]) -> None:
    with connect(uri, "transformer") as connection, connection.cursor() as cursor:
        cursor.execute(
            "delete from ops.model_timings where night_id = %s and attempt = %s and layer = %s",
            (night.night_id, night.attempt, layer),
        )
        cursor.executemany(
            "insert into ops.model_timings "
            "(night_id, attempt, layer, node, kind, status, rows_affected, seconds) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    night.night_id,
                    night.attempt,
                    layer,
                    result.node.name,
                    str(result.node.resource_type),
                    str(result.status),
                    _rows(result),
                    result.execution_time,
                )
                for result in results
            ],
        )
