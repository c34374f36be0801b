"""When a lead deserves a stage: rules that it passes or breaks, and the points they bring."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from warnings import catch_warnings, simplefilter

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from smarketing.agreement.clauses import Clause, Name, Text, each_once, in_order
from smarketing.agreement.quantities import Allowance, refuse

LeadField = Literal["email", "phone", "company", "country", "region", "persona", "channel", "score"]
Severity = Literal["critical", "warning"]

# what a rule can ask of a field, besides any_of and sql
TESTS = ("one_of", "between", "matches", "not_matching", "compared")

_COMPARISON = re.compile(r"(at least|at most|equal to|different from) ([a-z_]+)")


# what Python knows and PostgreSQL, which applies the pattern, does not, or reads as something else:
# to it \b is a backspace
_FOREIGN = re.compile(
    r"\\[bBN]|\(\?(?![:=!#]|<[=!]|[imsx]+\))|[*+?}]\+|\{,\d+\}"
    r"|\{(\d+,)?(\d{4,}|[3-9]\d\d|2[6-9]\d|25[6-9])\}"
)


def _pattern(pattern: str) -> str:
    try:
        with catch_warnings():
            # of sets that it may read otherwise one day; PostgreSQL will not
            simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        refuse(f"a regular expression ({error})", "correct it, or use 'one_of'")
    unescaped = re.sub(r"\\[^bBN]", "_", pattern)
    if foreign := _FOREIGN.search(re.sub(r"\[\^?\]?[^]]*\]", "_", unescaped)):
        refuse(
            f"a regular expression as PostgreSQL reads it, without '{foreign[0]}'",
            "write it in another way, or use 'one_of'",
        )
    return pattern


def _condition(condition: str) -> str:
    if re.search(r";|--|/\*", condition):
        refuse("one condition without ';' and comments", "keep what stands after 'where'")
    return condition


def _bounds(value: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    if value[0] > value[1]:
        refuse(
            "the lower bound first",
            f"say [{value[1]}, {value[0]}]",
            found=f"[{value[0]}, {value[1]}]",
        )
    return value


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse("a number", "write digits only")
    return Decimal(str(value))


def _comparison(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not _COMPARISON.fullmatch(text):
        refuse("a comparison with another field", "say 'different from region'")
    return text


KnownFields = Annotated[
    tuple[LeadField, ...],
    Field(min_length=1),
    AfterValidator(each_once),
    AfterValidator(in_order),
]
Values = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    AfterValidator(each_once),
    AfterValidator(in_order),
]
Pattern = Annotated[Text, AfterValidator(_pattern)]
Condition = Annotated[Text, AfterValidator(_condition)]
Number = Annotated[
    Decimal,
    PlainValidator(_number),
    PlainSerializer(float, return_type=float),
    WithJsonSchema({"type": "number"}),
]
Bounds = Annotated[tuple[Number, ...], Field(min_length=2, max_length=2), AfterValidator(_bounds)]
Comparison = Annotated[
    str,
    PlainValidator(_comparison),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_COMPARISON.pattern}$",
            "examples": ["different from region"],
        }
    ),
]
Points = Annotated[int, Field(ge=1, le=1000)]


class RulePoints(Clause):
    """What passing a rule adds to a lead's score: for fit, or for engagement."""

    fit: Points | None = None
    """Points for who the lead is."""
    engagement: Points | None = None
    """Points for what the lead did."""


class QualificationRule(Clause):
    """What must hold for a lead that enters a stage.

    A rule asks one thing: that one of some fields is known (``any_of``), that a ``field`` passes
    one test, or a condition in SQL. A field that is not known passes no test. Up to ``allowed``
    of the leads may fail. Where more do, a warning is told, and a critical rule keeps the night
    from being published.
    """

    name: Name
    """A short name that stays the same from version to version."""
    stage: Name
    """The stage that it guards."""
    statement: Text
    """The rule in a sentence."""
    severity: Severity
    """What happens when more leads fail than are allowed to."""
    allowed: Allowance = Decimal(0)
    """The share of leads that may fail."""
    points: RulePoints | None = None
    """What passing it adds to the score."""

    any_of: KnownFields | None = None
    """At least one of these fields is known."""
    field: LeadField | None = None
    """The field that the test is on."""
    one_of: Values | None = None
    """The field says one of these words; case does not matter."""
    between: Bounds | None = None
    """The field is a number within these bounds, both included."""
    matches: Pattern | None = None
    """The field contains a match of this regular expression; case does not matter."""
    not_matching: Pattern | None = None
    """The field is known and contains no match of this regular expression."""
    compared: Comparison | None = None
    """How the field compares with another one: 'different from region'."""
    sql: Condition | None = None
    """Anything else: a condition on the fields of `leads`, as PostgreSQL reads it."""

    @property
    def test(self) -> tuple[str, tuple[str, ...]]:
        """What is asked, and of or with what: ``("between", ("20", "100"))``."""
        for name in ("any_of", *TESTS, "sql"):
            operand: Any = getattr(self, name)
            if operand is not None:
                operands = operand if isinstance(operand, tuple) else (operand,)
                return name, tuple(str(each) for each in operands)
        raise AssertionError(f"{self.name} asks nothing")  # consistency refuses it


class ScoreThreshold(Clause):
    """The score that a lead needs for a stage: fit and engagement apart."""

    stage: Name
    """The stage that it takes these points to enter."""
    fit: Points | None = None
    """The points for fit that are needed."""
    engagement: Points | None = None
    """The points for engagement that are needed."""
