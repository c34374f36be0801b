"""Amounts as the agreement writes them: a number never stands without its unit.

Each kind of amount is a type to be used in a clause. It reads one spelling, refuses every other
with the spelling to use, and tells editors (in the JSON Schema) what to offer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, Never

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Direction = Literal["at_least", "at_most"]
Unit = Literal["leads", "share", "days", "money", "ratio"]
TimeUnit = Literal["minutes", "hours", "business minutes", "business hours", "business days"]

_SECONDS: dict[str, int] = {"minutes": 60, "hours": 3600}


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
    (25% is 0.25), calendar days, money in the agreement's currency, or a ratio (150% is 1.5).
    """

    direction: Direction
    amount: Decimal
    unit: Unit
    currency: str | None = None

    def __str__(self) -> str:
        return f"{self.direction.replace('_', ' ')} {self.quantity}"

    @property
    def quantity(self) -> str:
        """The amount with its unit: ``25%``."""
        match self.unit:
            case "share" | "ratio":
                return _percentage(self.amount)
            case "days":
                return f"{self.amount.normalize():f} calendar days"
            case "money":
                return f"{self.amount.normalize():,f} {self.currency}"
            case "leads":
                return f"{self.amount.normalize():f} leads"


@dataclass(frozen=True)
class Duration:
    """Time on a clock: ``4 business hours``.

    Hours and minutes run on day and night; business hours and minutes only while the calendar
    is open; business days end with the business of the last of them.
    """

    amount: int
    unit: TimeUnit

    @property
    def seconds(self) -> int | None:
        """Its length, of business time or of any; of business days there is none in seconds."""
        if self.unit == "business days":
            return None
        return self.amount * _SECONDS[self.unit.removeprefix("business ")]

    @property
    def is_business_time(self) -> bool:
        """Whether it runs only while the calendar is open."""
        return self.unit.startswith("business")

    def __str__(self) -> str:
        return _count(self.amount, self.unit)


@dataclass(frozen=True)
class _Form:
    """How the targets of one unit are written: ``amount`` is a pattern that holds a number."""

    unit: Unit
    amount: str
    meaning: str
    example: str
    limit: int | None = None

    @property
    def pattern(self) -> str:
        return f"(?P<direction>at least|at most) {self.amount}"

    def parse(self, value: object) -> Target:
        """Read ``at least 25%``. Anything else is refused."""
        text = " ".join(value.split()) if isinstance(value, str) else ""
        match = re.fullmatch(self.pattern, text)
        if match is None:
            refuse(
                f"'at least' or 'at most' with {self.meaning}",
                f"say '{self._meant(value) or self.example}'",
            )
        amount = Decimal(match["number"].replace(",", ""))
        if amount <= 0 or (self.limit is not None and amount > self.limit):
            limit = f", up to {self.limit}%" if self.limit is not None else ""
            refuse(f"an amount greater than 0{limit}", f"say '{self.example}'")
        direction: Direction = "at_least" if match["direction"] == "at least" else "at_most"
        if self.unit in ("share", "ratio"):
            amount /= 100
        currency = match["currency"] if self.unit == "money" else None
        return Target(direction, amount, self.unit, currency)

    def _meant(self, value: object) -> str | None:
        """The share that a bare number, or one without its direction, most likely means."""
        written = str(value).strip()
        is_number = not isinstance(value, bool) and re.fullmatch(
            r"\d{1,3}(\.\d{1,4})? ?%?", written
        )
        if self.unit != "share" or not is_number:
            return None
        number = Decimal(written.rstrip("% "))
        if number <= 1 and "%" not in written:
            number *= 100
        return f"at least {number.normalize():f}%" if 0 < number <= 100 else None

    def annotated(self) -> tuple[PlainValidator, PlainSerializer, WithJsonSchema]:
        return _written(self.parse, self.pattern, self.example)


