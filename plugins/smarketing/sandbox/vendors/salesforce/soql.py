"""SOQL, as far as reading needs it: from a text to what it asks for.

Fields of parents, COUNT(), conditions in brackets, orders, LIMIT and OFFSET are understood; groups,
subqueries and date literals by name are not, and are refused as any other unexpected word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeVar

from smarketing.sandbox.vendors.salesforce.errors import RefusedError, malformed

_TOKENS = re.compile(
    r"""
    (?P<string>'(?:\\.|[^'\\])*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_RESERVED = ("WHERE", "ORDER", "LIMIT", "OFFSET", "FROM", "SELECT", "AND", "OR", "NOT")
MOST_SKIPPED = 2_000

Part = TypeVar("Part")

Kind = Literal["string", "number", "boolean", "null", "date", "datetime"]


class Token(NamedTuple):
    """A word of a query, and where it stands."""

    kind: str
    text: str
    begins: int


class Given(NamedTuple):
    """A value that a query names; an instant is in seconds since 1970."""

    kind: Kind
    value: str | float | bool | None


@dataclass(frozen=True)
class Path:
    """A field, or one of a parent, with where the query names it."""

    text: str
    begins: int

    @property
    def parts(self) -> list[str]:
        """The relationships to follow, and the field."""
        return self.text.split(".")


@dataclass(frozen=True)
class Compare:
    """A field against one value, or several (``IN``, ``NOT IN``)."""

    path: Path
    operator: str
    given: tuple[Given, ...]


@dataclass(frozen=True)
class Joined:
    """Conditions that hold all (``AND``), or one of them (``OR``), or not (``NOT``)."""

    operator: str
    parts: tuple[Condition, ...]


Condition = Compare | Joined


class Order(NamedTuple):
    """One sort."""

    path: Path
    is_descending: bool
    is_empty_last: bool


@dataclass(frozen=True)
class Query:
    """What a query asks for; without ``columns`` the number of rows."""

    text: str
    object: Path
    columns: tuple[Path, ...]
    where: Condition | None
    orders: tuple[Order, ...]
    limit: int | None
    offset: int

    def wrong(self, path: Path, code: str, message: str) -> RefusedError:
        """The refusal of a query for a name in it."""
        return _pointed(self.text, path.begins, code, message)


def parse(text: str) -> Query:
    """Read a query."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0

    def query(self) -> Query:
        self._expect("SELECT")
        columns = self._columns()
        self._expect("FROM")
        object_ = self._path()
        where = self._conditions() if self._takes("WHERE") else None
        orders: tuple[Order, ...] = ()
        if self._takes("ORDER"):
            self._expect("BY")
            orders = tuple(self._list(self._order))
        limit = self._whole_number() if self._takes("LIMIT") else None
        offset = self._whole_number() if self._takes("OFFSET") else 0
        if self._token.kind != "end":
            raise self._unexpected()
        if offset > MOST_SKIPPED:
            message = f"Maximum SOQL offset allowed is {MOST_SKIPPED}"
            raise RefusedError(400, "NUMBER_OUTSIDE_VALID_RANGE", message)
        return Query(self._text, object_, columns, where, orders, limit, offset)

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _columns(self) -> tuple[Path, ...]:
        if self._token.text.upper() == "COUNT":
            self._next += 1
            self._expect("(")
            self._expect(")")
            return ()
        return tuple(self._list(self._path))

    def _list(self, read: Callable[[], Part]) -> Iterator[Part]:
        yield read()
        while self._takes(","):
            yield read()

    def _conditions(self) -> Condition:
        parts, operator = [self._condition()], ""
        while (word := self._token.text.upper()) in ("AND", "OR"):
            if operator not in ("", word):
                # the two are not mixed without brackets
                raise self._unexpected()
            operator = word
            self._next += 1
            parts.append(self._condition())
        return Joined(operator, tuple(parts)) if operator else parts[0]

    def _condition(self) -> Condition:
        if self._takes("NOT"):
            return Joined("NOT", (self._condition(),))
        if self._takes("("):
            inner = self._conditions()
            self._expect(")")
            return inner
        path, word = self._path(), self._token.text.upper()
        self._next += 1
        if word in _COMPARISONS:
            return Compare(path, "!=" if word == "<>" else word, (self._given(),))
        if word == "LIKE":
            return Compare(path, word, (self._given(),))
        if word == "NOT":
            self._expect("IN")
            word = "NOT IN"
        elif word != "IN":
            self._next -= 1
            raise self._unexpected()
        self._expect("(")
        given = tuple(self._list(self._given))
        self._expect(")")
        return Compare(path, word, given)

    def _order(self) -> Order:
        path = self._path()
        is_descending = self._takes("DESC")
        if not is_descending:
            self._takes("ASC")
        is_empty_last = False
        if self._takes("NULLS"):
            is_empty_last = self._takes("LAST")
            if not is_empty_last:
                self._expect("FIRST")
        return Order(path, is_descending, is_empty_last)

    def _given(self) -> Given:
        token = self._token
        self._next += 1
        if token.kind == "string":
            return Given("string", re.sub(r"\\(.)", _unescaped, token.text[1:-1], flags=re.DOTALL))
        if token.kind == "number":
            return Given("number", float(token.text))
        if token.kind == "date":
            return Given("date", token.text)
        if token.kind == "datetime":
            return Given("datetime", datetime.fromisoformat(token.text).timestamp())
        word = token.text.lower()
        if word == "null":
            return Given("null", None)
        if word in ("true", "false"):
            return Given("boolean", word == "true")
        self._next -= 1
        raise self._unexpected()

    def _path(self) -> Path:
        token = self._token
        if token.kind != "word" or token.text.upper() in _RESERVED:
            raise self._unexpected()
        self._next += 1
        return Path(token.text, token.begins)

    def _whole_number(self) -> int:
        token = self._token
        if not token.text.isdigit():
            raise self._unexpected()
        self._next += 1
        return int(token.text)

    def _takes(self, word: str) -> bool:
        is_next = self._token.text.upper() == word and self._token.kind != "string"
        self._next += is_next
        return is_next

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise self._unexpected()

    def _unexpected(self) -> RefusedError:
        token = self._token
        message = f"unexpected token: {token.text or '<EOF>'}"
        return _pointed(self._text, token.begins, "MALFORMED_QUERY", message)


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKENS.finditer(text):
        kind = match.lastgroup or ""
        if kind == "other":
            message = f"line 1:{match.start()} no viable alternative at character '{match[0]}'"
            raise malformed(message)
        if kind != "space":
            yield Token(kind, match[0], match.start())
    yield Token("end", "", len(text))


def _unescaped(match: re.Match[str]) -> str:
    if match[1] in "%_":
        # for LIKE to read
        return match[0]
    return _ESCAPES.get(match[1].lower(), match[1])


def _pointed(text: str, begins: int, code: str, message: str) -> RefusedError:
    """A refusal that points at a place of the query."""
    line = " ".join(text.split("\n"))
    before, after = line[max(0, begins - 40) : begins], line[begins : begins + 40]
    pointer = " " * len(before) + "^"
    place = f"ERROR at Row:1:Column:{begins + 1}"
    return RefusedError(400, code, f"\n{before}{after}\n{pointer}\n{place}\n{message}")
