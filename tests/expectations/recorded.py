"""Running suites, and reading back what ``ops`` keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
from smarketing.night import Night
from smarketing.quality.checks import Suite
from smarketing.quality.run import ChecksFailedError, Outcome, run_suites


@dataclass
class Recorded:
    """What is on record of a night's checks, by check name, and what stopped the night if it did.

    ``outcomes`` are what the checks said, if nothing stopped the night. ``figures`` are the rows
    evaluated and the rows failing, ``keys`` those of the failing rows, and ``reasons`` what is
    wrong with each: its value class, and the reason in words. ``observed`` is what was noted down
    beside the figures.
    """

    stopped: str | None = None
    outcomes: Sequence[Outcome] = ()
    states: dict[str, str] = field(default_factory=dict)
    figures: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    observed: dict[str, str | None] = field(default_factory=dict)


def check(uri: str, night: Night, suites: Sequence[Suite]) -> Recorded:
    """Run the suites for the night."""
    recorded = Recorded()
    try:
        recorded.outcomes = run_suites(uri, night, suites)
    except ChecksFailedError as error:
        recorded.stopped = str(error)
    with psycopg.connect(uri) as connection:
        rows = connection.execute(
            """
            select
                check_name, state, evaluated, failing, observed,
                array(
                    select array[failing_key, value_class, reason] from ops.check_failures
                    where (night_id, attempt, suite, check_name)
                        = (results.night_id, results.attempt, results.suite, results.check_name)
                    order by failing_key
                )
            from ops.check_results as results
            where night_id = %s and attempt = %s
            """,
            (night.night_id, night.attempt),
        ).fetchall()
    for name, state, evaluated, failing, observed, failures in rows:
        recorded.states[name] = state
        recorded.figures[name] = (evaluated, failing)
        recorded.observed[name] = observed
        recorded.keys[name] = [key for key, _, _ in failures]
        recorded.reasons[name] = [(value_class, reason) for _, value_class, reason in failures]
    return recorded