def _percentage(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


def _count(amount: int, units: str) -> str:
    return f"{amount} {units if amount != 1 else units.removesuffix('s')}"


def _written(
    parse: Callable[[object], Any],
    pattern: str,
    example: str,
    spell: Callable[[Any], str] = str,
) -> tuple[PlainValidator, PlainSerializer, WithJsonSchema]:
    # JSON Schema knows the regular expressions of ECMAScript, which names groups otherwise; what
    # is read here with a minus sign is only read to say that it is refused
    anonymous = re.sub(r"\(\?P<\w+>", "(", pattern).replace("(-?", "(")
    schema = {"type": "string", "pattern": f"^{anonymous}$", "examples": [example]}
    return PlainValidator(parse), PlainSerializer(spell, return_type=str), WithJsonSchema(schema)


def in_words(pattern: str, meaning: str, example: str) -> tuple[Any, ...]:
    """The annotations of a text that has one form; any other is refused with the example."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            refuse(meaning, f"write it like '{example}'")
        return value

    return _written(parse, pattern, example)


_LEADS = _Form(
    "leads",
    r"(?P<number>-?\d{1,9}) leads?",
    "a whole number of leads",
    "at least 12 leads",
)
_SHARE = _Form(
    "share", r"(?P<number>-?\d{1,3}(\.\d{1,4})?) ?%", "a percentage", "at least 25%", limit=100
)
_DAYS = _Form(
    "days",
    r"(?P<number>-?\d{1,4}(\.\d{1,4})?) calendar days?",
    "a number of calendar days",
    "at most 45 calendar days",
)
_MONEY = _Form(
    "money",
    r"(?P<number>-?\d{1,3}(,?\d{3}){0,4}(\.\d{1,2})?) (?P<currency>[A-Z]{3})",
    "a sum and its currency",
    "at least 250,000 EUR",
)
_RATIO = _Form("ratio", r"(?P<number>-?\d{1,5}(\.\d{1,4})?) ?%", "a percentage", "at least 150%")

LeadsTarget = Annotated[Target, *_LEADS.annotated()]
ShareObjective = Annotated[Target, *_SHARE.annotated()]
DaysTarget = Annotated[Target, *_DAYS.annotated()]
MoneyTarget = Annotated[Target, *_MONEY.annotated()]
RatioTarget = Annotated[Target, *_RATIO.annotated()]

_CALENDAR_DAYS = r"(?P<number>\d{1,4}) calendar days?"


def _calendar_days(value: object) -> int:
    match = re.fullmatch(_CALENDAR_DAYS, value.strip()) if isinstance(value, str) else None
    if match is None or int(match["number"]) == 0:
        bare = re.fullmatch(r"(\d{1,4}) days?", value.strip()) if isinstance(value, str) else None
        meant = f"{int(bare[1])}" if bare and int(bare[1]) else "30"
        refuse(
            "a whole number of days, greater than 0, that names its kind",
            f"say '{meant} calendar days'",
        )
    return int(match["number"])


# a window on the calendar, in which every day counts
CalendarDays = Annotated[
    int,
    *_written(
        _calendar_days,
        _CALENDAR_DAYS,
        "30 calendar days",
        spell=lambda days: _count(days, "calendar days"),
    ),
]

_DURATION = r"(?P<number>\d{1,5}) (?P<unit>(business )?(minute|hour)|business day)s?"


def _duration(value: object) -> Duration:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    match = re.fullmatch(_DURATION, text)
    if match is None:
        days = re.fullmatch(r"(\d{1,4}) (calendar )?days?", text)
        refuse(
            "a time that names its kind: business minutes, business hours, business days, "
            "or minutes and hours by the clock",
            f"say '{_count(int(days[1]), 'business days')}' or '{int(days[1]) * 24} hours'"
            if days and int(days[1])
            else "say '4 business hours', '2 business days' or '48 hours'",
        )
    if int(match["number"]) == 0:
        refuse("a time greater than 0", "say '4 business hours'")
    units: dict[str, TimeUnit] = {
        "minute": "minutes",
        "hour": "hours",
        "business minute": "business minutes",
        "business hour": "business hours",
        "business day": "business days",
    }
    return Duration(int(match["number"]), units[match["unit"]])


ClockTime = Annotated[Duration, *_written(_duration, _DURATION, "4 business hours")]

_ALLOWANCE = r"(?P<number>\d{1,3}(\.\d{1,4})?) ?%"


def _allowance(value: object) -> Decimal:
    match = re.fullmatch(_ALLOWANCE, value.strip()) if isinstance(value, str) else None
    if match is None:
        refuse("a percentage", "say '2%'")
    if Decimal(match["number"]) >= 100:
        refuse(
            "less than 100%, since a rule that every lead may break says nothing",
            "lower it, or remove the rule",
        )
    return Decimal(match["number"]) / 100


# the share of leads that may break a rule, as a fraction
Allowance = Annotated[Decimal, *_written(_allowance, _ALLOWANCE, "2%", spell=_percentage)]
