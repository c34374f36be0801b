"""What a check is: a Great Expectation with a severity, an allowance, and words for people."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """One rule on one table.

    ``meaning`` says what a failure means, ``concerns`` whom it is for. A critical failure stops
    the night before it is published; a warning is told.
    """

    name: str
    severity: Severity
    meaning: str
    concerns: str
    expectation: Expectation


@dataclass(frozen=True)
class RowCheck:
    """One rule on each row of a population.

    ``population`` is a query over ``{batch}``, the suite's table; ``fails`` the condition under
    which one of its rows breaks the rule; ``key`` the column that names the row: keys are kept
    for every failing row, so a key must not be personal data. Up to ``share_allowed`` of the
    population (a fraction) may fail. ``since``, a column of the population: from when on what fails
    is missing.
    """

    name: str
    severity: Severity
    meaning: str
    concerns: str
    population: str
    fails: str
    key: str
    share_allowed: Decimal = Decimal(0)
    since: str | None = None

    @property
    def failing_keys(self) -> str:
        """The query for the keys of the rows that fail."""
        return (
            f"select {self.key}::text as failing_key "
            f"from ({self.population}) as population where {self.fails}"
        )


@dataclass(frozen=True)
class Suite:
    """The checks of one table, in the order in which they are read.

    ``source``: the source of whose arrival they are. Where a critical one of these fails, the
    source is taken as missing, and the others go on.
    """

    name: str
    schema: str
    table: str
    checks: tuple[Check | RowCheck, ...]
    source: str | None = None
