"""What changed between two contents of a contract, clause by clause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

# the keys by which the entries of a list are recognised, so that moving one changes no other.
_IDENTIFIERS = ("id", "name", "stage", "first_day")

NOTHING = "(nothing)"


class Difference(NamedTuple):
    """One clause that changed. ``NOTHING`` stands where a side lacks the clause."""

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old} → {self.new}"


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """The clauses in which two contents (``Contract.content``) differ, in the order of paths."""
    before, after = dict(_clauses(old)), dict(_clauses(new))
    return [
        Difference(path, before.get(path, NOTHING), after.get(path, NOTHING))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def _clauses(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _clauses(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        names = [_name(child, position) for position, child in enumerate(value)]
        yield f"{path} (order)", ", ".join(names)
        for name, child in zip(names, value, strict=True):
            yield from _clauses(child, f"{path}[{name}]")
    elif isinstance(value, list):
        yield path, f"[{', '.join(map(str, value))}]"
    else:
        yield path, str(value)


def _name(entry: dict[str, Any], position: int) -> str:
    return next((entry[key] for key in _IDENTIFIERS if key in entry), str(position))
