"""Whether the clauses of one agreement fit together.

Works on the file's tree and passes over whatever is malformed there, so that a fault in the form
of one clause does not hide a contradiction in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from smarketing.agreement.contract import DIMENSIONS
from smarketing.agreement.document import Node
from smarketing.agreement.faults import Fault


def inconsistencies(contract: Node, file: Path) -> Iterator[Fault]:
    """Every clause that contradicts another, or names something that is not there."""
    yield from _calendars(contract, file)
    yield from _stages(contract, file)
    yield from _mappings(contract, file)
    yield from _qualification(contract, file)
    yield from _commitments(contract, file)


def _names(stages: Iterable[Node]) -> list[str]:
    return [name for stage in stages if (name := stage.text("stage"))]


def _path(contract: Node) -> list[str]:
    return _names(contract.items("stages", "path"))


def _detours(contract: Node) -> list[str]:
    return _names(contract.items("stages", "detours"))


def _repeated(clauses: Iterable[Node], key: str) -> Iterator[tuple[Node, str, Node]]:
    """Where ``key`` names what an earlier clause named: the place, the name, the earlier place."""
    seen: dict[str, Node] = {}
    for clause in clauses:
        place = clause.get(key)
        if place is None or not (name := place.text()):
            continue
        if first := seen.get(name):
            yield place, name, first
        seen.setdefault(name, place)


def _one_of(names: Iterable[str]) -> str:
    return f"say one of: {', '.join(names)}"


def _calendars(contract: Node, file: Path) -> Iterator[Fault]:
    default = contract.get("default_calendar")
    calendars = contract.entries("calendars")
    if default and calendars and (name := default.text()) and name not in calendars:
        yield default.fault(file, f"'{name}'", "a calendar of this agreement", _one_of(calendars))


def _stages(contract: Node, file: Path) -> Iterator[Fault]:
    stages = contract.items("stages", "path") + contract.items("stages", "detours")
    for place, name, first in _repeated(stages, "stage"):
        yield place.fault(
            file,
            f"the stage '{name}' a second time",
            f"each stage once (the first is on line {first.line})",
            "remove or rename one of the two",
        )
    handoff = contract.get("handoff", "stage")
    if handoff:
        yield from _on_path(handoff, contract, file)


def _on_path(reference: Node, contract: Node, file: Path) -> Iterator[Fault]:
    name, path = reference.text(), _path(contract)
    if not name or not path or name in path:
        return
    found = f"the detour '{name}'" if name in _detours(contract) else f"the stage '{name}'"
    yield reference.fault(file, found, "a stage on the path", _one_of(path))


def _mappings(contract: Node, file: Path) -> Iterator[Fault]:
    systems = [name for node in contract.items("systems") if (name := node.text())]
    stages = _path(contract) + _detours(contract)
    for system, mapping in contract.entries("mappings").items():
        if systems and system not in systems:
            yield mapping.fault(
                file, f"the system '{system}'", "a system of this agreement", _one_of(systems)
            )
        mapped: dict[str, Node] = {}
        for stage, values in mapping.entries().items():
            if stages and stage not in stages:
                yield values.fault(
                    file, f"the stage '{stage}'", "a stage of this agreement", _one_of(stages)
                )
            for value in values.items():
                if not (text := value.text()):
                    continue
                if first := mapped.get(text.lower()):
                    yield value.fault(
                        file,
                        f"'{text}' a second time",
                        f"each value of '{system}' under one stage (the first is on line "
                        f"{first.line}, under '{first.location[-2]}'; case does not matter)",
                        "remove one of the two",
                    )
                mapped.setdefault(text.lower(), value)


def _qualification(contract: Node, file: Path) -> Iterator[Fault]:
    rules = contract.items("qualification")
    for place, name, first in _repeated(rules, "name"):
        yield place.fault(
            file,
            f"the rule '{name}' a second time",
            f"each name once (the first is on line {first.line})",
            "give one of the two another name",
        )
    for rule in rules:
        if stage := rule.get("stage"):
            yield from _on_path(stage, contract, file)


def _commitments(contract: Node, file: Path) -> Iterator[Fault]:
    commitments = contract.items("commitments")
    yield from _both_sides(contract, file)
    for place, identifier, first in _repeated(commitments, "id"):
        yield place.fault(
            file,
            f"the commitment '{identifier}' a second time",
            f"each id once (the first is on line {first.line})",
            "give one of the two another id",
        )
    for commitment in commitments:
        for key in ("stage", "from", "to"):
            if reference := commitment.get(key):
                yield from _on_path(reference, contract, file)
        yield from _order(commitment, contract, file)
        yield from _segments(commitment, file)


def _both_sides(contract: Node, file: Path) -> Iterator[Fault]:
    commitments = contract.get("commitments")
    if commitments is None:
        return
    promising = {commitment.text("party") for commitment in commitments.items()}
    for party in ("marketing", "sales"):
        if party not in promising:
            yield commitments.fault(
                file,
                f"no commitment of {party}",
                "a promise from each side",
                f"add one with 'party: {party}'",
            )


def _order(commitment: Node, contract: Node, file: Path) -> Iterator[Fault]:
    path = _path(contract)
    start, end = commitment.get("from"), commitment.get("to")
    if not start or not end:
        return
    first, last = start.text(), end.text()
    if first in path and last in path and path.index(first) >= path.index(last):
        yield start.fault(
            file,
            f"'{first}' to '{last}'",
            f"a way forward on the path ({', '.join(path)})",
            "let 'from' name the earlier stage and 'to' the later one",
        )


def _segments(commitment: Node, file: Path) -> Iterator[Fault]:
    whole = _direction(commitment)
    seen: set[tuple[str, str | None]] = set()
    for segment in commitment.items("segments"):
        dimensions = [name for name in DIMENSIONS if segment.text(name)]
        if len(dimensions) != 1:
            yield segment.fault(
                file,
                f"a segment by {' and '.join(dimensions) or 'nothing'}",
                f"one of {', '.join(DIMENSIONS)}",
                "say which part of the leads the target is for, by one of them",
            )
            continue
        part = (dimensions[0], segment.text(dimensions[0]))
        if part in seen:
            yield segment.fault(
                file,
                f"{part[0]} '{part[1]}' a second time",
                "each segment of a commitment once",
                "remove one of the two",
            )
        seen.add(part)
        target = segment.get("target")
        if target and whole and (own := _direction(segment)) and own != whole:
            yield target.fault(
                file,
                f"'{own}'",
                f"'{whole}', as in the commitment's own target",
                f"say '{whole} ...', or write a commitment of its own",
            )


def _direction(clause: Node) -> str | None:
    target = clause.text("target") or ""
    return next((words for words in ("at least", "at most") if target.startswith(words)), None)
