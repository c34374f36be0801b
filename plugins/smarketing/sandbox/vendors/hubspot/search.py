"""HubSpot's search: filters, one sort, and their limits (HubSpot, search guide)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from smarketing.sandbox.vendors.clock import as_ms
from smarketing.sandbox.vendors.hubspot.errors import invalid
from smarketing.sandbox.vendors.hubspot.records import Record
from smarketing.sandbox.vendors.hubspot.schema import CREATED, MODIFIED, Property

MOST_GROUPS, MOST_IN_GROUP, MOST_FILTERS = 5, 6, 18

_SEARCHED = ("email", "firstname", "lastname", "phone", "company", "name", "domain", "dealname")

Value = str | float | None
Test = Callable[[Record, int], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda value, other: value < other,
    "LTE": lambda value, other: value <= other,
    "GT": lambda value, other: value > other,
    "GTE": lambda value, other: value >= other,
    "EQ": lambda value, other: value == other,
    "NEQ": lambda value, other: value != other,
}


def search(
    records: Iterable[Record],
    kind: str,
    properties: Mapping[str, Property],
    body: dict[str, Any],
    at: int,
) -> list[Record]:
    """All records that a search finds, in its order; as told ``at`` an instant.

    The order is that of creation unless the search names another; equal ones go by id.
    """
    groups = body.get("filterGroups") or []
    sizes = [len(group.get("filters") or []) for group in groups]
    if (
        len(groups) > MOST_GROUPS
        or sum(sizes) > MOST_FILTERS
        or max(sizes, default=0) > MOST_IN_GROUP
    ):
        raise invalid(
            f"too many filters: at most {MOST_GROUPS} filterGroups, {MOST_IN_GROUP} filters in "
            f"each and {MOST_FILTERS} in all",
        )
    tests = [[_test(properties, wish) for wish in group.get("filters") or []] for group in groups]
    if body.get("query"):
        words = str(body["query"]).lower()
        tests = [[*group, _says(words)] for group in tests or [[]]]
    found = [
        record
        for record in records
        if not tests or any(all(test(record, at) for test in group) for group in tests)
    ]
    name, is_descending = _sort(kind, body.get("sorts") or [])
    type_ = _known(properties, name)

    def order(record: Record) -> tuple[bool, Any, int]:
        value = _value(record, name, type_, at)
        return value is not None, 0 if value is None else value, record.id

    return sorted(found, key=order, reverse=is_descending)


def _sort(kind: str, sorts: list[Any]) -> tuple[str, bool]:
    if len(sorts) > 1:
        raise invalid("only one sort is allowed")
    if not sorts:
        return CREATED[kind], False
    [sort] = sorts
    if isinstance(sort, str):
        name, is_descending = sort.removeprefix("-"), sort.startswith("-")
    else:
        name, is_descending = sort.get("propertyName", ""), sort.get("direction") == "DESCENDING"
    return name, is_descending


def _test(properties: Mapping[str, Property], wish: dict[str, Any]) -> Test:
    """One filter as a test. A record without a value passes NOT_HAS_PROPERTY only."""
    name, operator = wish.get("propertyName", ""), wish.get("operator", "")
    type_ = _known(properties, name)
    if operator == "HAS_PROPERTY":
        return lambda record, at: _value(record, name, type_, at) is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda record, at: _value(record, name, type_, at) is None
    if operator in ("IN", "NOT_IN"):
        # the values are taken as they are: of strings, only lower-case ones find anything
        among = {_given(name, type_, value, is_lowered=False) for value in wish.get("values") or []}
        is_in = operator == "IN"
        return _present(name, type_, lambda value: (value in among) == is_in)
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        pattern = re.escape(str(wish.get("value", "")).lower()).replace(r"\*", r"\w*")
        token = re.compile(rf"(?<!\w){pattern}(?!\w)")
        is_wanted = operator == "CONTAINS_TOKEN"
        return _present(
            name, type_, lambda value: bool(token.search(str(value).lower())) == is_wanted
        )
    if operator == "BETWEEN":
        low, high = (_given(name, type_, wish.get(key)) for key in ("value", "highValue"))
        return _present(name, type_, lambda value: low <= value <= high)
    if operator not in _COMPARISONS:
        raise invalid(f"operator {operator} is not known")
    compare, other = _COMPARISONS[operator], _given(name, type_, wish.get("value"))
    return _present(name, type_, lambda value: compare(value, other))


def _present(name: str, type_: str, test: Callable[[Any], bool]) -> Test:
    def tested(record: Record, at: int) -> bool:
        value = _value(record, name, type_, at)
        return value is not None and test(value)

    return tested


def _says(words: str) -> Test:
    def tested(record: Record, at: int) -> bool:
        return any(words in record.value(name, at).lower() for name in _SEARCHED)

    return tested


def _known(properties: Mapping[str, Property], name: str) -> str:
    """The type of a property."""
    if name not in properties:
        raise invalid(f"There was a problem: property {name} is unknown")
    return properties[name].type


def _given(name: str, type_: str, value: Any, *, is_lowered: bool = True) -> Any:
    """A filter's value as it is compared: an instant or a date is milliseconds as text."""
    try:
        if type_ in ("datetime", "date"):
            return int(value)
        if type_ == "number":
            return float(value)
    except (TypeError, ValueError) as error:
        raise invalid(f"{value!r} is not a valid value of the {type_} {name}") from error
    text = str(value)
    return text.lower() if type_ == "string" and is_lowered else text


def _value(record: Record, name: str, type_: str, at: int) -> Value:
    """A record's value as it is compared: strings in lower case, enumerations as they are."""
    if name == "hs_object_id":
        return record.id
    if name == CREATED[record.kind]:
        return record.created
    if name == MODIFIED[record.kind]:
        return record.modified(at)
    text = record.value(name, at)
    if not text:
        return None
    if type_ in ("datetime", "date"):
        return as_ms(text)
    if type_ == "number":
        return float(text)
    return text.lower() if type_ == "string" else text
