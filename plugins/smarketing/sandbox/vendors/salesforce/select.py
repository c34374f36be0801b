"""Which rows a query finds, and how their values are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from math import ceil, floor
from typing import Any

from smarketing.sandbox.clock import DAY
from smarketing.sandbox.vendors.salesforce.ids import full_id
from smarketing.sandbox.vendors.salesforce.records import Org, Row, Value
from smarketing.sandbox.vendors.salesforce.schema import Field, Schema
from smarketing.sandbox.vendors.salesforce.soql import (
    Compare,
    Condition,
    Given,
    Joined,
    Path,
    Query,
)

_STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_NUMBERS = ("double", "currency", "percent", "int")
_WORDS = ("string", "picklist", "email", "phone", "textarea", "anyType")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, other: value == other,
    "<": lambda value, other: value < other,
    "<=": lambda value, other: value <= other,
    ">": lambda value, other: value > other,
    ">=": lambda value, other: value >= other,
}

Read = Callable[[Row, int], Value]
Test = Callable[[Row, int], bool]


class Selection:
    """A query that fits the org: what it finds at an instant, and how it tells it."""

    def __init__(self, org: Org, schema: Schema, query: Query, *, with_deleted: bool) -> None:
        self._org = org
        self._schema = schema
        self._query = query
        self._with_deleted = with_deleted
        self.object = self._object()
        self.columns = [self._canonical(path) for path in query.columns]
        self._reads = [self._bound(path)[1] for path in query.columns]
        self._types = [self._bound(path)[0].type for path in query.columns]
        self._test = self._tested(query.where) if query.where else None
        self._orders = [(order, self._ordered(order.path)) for order in query.orders]

    @property
    def is_count(self) -> bool:
        """Whether it asks for nothing but the number of rows."""
        return not self.columns

    def find(self, now: int) -> list[Row]:
        """All rows that it finds, in its order; equal ones go by id."""
        found = [
            row
            for row in self._candidates()
            if self.is_seen(row, now) and (self._test is None or self._test(row, now))
        ]
        for order, (field, read) in reversed(self._orders):
            keyed = [(read(row, now), row) for row in found]
            empty = [row for value, row in keyed if value is None]
            full = sorted(
                ((_folded(field, value), row) for value, row in keyed if value is not None),
                key=lambda pair: pair[0],
                reverse=order.is_descending,
            )
            rest = [row for _, row in full]
            found = [*rest, *empty] if order.is_empty_last else [*empty, *rest]
        begin, limit = self._query.offset, self._query.limit
        return found[begin:] if limit is None else found[begin : begin + limit]

    def is_seen(self, row: Row, now: int) -> bool:
        """Whether a row that it found is there."""
        return row.is_seen(now, with_deleted=self._with_deleted)

    def as_json(self, row: Row, now: int, base: str) -> dict[str, Any]:
        """A row as REST tells it; parents are objects of their own."""
        told = _told(row, base)
        for parts in self.columns:
            self._put(told, row, parts, now, base)
        return told

    def as_cells(self, row: Row, now: int) -> list[str]:
        """A row as a line of CSV."""
        return [
            as_cell(type_, read(row, now))
            for type_, read in zip(self._types, self._reads, strict=True)
        ]

    def _object(self) -> str:
        path = self._query.object
        object_ = self._schema.object_named(path.text)
        if object_ is None:
            raise self._query.wrong(path, "INVALID_TYPE", _no_object(path.text))
        return object_

    def _candidates(self) -> Iterable[Row]:
        """The rows that may fit: by stamp or by id, where the query says so, or all."""
        since, until = None, None
        for part in _conjuncts(self._query.where):
            name, kind = part.path.text, part.given[0].kind
            if name.lower() == "id" and part.operator in ("=", "IN"):
                ids = (full_id(str(given.value)) or "" for given in part.given)
                return self._org.rows_of(self.object, ids)
            if kind == "datetime" and name.lower() in {stamp.lower() for stamp in _STAMPS}:
                instant = float(part.given[0].value or 0)
                if part.operator in ("=", ">", ">="):
                    since = max(ceil(instant), since or 0)
                if part.operator in ("=", "<", "<="):
                    until = floor(instant) if until is None else min(floor(instant), until)
        if since is None:
            return self._org.rows(self.object)
        return self._org.stamped(self.object, since, until)

    def _canonical(self, path: Path) -> list[str]:
        """The parts of a path, capitalised as the org does."""
        object_, parts = self.object, []
        for name in path.parts[:-1]:
            reference = self._reference(path, object_, name)
            parts.append(reference.relationship or "")
            object_ = self._parent(reference, path.parts[-1])
        return [*parts, self._field(path, object_, path.parts[-1]).name]

    def _bound(self, path: Path) -> tuple[Field, Read]:
        """The field that a path leads to, and how it is read from a row."""
        object_, steps = self.object, []
        for name in path.parts[:-1]:
            reference = self._reference(path, object_, name)
            steps.append(reference.name)
            object_ = self._parent(reference, path.parts[-1])
        field = self._field(path, object_, path.parts[-1])

        def read(row: Row, now: int) -> Value:
            for step in steps:
                parent = self._org.find(value_of(row, step, now))
                if parent is None:
                    return None
                row = parent
            return read_field(field, row, now)

        return field, read

    def _reference(self, path: Path, object_: str, name: str) -> Field:
        reference = self._schema.reference_named(object_, name)
        if reference is None:
            message = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom "
                "relationship name. Please reference your WSDL or the describe call for the "
                "appropriate names."
            )
            raise self._query.wrong(path, "INVALID_FIELD", message)
        return reference

    def _parent(self, reference: Field, name: str) -> str:
        """The object that a reference leads to: of several, one that has the field."""
        having = [one for one in reference.to if self._schema.field_named(one, name)]
        return having[-1] if having else reference.to[-1]

    def _field(self, path: Path, object_: str, name: str) -> Field:
        field = self._schema.field_named(object_, name)
        if field is None:
            message = (
                f"No such column '{name}' on entity '{object_}'. If you are attempting to use a "
                "custom field, be sure to append the '__c' after the custom field name. Please "
                "reference your WSDL or the describe call for the appropriate names."
            )
            raise self._query.wrong(path, "INVALID_FIELD", message)
        return field

    def _put(self, told: dict[str, Any], row: Row, parts: list[str], now: int, base: str) -> None:
        name, *rest = parts
        if not rest:
            field = self._schema.field_named(row.object, name)
            told[name] = None if field is None else as_json(field, read_field(field, row, now))
            return
        reference = self._schema.reference_named(row.object, name)
        parent = self._org.find(value_of(row, reference.name, now)) if reference else None
        if parent is None:
            told[name] = None
        else:
            told.setdefault(name, _told(parent, base))
            self._put(told[name], parent, rest, now, base)

    def _ordered(self, path: Path) -> tuple[Field, Read]:
        field, read = self._bound(path)
        if not field.is_filterable:
            message = f"field '{path.text}' can not be sorted in a query call"
            raise self._query.wrong(path, "INVALID_FIELD", message)
        return field, read

    def _tested(self, condition: Condition) -> Test:
        if isinstance(condition, Compare):
            return self._compared(condition)
        tests = [self._tested(part) for part in condition.parts]
        if condition.operator == "NOT":
            return lambda row, now: not tests[0](row, now)
        if condition.operator == "AND":
            return lambda row, now: all(test(row, now) for test in tests)
        return lambda row, now: any(test(row, now) for test in tests)

    def _compared(self, wish: Compare) -> Test:
        field, read = self._bound(wish.path)
        if not field.is_filterable:
            message = f"field '{wish.path.text}' can not be filtered in a query call"
            raise self._query.wrong(wish.path, "INVALID_FIELD", message)
        if (wish.operator == "LIKE" and field.type not in _WORDS) or (
            field.type == "boolean" and wish.operator[0] in "<>"
        ):
            message = f"invalid operator on {field.type} field"
            raise self._query.wrong(wish.path, "INVALID_FIELD", message)
        others = [self._expected(wish.path, field, given) for given in wish.given]
        if wish.operator in ("IN", "NOT IN", "!="):
            # what is empty differs from every value
            is_in, among = wish.operator == "IN", set(others)
            return lambda row, now: (_folded(field, read(row, now)) in among) == is_in
        [other] = others
        if wish.operator == "LIKE":
            pattern = _pattern(str(other))
            return lambda row, now: bool(pattern.fullmatch(_folded(field, read(row, now)) or ""))
        if other is None:
            return lambda row, now: wish.operator == "=" and read(row, now) is None
        compare = _COMPARISONS[wish.operator]

        def test(row: Row, now: int) -> bool:
            value = read(row, now)
            return value is not None and compare(_folded(field, value), other)

        return test

    def _expected(self, path: Path, field: Field, given: Given) -> Value:
        """A value of the query as the field's are compared."""
        if given.kind == "null":
            return None
        if field.type in ("id", "reference"):
            full = full_id(str(given.value)) if given.kind == "string" else None
            if full is None:
                message = f"invalid ID field: {given.value}"
                raise self._query.wrong(path, "INVALID_QUERY_FILTER_OPERATOR", message)
            return full
        kind, name, has_quotes = _expectation(field.type)
        if given.kind != kind:
            should = "should be" if has_quotes else "should not be"
            message = (
                f"value of filter criterion for field '{path.text}' must be of type {name} and "
                f"{should} enclosed in quotes"
            )
            raise self._query.wrong(path, "INVALID_FIELD", message)
        value: Value = _folded(field, given.value)
        return value


