"""Run suites with Great Expectations, keep every figure and every failing key, and gate.

Four outcomes, not two: a check *passed*, *failed*, was *skipped* (there is nothing to check, and
that may be) or was *not run* (its query broke). The night goes on only if no critical check
failed, or somebody had accepted that it might, and none broke.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite
from smarketing.warehouse.connection import as_role, connect, with_parameters

State = Literal["passed", "failed", "skipped", "not_run"]

_EXAMPLES = 3
_PERSONAL = re.compile(r"[^\s\"'()<>]+@[^\s\"'()<>]+")

_WHAT_TO_DO = (
    "What was published before still is. Mend the cause in the source and run the night again: "
    "`smarketing nightly`. Or, if you answer for publishing it as it is, once: "
    "`smarketing nightly --accept REASON`; a check that could not run has to be mended first."
)


class ChecksFailedError(Exception):
    """The night must not go on; the message names each check, its figures and its meaning."""


@dataclass(frozen=True)
class Outcome:
    """What one check said tonight; ``observed`` in words what its figures do not say."""

    suite: Suite
    check: RowCheck
    state: State
    evaluated: int | None
    failing: int | None
    observed: str | None

    @property
    def stops_the_night(self) -> bool:
        """A check that could not run tells nothing, which is worse than a failure."""
        return self.state == "not_run" or (
            self.state == "failed"
            and self.check.severity == "critical"
            and self.suite.source is None
        )

    @property
    def makes_missing(self) -> str | None:
        """The source that has to be taken as missing for it."""
        failed = self.state == "failed" and self.check.severity == "critical"
        return self.suite.source if failed else None

    @property
    def can_be_accepted(self) -> bool:
        """Somebody may answer for a failure; for what nobody looked at, nobody can."""
        return self.stops_the_night and self.state == "failed"

    def __str__(self) -> str:
        figures = f" ({self.failing} of {self.evaluated})" if self.failing is not None else ""
        verdict = "could not run" if self.state == "not_run" else self.state
        detail = f" [{self.observed}]" if self.observed else ""
        return (
            f"{self.suite.name}.{self.check.name} {verdict}{figures}: {self.check.meaning} "
            f"(concerns {self.check.concerns}){detail}"
        )


def run_suites(uri: str, night: Night, suites: Sequence[Suite]) -> list[Outcome]:
    """Run all suites, record them in ``ops``, and return what each check said.

    Raises:
        ChecksFailedError: a critical check failed that nobody had accepted for this attempt, or
            some check could not run. Everything is recorded all the same.
    """
    outcomes = _validate(uri, suites)
    with connect(uri, "auditor") as connection:
        is_accepted = _is_accepted(connection, night)
        _record(connection, night, outcomes, is_accepted=is_accepted)
        stopping = [
            f"  {outcome}{_examples(connection, night, outcome)}\n"
            for outcome in outcomes
            if outcome.stops_the_night and not (is_accepted and outcome.can_be_accepted)
        ]
    if stopping:
        raise ChecksFailedError(
            f"{len(stopping)} of {len(outcomes)} checks stop the night:\n"
            + "".join(stopping)
            + _WHAT_TO_DO
        )
    return outcomes


def _is_accepted(connection: psycopg.Connection, night: Night) -> bool:
    query = (
        "select 1 from ops.nights where night_id = %s and attempt = %s and accepted_by is not null"
    )
    return connection.execute(query, (night.night_id, night.attempt)).fetchone() is not None


@dataclass(frozen=True)
class Example:
    """A record that failed a check: its key, where its source shows it if that is known, and why
    it failed."""

    key: str
    address: str | None
    reason: str


def examples(
    connection: psycopg.Connection, attempt: tuple[str, int], suite: str, check: str
) -> list[Example]:
    """A few of the records that failed a check in an attempt (of a night) at it."""
    with connection.cursor(row_factory=class_row(Example)) as cursor:
        return cursor.execute(
            """
            select
                failing_key as key,
                replace(
                    systems.record_link,
                    '{id}',
                    substring(failing_key from '^[^:]+:([A-Za-z0-9._~-]+)(?:/|$)')
                ) as address,
                reason
            from ops.check_failures as failures
            left join ops.systems as systems
                on split_part(failing_key, ':', 1) = systems.system
            where night_id = %s and attempt = %s and suite = %s and check_name = %s
            order by failing_key
            limit %s
            """,
            (*attempt, suite, check, _EXAMPLES),
        ).fetchall()


def _examples(connection: psycopg.Connection, night: Night, outcome: Outcome) -> str:
    found = examples(
        connection, (night.night_id, night.attempt), outcome.suite.name, outcome.check.name
    )
    return "".join(f"\n    for example {each.address or each.key}" for each in found)


def _validate(uri: str, suites: Sequence[Suite]) -> list[Outcome]:
    # it tells of every function that it leaves undocumented
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres("warehouse", connection_string=_sqlalchemy_uri(uri))
    outcomes: list[Outcome] = []
    for suite in suites:
        try:
            asset = source.add_table_asset(
                suite.name, table_name=suite.table, schema_name=suite.schema
            )
        except TestConnectionError as error:
            # a table that is missing must not hide what the others say
            reason = _first_line(error)
            outcomes += [
                Outcome(suite, check, "not_run", None, None, reason) for check in suite.checks
            ]
            continue
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        for _, checks in groupby(suite.checks, key=attrgetter("population")):
            outcomes += _validate_together(batch, suite, list(checks))
    return outcomes


def _validate_together(batch: Any, suite: Suite, checks: Sequence[RowCheck]) -> Iterator[Outcome]:
    """Validate the checks of one population, in one scan of it."""
    import great_expectations as gx

    expectations = gx.ExpectationSuite(suite.name, _expectations(suite, checks))
    results = batch.validate(expectations, result_format="BASIC").results
    # in whatever order they come
    validations = {result.expectation_config.meta["place"]: result for result in results}
    outcomes = [_outcome(suite, check, validations[n]) for n, check in enumerate(checks)]
    if len(checks) > 1 and any(outcome.state == "not_run" for outcome in outcomes):
        # one broken query must not hide another's figure
        for check in checks:
            yield from _validate_together(batch, suite, [check])
    else:
        yield from outcomes


def _expectations(suite: Suite, checks: Sequence[RowCheck]) -> list[Any]:
    from smarketing.quality.expectation import (
        ExpectRowsToKeepRule,
        counting,
        escaped,
        failing_column,
    )

    query = counting(checks[0].population, [check.fails for check in checks])
    return [
        ExpectRowsToKeepRule(
            query=escaped(on_table(query, suite).as_string()),
            failing=failing_column(place),
            share_allowed=str(check.share_allowed),
            severity=check.severity,
            meta={"place": place},
        )
        for place, check in enumerate(checks)
    ]


def _outcome(suite: Suite, check: RowCheck, validation: Any) -> Outcome:
    observed = validation.result.get("observed_value")
    if not validation.success and observed is None:
        reason = _exception_message(validation.exception_info)
        return Outcome(suite, check, "not_run", None, None, reason)
    state: State = "passed" if validation.success else "failed"
    evaluated = validation.result["element_count"]
    if evaluated:
        return Outcome(suite, check, state, evaluated, observed, None)
    if check.may_be_empty:
        return Outcome(suite, check, "skipped", 0, 0, check.may_be_empty)
    return Outcome(suite, check, state, 0, 0, "there was nothing to check")


def on_table(query: LiteralString, suite: Suite) -> sql.Composable:
    """A suite's query with its table for ``{batch}``.

    Great Expectations would fill in a subquery, with an alias or without one depending on the
    rest of the query; PostgreSQL before 16 refuses the latter.
    """
    return sql.SQL(query).format(batch=sql.Identifier(suite.schema, suite.table))


def _exception_message(exception_info: dict[str, Any]) -> str:
    """The first line of what went wrong; values of rows stay out of it."""
    for info in [exception_info, *exception_info.values()]:
        if isinstance(info, dict) and info.get("exception_message"):
            return _first_line(info["exception_message"])
    return "no reason given"


def _first_line(message: object) -> str:
    """Without what it quotes at its end: a name is quoted in the midst, at the end stands a value
    that could not be read."""
    line = str(message).strip().splitlines()[0]
    return _PERSONAL.sub("…", re.sub(r': ".*', ": a value that is not shown", line))


def _sqlalchemy_uri(uri: str) -> str:
    parameters = psycopg.conninfo.conninfo_to_dict(as_role(uri, "auditor"))
    # Great Expectations refuses a URI without a host; on a Unix socket it is not used
    if str(parameters.get("host", "/")).startswith("/"):
        folder = parameters.pop("host", None)
        uri = with_parameters(as_role(uri, "auditor"), host="localhost")
        return uri.replace("postgresql://", "postgresql+psycopg2://", 1) + (
            f"&host={folder}" if folder else ""
        )
    return as_role(uri, "auditor").replace("postgresql://", "postgresql+psycopg2://", 1)


def _record(
    connection: psycopg.Connection,
    night: Night,
    outcomes: Sequence[Outcome],
    *,
    is_accepted: bool,
) -> None:
    for outcome in outcomes:
        check, suite = outcome.check, outcome.suite
        identity = (night.night_id, night.attempt, suite.name, check.name)
        connection.execute(
            "delete from ops.check_results "
            "where night_id = %s and attempt = %s and suite = %s and check_name = %s",
            identity,
        )
        connection.execute(
            "insert into ops.check_results (night_id, attempt, suite, check_name, title, severity, "
            "state, evaluated, failing, share_allowed, observed, is_accepted, meaning, concerns, "
            "source, rule) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *identity,
                check.title,
                check.severity,
                outcome.state,
                outcome.evaluated,
                outcome.failing,
                check.share_allowed,
                outcome.observed,
                is_accepted and outcome.can_be_accepted,
                check.meaning,
                check.concerns,
                suite.source,
                check.rule,
            ),
        )
        if outcome.failing:
            # the rule's own query: Great Expectations keeps no more than 200 rows
            connection.execute(
                sql.SQL(
                    "insert into ops.check_failures (night_id, attempt, suite, check_name, "
                    "failing_key, value_class, reason, rule) "
                    "select {}, {}, {}, {}, failing_key, value_class, reason, {} "
                    "from ({}) as failures"
                ).format(*identity, check.rule, on_table(check.failures, suite))
            )
