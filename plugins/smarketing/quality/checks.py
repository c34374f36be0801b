"""What a check is: a Great Expectation with a severity, an allowance, and words for people."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Severity = Literal["critical", "warning"]

ValueClass = Literal[
    "missing",
    "malformed",
    "out of range",
    "not in list",
    "unknown",
    "duplicate",
    "contradictory",
    "too few",
    "too old",
    "changed",
    "gone",
    "condition not met",
]
"""What is wrong with a value. What the value is, nobody is told: it may be personal data."""


def quoted(text: str) -> str:
    """``text`` as a literal in the SQL of a check, whatever is in it."""
    return "'" + text.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'"


@dataclass(frozen=True)
class RowCheck:
    """One rule on each row of a population.

    ``meaning`` says what a failure means, ``concerns`` whom it is for. A critical failure stops
    the night before it is published; a warning is told.

    ``population`` is a query over ``{batch}``, the suite's table; ``fails`` the condition under
    which one of its rows breaks the rule; ``key`` the column that names the row: keys are kept
    for every failing row, so a key must not be personal data. ``value_class`` and ``reason`` say
    what is wrong with the row, and never what its value is: SQL over the population, or quoted
    words. Checks of one suite with one population are one scan.

    Up to ``share_allowed`` of the population (a fraction) may fail. A population without a row
    fails too, for it shows nothing, unless ``may_be_empty`` says why there may be nothing to check:
    then the check is skipped.

    ``statement`` says what holds where it passes, if the name does not: of a ``rule`` of the
    agreement, what the two teams signed. ``since``,
    a column of the population: from when on what fails is missing.
    """

    name: str
    severity: Severity
    meaning: str
    concerns: str
    population: str
    fails: str
    key: str
    value_class: str
    reason: str
    share_allowed: Decimal = Decimal(0)
    may_be_empty: str | None = None
    rule: str | None = None
    statement: str | None = None
    since: str | None = None

    @property
    def title(self) -> str:
        """What holds where the check passes."""
        words = self.name.replace("_", " ")
        return self.statement or words[0].upper() + words[1:]

    @property
    def failures(self) -> str:
        """The query for the rows that fail: key, value class and reason.

        A key that an e-mail address got into (a system may name its leads by them) goes by a name
        made up on the spot: of a hash, whoever has the address would know it again.
        """
        return (
            f"select case when {self.key}::text like '%@%' then 'somebody:' || gen_random_uuid() "
            f"else {self.key}::text end as failing_key, "
            f"{self.value_class} as value_class, {self.reason} as reason "
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
    checks: tuple[RowCheck, ...]
    source: str | None = None