def read_field(field: Field, row: Row, now: int) -> Value:
    """A row's value, as the field's type has it."""
    value = value_of(row, field.name, now)
    if field.type == "boolean" and value is None:
        return False
    return _converted(field.type, value) if field.is_converted else value


def value_of(row: Row, name: str, now: int) -> Value:
    """A row's value: given by somebody, kept by Salesforce, or calculated at this instant."""
    if name in _KEPT:
        return _KEPT[name](row, now)
    return row.value(name, now)


def _days_open(row: Row, now: int) -> Value:
    """How long a lead has waited, or had waited when it was converted: no save is needed."""
    ends = now
    for version in row.versions:
        if version.values.get("IsConverted"):
            ends = min(now, version.at)
    return float((ends - row.born) // DAY)


_KEPT: dict[str, Read] = {
    "Id": lambda row, now: row.id,
    "IsDeleted": lambda row, now: row.is_deleted(now),
    "CreatedDate": lambda row, now: row.born,
    "CreatedById": lambda row, now: row.versions[0].by,
    "SystemModstamp": lambda row, now: row.modified(now),
    "LastModifiedDate": lambda row, now: row.modified_by_user(now).at,
    "LastModifiedById": lambda row, now: row.modified_by_user(now).by,
    "Days_Open__c": _days_open,
}


def as_json(field: Field, value: Value) -> Value:
    """A value as REST tells it."""
    if field.type == "datetime" and value is not None:
        return f"{as_text(value)}.000+0000"
    return value


def as_cell(type_: str, value: Value) -> str:
    """A value as CSV tells it; nothing for none."""
    if value is None:
        return ""
    if type_ == "datetime":
        return f"{as_text(value)}.000Z"
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_text(at: Value) -> str:
    """An instant in UTC, to the second, without a zone."""
    assert isinstance(at, int | float)
    return datetime.fromtimestamp(at, UTC).isoformat()[:19]


def _told(row: Row, base: str) -> dict[str, Any]:
    return {"attributes": {"type": row.object, "url": f"{base}/sobjects/{row.object}/{row.id}"}}


def _conjuncts(condition: Condition | None) -> Iterator[Compare]:
    """The comparisons of which none may fail."""
    if isinstance(condition, Compare):
        yield condition
    elif isinstance(condition, Joined) and condition.operator == "AND":
        for part in condition.parts:
            yield from _conjuncts(part)


def _expectation(type_: str) -> tuple[str, str, bool]:
    """The kind of value that goes with a type, its name in refusals, and whether in quotes."""
    if type_ in _NUMBERS:
        return "number", "double", False
    if type_ == "datetime":
        return "datetime", "dateTime", False
    if type_ in ("date", "boolean"):
        return type_, type_, False
    return "string", "string", True


def _folded(field: Field, value: Any) -> Any:
    """A value as it is compared: words whatever their case."""
    return value.lower() if field.type in _WORDS and isinstance(value, str) else value


def _pattern(like: str) -> re.Pattern[str]:
    """``%`` is any text, ``_`` one character, and a backslash takes both for themselves."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", like, flags=re.DOTALL)
    return re.compile("".join(wild.get(part, re.escape(part[-1])) for part in parts), re.DOTALL)


def _converted(type_: str, value: Value) -> Value:
    """A value that was given to a field of another type."""
    if value is None or (type_ in _NUMBERS and isinstance(value, int | float)):
        return value
    if type_ in _NUMBERS:
        return float(str(value)) if re.fullmatch(r"-?\d+(\.\d+)?", str(value)) else None
    return str(value) if type_ in _WORDS else None


def _no_object(name: str) -> str:
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be "
        "sure to append the '__c' after the entity name. Please reference your WSDL or the "
        "describe call for the appropriate names."
    )
