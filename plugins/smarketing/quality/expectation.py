"""The Great Expectation behind our checks on rows: how many there are, and how many fail.

Of its own kin, ``UnexpectedRowsExpectation`` runs its query twice, knows nothing of the rows that
pass, and passes where there are none. This one counts both in one scan, which all checks of one
population share, and an empty population never passes.

Great Expectations is imported here, at the top: import this module where a check is run.
"""
# ruff: noqa: TID253

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from great_expectations.expectations.expectation import BatchExpectation

EVALUATED = "evaluated"


class ExpectRowsToKeepRule(BatchExpectation):  # type: ignore[misc]
    """Expect no more than a share of the rows of a population to break a rule.

    ``query`` counts the rows, and in the column ``failing`` those that break the rule.
    """

    query: str
    failing: str
    share_allowed: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("query.table",)
    success_keys: ClassVar[tuple[str, ...]] = ("query", "failing", "share_allowed")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    args_keys: ClassVar[tuple[str, ...]] = ("query", "failing", "share_allowed")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        [figures] = metrics["query.table"]
        evaluated, failing = int(figures[EVALUATED]), int(figures[self.failing])
        return {
            "success": evaluated > 0 and failing <= Decimal(self.share_allowed) * evaluated,
            "result": {
                "observed_value": failing,
                "element_count": evaluated,
                "unexpected_count": failing,
            },
        }


def counting(population: str, conditions: Sequence[str]) -> str:
    """The query that counts a population, and the rows under each condition, in one scan."""
    counts = "".join(
        f', count(*) filter (where {condition}) as "{failing_column(number)}"'
        for number, condition in enumerate(conditions)
    )
    return f'select count(*) as "{EVALUATED}"{counts} from ({population}) as population'


def failing_column(number: int) -> str:
    """The column of :func:`counting` for the condition of this number, from 0."""
    return f"failing_{number}"


def escaped(query: str) -> str:
    """A query for Great Expectations, which takes braces for placeholders, and SQLAlchemy
    ``:word`` for a parameter."""
    return re.sub(r"(?<![:\w]):(?=\w)", r"\:", query.replace("{", "{{").replace("}", "}}"))
