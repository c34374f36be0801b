"""Amounts as the agreement writes them: a number never stands without its unit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Never

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

Direction = Literal["at_least", "at_most"]
Unit = Literal["leads", "share", "days"]


def refuse(expected: str, remedy: str, found: str | None = None) -> Never:
    """Refuse the value under validation: what was expected, and what to do instead.

    ``found`` says what is wrong where the value itself would not tell (a list, a mapping).
    """
    raise PydanticCustomError(
        "refused",
        "expected {expected}; {remedy}",
        {"expected": expected, "remedy": remedy, "found": found},
    )


@dataclass(frozen=True)
class Target:
    """What a commitment promises: ``at least 25%``.

    ``amount`` is greater than zero, in ``unit``: a number of leads, a share as a fraction
    (25% is 0.25), or calendar days.
    """

    direction: Direction
    amount: Decimal
    unit: Unit

    def __str__(self) -> str:
        share = self.unit == "share"
        amount = _percentage(self.amount) if share else f"{self.amount.normalize():f} {self.unit}"
        return f"{self.direction.replace('_', ' ')} {amount}"


@dataclass(frozen=True)
class _Form:
    """How targets of one unit are written. ``amount`` is a regular expression with its unit."""

    unit: Unit
    amount: str
    meaning: str
    example: str
    limit: int | None = None

    def parse(self, value: object) -> Target:
        """Read ``at least 25%``. Anything else is refused."""
        text = " ".join(value.split()) if isinstance(value, str) else ""
        match = re.fullmatch(rf"(?P<direction>at least|at most) {self.amount}", text)
        if match is None:
            refuse(f"'at least' or 'at most' with {self.meaning}", f"say '{self.example}'")
        amount = Decimal(match["number"])
        if amount <= 0 or (self.limit is not None and amount > self.limit):
            limit = f", up to {self.limit}%" if self.limit is not None else ""
            refuse(f"an amount greater than 0{limit}", f"say '{self.example}'")
        direction: Direction = "at_least" if match["direction"] == "at least" else "at_most"
        return Target(direction, amount / 100 if self.unit == "share" else amount, self.unit)


_LEADS = _Form(
    "leads", r"(?P<number>-?\d{1,9}) leads?", "a whole number of leads", "at least 12 leads"
)
_SHARE = _Form(
    "share", r"(?P<number>-?\d{1,3}(\.\d{1,4})?) ?%", "a percentage", "at least 25%", limit=100
)
_DAYS = _Form(
    "days",
    r"(?P<number>-?\d{1,4}(\.\d{1,4})?) days?",
    "a number of calendar days",
    "at most 45 days",
)


def _percentage(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


def _written(parse: Callable[[object], Target]) -> tuple[PlainValidator, PlainSerializer]:
    return PlainValidator(parse), PlainSerializer(str, return_type=str)


LeadsTarget = Annotated[Target, *_written(_LEADS.parse)]
ShareTarget = Annotated[Target, *_written(_SHARE.parse)]
DaysTarget = Annotated[Target, *_written(_DAYS.parse)]


def _days(value: object) -> int:
    match = re.fullmatch(r"(\d{1,4}) days?", value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        refuse("a whole number of calendar days, greater than 0", "say '30 days'")
    return int(match[1])


Days = Annotated[
    int, PlainValidator(_days), PlainSerializer(lambda days: f"{days} days", return_type=str)
]


def _allowance(value: object) -> Decimal:
    text = value.strip() if isinstance(value, str) else ""
    match = re.fullmatch(r"(\d{1,3}(\.\d{1,4})?) ?%", text)
    if match is None:
        refuse("a percentage", "say '2%'")
    if Decimal(match[1]) >= 100:
        refuse(
            "less than 100%, since a rule that every lead may break says nothing",
            "lower it, or remove the rule",
        )
    return Decimal(match[1]) / 100


# the share of leads that may break a rule, as a fraction
Allowance = Annotated[
    Decimal, PlainValidator(_allowance), PlainSerializer(_percentage, return_type=str)
]
