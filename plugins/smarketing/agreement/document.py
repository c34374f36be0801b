"""A YAML file as a tree that remembers its lines.

The agreement uses the plain part of YAML: mappings, lists, text, numbers, true and false, and
dates. What surprises readers (tabs, anchors, tags, ``no`` read as false, ``9:30`` read as 570)
is refused or taken as the text it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from smarketing.agreement.faults import AgreementError, Fault, Location, spell

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

Scalar = str | int | float | bool | date | None
Plain = Scalar | tuple["Plain", ...] | dict[str, "Plain"]

_INTEGER = re.compile(r"[-+]?\d{1,15}")
_DECIMAL = re.compile(r"[-+]?\d{1,15}\.\d{1,15}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# in double quotes YAML spells any character: NUL, which no database stores, the escape that
# commands terminals, halves of a pair (surrogates), marks that turn the direction of reading
_UNPRINTABLE = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL = ("a control character", "printable text", "delete the character")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True)
class Node:
    """A value of the file, its line (from 1; that of its key, if it has one), and its place.

    ``get``, ``entries`` and ``items`` forgive: asked of a value of another kind they find
    nothing, so that a check can go on past a clause that is itself at fault.
    """

    value: Scalar | dict[str, Node] | list[Node]
    line: int
    location: Location

    def get(self, *keys: str) -> Node | None:
        """The value under these keys, one inside the other, if there is one."""
        node = self
        for key in keys:
            if not isinstance(node.value, dict) or key not in node.value:
                return None
            node = node.value[key]
        return node

    def entries(self, *keys: str) -> dict[str, Node]:
        """The entries of the mapping under these keys."""
        node = self.get(*keys)
        return node.value if node and isinstance(node.value, dict) else {}

    def items(self, *keys: str) -> list[Node]:
        """The items of the list under these keys."""
        node = self.get(*keys)
        return node.value if node and isinstance(node.value, list) else []

    def text(self, *keys: str) -> str | None:
        """The text under these keys, trimmed."""
        node = self.get(*keys)
        return node.value.strip() if node and isinstance(node.value, str) else None

    def plain(self) -> Plain:
        """The value without its lines; lists become tuples."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return tuple(child.plain() for child in self.value)
        return self.value

    def nearest(self, location: Location) -> Node:
        """The deepest node on the way to ``location``; steps that the file lacks are skipped."""
        node = self
        for key in location:
            if isinstance(node.value, dict) and isinstance(key, str):
                node = node.value.get(key, node)
            elif isinstance(node.value, list) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
        return node

    def fault(self, file: Path, found: str, expected: str, remedy: str) -> Fault:
        """A fault of this node."""
        return Fault(file, self.line, spell(self.location), found, expected, remedy)


def read_document(file: Path) -> tuple[Node, list[Fault]]:
    """Read one YAML file: its tree, and what in it is not plain YAML.

    Raises ``AgreementError`` where the syntax itself is broken, since nothing after that place
    can be told apart.
    """
    text = _read_text(file)
    reader = _Reader(file, text)
    try:
        return reader.document(), reader.faults
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        broken = Fault(file, line, "", *_CONTROL)
        raise AgreementError([*reader.faults, broken]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        broken = Fault(
            file,
            mark.line + 1 if mark else None,
            "",
            f"something that is not YAML ({error.problem or error.context})",
            "'key: value' lines and '- item' lines, indented alike",
            "check this line and the one before it for indentation, quotes, brackets and colons",
        )
        raise AgreementError([*reader.faults, broken]) from error


def _read_text(file: Path) -> str:
    def refuse(line: int | None, found: str, expected: str, remedy: str) -> AgreementError:
        return AgreementError([Fault(file, line, "", found, expected, remedy)])

    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(
            None,
            f"a file that cannot be read ({error.strerror})",
            "a readable YAML file",
            "check that it is a file and who may read it",
        ) from error
    if len(content) > MAX_BYTES:
        raise refuse(
            None,
            f"more than {MAX_BYTES:,} bytes",
            "a contract of a few pages",
            "check that this is the right file",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse(
            content.count(b"\n", 0, error.start) + 1,
            f"a byte that is not UTF-8 (0x{content[error.start]:02x})",
            "text in UTF-8",
            "save the file with the encoding UTF-8",
        ) from error
    if "\t" in text:
        raise refuse(
            text.count("\n", 0, text.index("\t")) + 1,
            "a tab",
            "spaces only, since YAML does not indent by tabs",
            "replace every tab by spaces",
        )
    return text


class _Reader:
    """Turns the parser's events into nodes, and notes what it refuses on the way."""

    def __init__(self, file: Path, text: str) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)

    def document(self) -> Node:
        event = next(self._events)
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            nothing = Node(None, 1, ())
            self._refuse(nothing, "an empty file", "an agreement", "write it, or remove the file")
            return nothing
        node = self._node(event, (), _line(event))
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._refuse(
                    Node(None, _line(event), ()),
                    "a second document (after '---')",
                    "one version a file",
                    "move it to a file of its own",
                )
                break
        return node

    def _node(self, event: Any, location: Location, line: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            alias = Node(None, line, location)
            self._refuse(alias, f"the alias '*{event.anchor}'", "the text itself", "write it out")
            return alias
        node = Node(self._value(event, location), line, location)
        if isinstance(event, yaml.ScalarEvent) and _UNPRINTABLE.search(event.value):
            self._refuse(node, *_CONTROL)
        if event.anchor:
            self._refuse(
                node, f"the anchor '&{event.anchor}'", "no anchors or aliases", "remove it"
            )
        if event.tag:
            self._refuse(node, f"the tag '{event.tag}'", "no tags", "remove it")
        if node.value is None and location:
            self._refuse(node, "nothing", "something to stand here", "fill it in, or remove it")
        return node

    def _value(self, event: Any, location: Location) -> Scalar | dict[str, Node] | list[Node]:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if len(location) >= MAX_DEPTH:
            self._refuse(
                Node(None, _line(event), location[:3]),
                f"entries nested more than {MAX_DEPTH} deep",
                "a contract that people can read",
                "check the brackets and the indentation",
            )
            raise AgreementError(self.faults)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(location)
        return self._sequence(location)

    def _sequence(self, location: Location) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*location, len(items)), _line(event)))
        return items

    def _mapping(self, location: Location) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(
                    Node(None, line, location),
                    "a key that is not a word",
                    "'key: value'",
                    "write the key as plain text",
                )
                raise AgreementError(self.faults)
            key = event.value.strip()
            if _UNPRINTABLE.search(key):
                self._refuse(Node(None, line, location), *_CONTROL)
                raise AgreementError(self.faults)
            node = self._node(next(self._events), (*location, key), line)
            if key in entries:
                self._refuse(
                    node,
                    f"'{key}' a second time",
                    f"each key once (the first is on line {entries[key].line})",
                    "remove or rename one of the two",
                )
            entries[key] = node
        return entries

    def _refuse(self, node: Node, found: str, expected: str, remedy: str) -> None:
        self.faults.append(node.fault(self._file, found, expected, remedy))


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text = _UNPRINTABLE.sub("", event.value)
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    return text
