"""What changed between two contents of a contract, clause by clause, in words.

The words follow the form of the content: a clause that a later release adds is told like all
others, and none is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """One thing that changed: its path, the part of the contract it belongs to, and how."""

    path: str
    subject: str
    change: str

    def __str__(self) -> str:
        """``Commitment mql_volume (Marketing): target raised from ... to at least 260 leads``."""
        return f"{self.subject}: {self.change}"


class _Kind(NamedTuple):
    """What an entry of a list or mapping is called, and the clauses that a list knows it by."""

    words: str
    named_by: tuple[str, ...] = ()


_DIMENSIONS = ("persona", "region", "channel", "team", "owner")

_KINDS = {
    "calendars": _Kind("calendar {name}"),
    "seasons": _Kind("{whole}, season from {name}", ("first_day",)),
    "teams": _Kind("team {name}"),
    "regions": _Kind("region {name}"),
    "personas": _Kind("{name}", ("persona",)),
    "path": _Kind("stage {name}", ("stage",)),
    "detours": _Kind("detour {name}", ("stage",)),
    "mappings": _Kind("mapping of {name}"),
    "qualification": _Kind("rule {name}", ("name",)),
    "scores": _Kind("score for {name}", ("stage",)),
    "commitments": _Kind("commitment {name} ({side})", ("id",)),
    "segments": _Kind("{whole}, for {name}", _DIMENSIONS),
    "communication": _Kind("notice ({name})", ("what", "by", "where")),
}

# what a clause stands for where it is left out: an allowance "removed" sounds like all allowed
_UNSAID = {"allowed": "0%"}
# lists that say something else in another order, also where entries come and go
_IN_ORDER = ("systems", "path", "between")

_AMOUNT = re.compile(
    r"(at least |at most )?(\d[\d,]*(?:\.\d+)?)"
    r"(%| [A-Z]{3}| leads?| (?:calendar|business) [a-z]+| hours?| minutes?)"
)
_PLAIN = re.compile(r"[\w@#%&+./:-]*\w")


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """All in which two contents (``Contract.content``) differ, in the order of the new one."""
    return list(_in_mapping(old, new, _Place()))


@dataclass(frozen=True)
class _Place:
    """Where something stands: its path, the part of the contract, and the clauses within it."""

    path: str = ""
    subject: str = ""
    clauses: tuple[str, ...] = ()
    # of what is below, where that is one of many
    kind: _Kind | None = None

    def below(self, key: str, content: Any) -> _Place:
        """The place of a clause, or of an entry by its name."""
        if self.kind:
            side = str(content.get("party")).capitalize()
            subject = self.kind.words.format(name=key, whole=self.subject, side=side)
            return _Place(f"{self.path}[{key}]", subject)
        # a stage may be called like a clause that holds entries, and its values are none
        entries = content.values() if isinstance(content, dict) else content
        has_entries = isinstance(content, dict | list) and all(
            isinstance(entry, dict) for entry in entries
        )
        kind = _KINDS.get(key) if has_entries else None
        if not self.path:
            return _Place(key, _readable(key), (), kind)
        return _Place(f"{self.path}.{key}", self.subject, (*self.clauses, key), kind)

    def told(self, change: str) -> Difference:
        subject = f"{self.subject[:1].upper()}{self.subject[1:]}"
        return Difference(self.path, subject, " ".join([*map(_readable, self.clauses), change]))


def _in_mapping(old: dict[str, Any], new: dict[str, Any], place: _Place) -> Iterator[Difference]:
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key), new.get(key)
        if isinstance(before or after, str):
            before, after = before or _UNSAID.get(key), after or _UNSAID.get(key)
        there = place.below(key, after or before or {})
        if there.kind and (some := before or after):
            # of many, each is told by itself, also where there were none
            before, after = before or type(some)(), after or type(some)()
        if before is None:
            yield there.told(f"added{_in_brackets(after)}")
        elif after is None:
            yield there.told(f"removed{_in_brackets(before)}")
        elif before != after:
            yield from _in_clause(before, after, there)


def _in_clause(old: Any, new: Any, place: _Place) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _in_mapping(old, new, place)
    elif isinstance(old, list) and isinstance(new, list):
        if place.kind and place.kind.named_by:
            yield from _in_entries(old, new, place, place.kind)
        else:
            yield place.told(_change_of_list([*map(_spelled, old)], [*map(_spelled, new)], place))
    else:
        yield place.told(f"{_verb(old, new)} from {_spelled(old)} to {_spelled(new)}")


def _in_entries(old: list[Any], new: list[Any], place: _Place, kind: _Kind) -> Iterator[Difference]:
    before, after = _by_name(old, kind), _by_name(new, kind)
    yield from _in_mapping(before, after, place)
    first, then = list(before), list(after)
    if not place.path.endswith(_IN_ORDER):
        first = [name for name in first if name in after]
        then = [name for name in then if name in before]
    if first != then:
        yield place.told(f"order changed from {_listed(first)} to {_listed(then)}")


def _by_name(entries: list[dict[str, Any]], kind: _Kind) -> dict[str, Any]:
    """The entries by what they are called."""
    named: dict[str, Any] = {}
    for entry in entries:
        name = ", ".join(
            f"{key} {entry[key]}" if key in _DIMENSIONS else str(entry[key])
            for key in kind.named_by
            if key in entry
        )
        while name in named:
            name += ", again"
        named[name] = entry
    return named


def _change_of_list(old: Sequence[str], new: Sequence[str], place: _Place) -> str:
    has_repeats = len({*old}) < len(old) or len({*new}) < len(new)
    if place.path.endswith(_IN_ORDER) or has_repeats or not {*old} & {*new}:
        return f"changed from {_listed(old)} to {_listed(new)}"
    if {*old} == {*new}:
        return f"order changed from {_listed(old)} to {_listed(new)}"
    more = [value for value in new if value not in old]
    less = [value for value in old if value not in new]
    return "; ".join(
        [f"now also {_listed(more)}"] * bool(more) + [f"no longer {_listed(less)}"] * bool(less)
    )


def _verb(old: Any, new: Any) -> str:
    before, after = _amount(old), _amount(new)
    if before is None or after is None or before[1:] != after[1:]:
        return "changed"
    return "raised" if after > before else "lowered"


def _amount(value: Any) -> tuple[Decimal, str, str] | None:
    """A number, its direction and its unit; None of what is no amount."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value)), "", ""
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return match and (
        Decimal(match[2].replace(",", "")),
        match[1] or "",
        match[3].removesuffix("s"),
    )


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return (
            f"({'; '.join(f'{_readable(key)}: {_spelled(each)}' for key, each in value.items())})"
        )
    if isinstance(value, list):
        return _listed([*map(_spelled, value)])
    text = str(value)
    return text if _PLAIN.fullmatch(text) or _AMOUNT.fullmatch(text) else f"“{text}”"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "nothing"


def _in_brackets(value: Any) -> str:
    if value in ({}, []):
        return ""
    return f" {_spelled(value)}" if isinstance(value, dict) else f" ({_spelled(value)})"


def _readable(key: str) -> str:
    return key.replace("_", " ")
