"""Whether the clauses of one agreement fit together.

Works on the file's tree and passes over whatever is malformed there, so that a fault in the form
of one clause does not hide a contradiction in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from smarketing.agreement.commitments import OF_HANDOFFS, Commitment, Dimension
from smarketing.agreement.document import Node
from smarketing.agreement.faults import Fault
from smarketing.agreement.qualification import TESTS, LeadField

# how each metric may be cut
_DIMENSIONS: dict[str, tuple[Dimension, ...]] = {
    get_args(model.model_fields["metric"].annotation)[0]: model.dimensions
    for model in get_args(get_args(Commitment)[0])
}
_NO_POINTS = ("no points", "'fit', 'engagement', or both", "say how many points for which")
# the clause of the handoff without which a metric has nothing to measure by
_MEASURED_BY = {
    "response": "response",
    "attempts": "attempts",
    "acceptance": "acceptance",
    "worked": "touches",
}


def inconsistencies(contract: Node, file: Path) -> Iterator[Fault]:
    """Every clause that contradicts another, or names something that is not there."""
    yield from _calendars(contract, file)
    yield from _alike(contract, file)
    yield from _stages(contract, file)
    yield from _mappings(contract, file)
    yield from _qualification(contract, file)
    yield from _scores(contract, file)
    yield from _buyers(contract, file)
    yield from _handoff(contract, file)
    yield from _commitments(contract, file)


def _names(stages: Iterable[Node]) -> list[str]:
    return [name for stage in stages if (name := stage.text("stage"))]


def _path(contract: Node) -> list[str]:
    return _names(contract.items("stages", "path"))


def _detours(contract: Node) -> list[str]:
    return _names(contract.items("stages", "detours"))


def _repeated(
    clauses: Iterable[Node], key: str, file: Path, *, what: str, once: str, remedy: str
) -> Iterator[Fault]:
    """Where ``key`` names what an earlier clause named; ``what`` is called by that name."""
    seen: dict[str, Node] = {}
    for clause in clauses:
        place = clause.get(key)
        if place is None or not (name := place.text()):
            continue
        if first := seen.get(name):
            yield place.fault(
                file,
                f"{what} '{name}' a second time",
                f"each {once} once (the first is on line {first.line})",
                remedy,
            )
        seen.setdefault(name, place)


def _one_of(names: Iterable[str]) -> str:
    known = ", ".join(names)
    return f"say one of: {known}" if known else "remove it: there is none"


def _calendars(contract: Node, file: Path) -> Iterator[Fault]:
    calendars = contract.entries("calendars")
    members = [*contract.entries("teams").values(), *contract.entries("regions").values()]
    for place in (contract.get("default_calendar"), *(each.get("calendar") for each in members)):
        if place and calendars and (name := place.text()) and name not in calendars:
            yield place.fault(file, f"'{name}'", "a calendar of this agreement", _one_of(calendars))


def _alike(contract: Node, file: Path) -> Iterator[Fault]:
    """Names that differ in case alone: what the systems say is matched without regard to it."""
    personas = [node for each in contract.items("personas") if (node := each.get("persona"))]
    for kind, named in (
        ("team", contract.entries("teams").items()),
        ("region", contract.entries("regions").items()),
        ("persona", [(name, node) for node in personas if (name := node.text())]),
        ("channel", [(name, node) for node in contract.items("channels") if (name := node.text())]),
    ):
        seen: dict[str, str] = {}
        for name, place in named:
            first = seen.setdefault(name.lower(), name)
            if first != name:
                yield place.fault(
                    file,
                    f"the {kind} '{name}' beside '{first}'",
                    f"each {kind} once (case does not matter)",
                    "remove or rename one of the two",
                )


def _stages(contract: Node, file: Path) -> Iterator[Fault]:
    stages = contract.items("stages", "path") + contract.items("stages", "detours")
    yield from _repeated(
        stages,
        "stage",
        file,
        what="the stage",
        once="stage",
        remedy="remove or rename one of the two",
    )


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
    yield from _repeated(
        rules,
        "name",
        file,
        what="the rule",
        once="name",
        remedy="give one of the two another name",
    )
    for rule in rules:
        if stage := rule.get("stage"):
            yield from _on_path(stage, contract, file)
        yield from _one_test(rule, file)
        points = rule.get("points")
        if points and points.value == {}:
            yield points.fault(file, *_NO_POINTS)
    known = [named for rule in rules if (named := rule.text("name"))]
    for place in contract.items("ideal_customer", "rules"):
        if (shown := place.text()) and shown not in known:
            yield place.fault(
                file, f"the rule '{shown}'", "a rule under 'qualification'", _one_of(known)
            )


def _scores(contract: Node, file: Path) -> Iterator[Fault]:
    rules = contract.items("qualification")
    yield from _repeated(
        contract.items("scores"),
        "stage",
        file,
        what="the threshold of",
        once="stage",
        remedy="write both points into one entry",
    )
    for threshold in contract.items("scores"):
        if not threshold.get("fit") and not threshold.get("engagement"):
            yield threshold.fault(file, *_NO_POINTS)
        if stage := threshold.get("stage"):
            yield from _on_path(stage, contract, file)
        yield from _reachable(threshold, rules, contract, file)


def _one_test(rule: Node, file: Path) -> Iterator[Fault]:
    asked = [test for test in ("any_of", "sql", *TESTS) if rule.get(test)]
    if len(asked) != 1:
        yield rule.fault(
            file,
            f"a rule that asks {' and '.join(asked) or 'nothing'}",
            f"one of any_of, sql, or a field with {', '.join(TESTS)}",
            "let each rule ask one thing",
        )
        return
    [test] = asked
    field = rule.get("field")
    if (test in TESTS) != (field is not None):
        yield rule.fault(
            file,
            f"'{test}' {'without' if test in TESTS else 'with'} a field",
            f"'field' with {', '.join(TESTS)}, and with nothing else",
            "add 'field:'" if test in TESTS else "remove 'field'",
        )
    elif field and (test == "between") and field.text() != "score":
        yield field.fault(
            file, f"'between' for '{field.text()}'", "a field that is a number", "say 'score'"
        )
    elif field and test == "compared" and field.text() == "score":
        yield field.fault(
            file, "'compared' for 'score'", "a field that is text", "use 'between' for the score"
        )
    elif field and test == "compared" and (words := rule.text(test)):
        # the score is the one number, and nothing else can be compared with it
        others = [name for name in get_args(LeadField) if name not in ("score", field.text())]
        if (other := words.split()[-1]) not in others:
            place = rule.get(test) or rule
            yield place.fault(file, f"'{other}'", "another field that is text", _one_of(others))


def _reachable(
    threshold: Node, rules: Iterable[Node], contract: Node, file: Path
) -> Iterator[Fault]:
    path, stage = _path(contract), threshold.text("stage")
    if stage not in path:
        return
    for kind in ("fit", "engagement"):
        needed = threshold.get(kind)
        if needed is None or not isinstance(needed.value, int):
            continue
        given = [
            brought.get(kind) or brought
            for rule in rules
            if (brought := rule.get("points")) and (brought.get(kind) or not brought.entries())
        ]
        points = [each.value for each in given if isinstance(each.value, int) and each.value > 0]
        # a number that is itself at fault makes no threshold wrong
        if len(points) == len(given) and sum(points) < needed.value:
            yield needed.fault(
                file,
                f"{needed.value} points for {kind}",
                f"at most the {sum(points)} that all rules bring together",
                "lower it, or give rules more points: as it stands no lead can pass",
            )


def _buyers(contract: Node, file: Path) -> Iterator[Fault]:
    yield from _repeated(
        contract.items("personas"),
        "persona",
        file,
        what="the persona",
        once="persona",
        remedy="remove one of the two",
    )
    stages, personas = _path(contract), _personas(contract)
    tables = contract.entries("lead_values", "by_persona")
    for persona, table in tables.items():
        if personas and persona not in personas:
            yield table.fault(
                file, f"the persona '{persona}'", "a persona of this agreement", _one_of(personas)
            )
    everybody_else = contract.get("lead_values", "otherwise")
    for values in (*tables.values(), *([everybody_else] if everybody_else else [])):
        for stage, worth in values.entries().items():
            if stages and stage not in stages:
                yield worth.fault(
                    file, f"the stage '{stage}'", "a stage on the path", _one_of(stages)
                )


def _personas(contract: Node) -> list[str]:
    return [name for each in contract.items("personas") if (name := each.text("persona"))]


def _handoff(contract: Node, file: Path) -> Iterator[Fault]:
    stage = contract.get("handoff", "stage")
    if stage:
        yield from _on_path(stage, contract, file)
    acceptance = contract.get("handoff", "acceptance")
    if acceptance and _ends_at_handoff(contract):
        yield acceptance.fault(
            file,
            "a clock that starts at the end of the path, and stops above it",
            "a stage above the handoff, entered when sales accepts",
            "hand over at an earlier stage, or remove the clock",
        )
    for name in ("response", "attempts"):
        clock = contract.get("handoff", name)
        if clock and not _touched(contract):
            yield clock.fault(
                file,
                "a clock that nothing stops",
                "'touches' beside it: what counts as a touch",
                "add 'touches:', like 'touches: {call: any, email: any, meeting: [held]}'",
            )
    excuses = {
        text.lower() for each in contract.items("handoff", "excuses") if (text := each.text())
    }
    for place in contract.items("handoff", "rejection_reasons"):
        if (reason := place.text()) and reason.lower() in excuses:
            yield place.fault(
                file,
                f"'{reason}' as a rejection and as an excuse",
                "each reason to be one or the other: a rejection stops the clock of the decision, "
                "an excuse takes the lead out of every count",
                "remove one of the two",
            )


def _ends_at_handoff(contract: Node) -> bool:
    return _path(contract)[-1:] == [contract.text("handoff", "stage")]


def _touched(contract: Node) -> bool:
    """Whether the handoff says what shows that a lead was worked."""
    moves = contract.get("handoff", "forward_move_counts")
    return bool(contract.entries("handoff", "touches")) or (moves is not None and bool(moves.value))


def _commitments(contract: Node, file: Path) -> Iterator[Fault]:
    commitments = contract.items("commitments")
    yield from _both_sides(contract, file)
    yield from _one_currency(contract, file)
    yield from _repeated(
        commitments,
        "id",
        file,
        what="the commitment",
        once="id",
        remedy="give one of the two another id",
    )
    for commitment in commitments:
        for key in ("stage", "from", "to"):
            if reference := commitment.get(key):
                yield from _on_path(reference, contract, file)
        yield from _order(commitment, contract, file)
        yield from _measurable(commitment, contract, file)
        yield from _segments(commitment, contract, file)


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


def _measurable(commitment: Node, contract: Node, file: Path) -> Iterator[Fault]:
    metric = commitment.get("metric")
    if metric is None:
        return
    name = metric.text() or ""
    clause = _MEASURED_BY.get(name)
    by_touches = clause == "touches" and _touched(contract)
    if clause and not by_touches and not contract.get("handoff", clause):
        yield metric.fault(
            file,
            f"'{name}' without anything to measure it by",
            f"'{clause}' under 'handoff'",
            f"add 'handoff: {clause}:', or remove the commitment",
        )
    if name == "value":
        yield from _valued(commitment, metric, contract, file)
    if commitment.text("judged_by") == "acceptance" and _ends_at_handoff(contract):
        yield metric.fault(
            file,
            "acceptance after the last stage of the path",
            "a stage above the handoff, entered when sales accepts",
            "hand over at an earlier stage, or judge by rules",
        )
    by_rules = name == "quality" and commitment.text("judged_by") == "rules"
    if by_rules or ((only := commitment.get("only_qualified")) and only.value is True):
        stage = contract.text("handoff", "stage") if by_rules else commitment.text("stage")
        if stage and not any(
            rule.text("stage") == stage and rule.text("severity") == "critical"
            for rule in contract.items("qualification")
        ):
            yield metric.fault(
                file,
                f"no critical rule for '{stage}'",
                "a rule under 'qualification' to judge by",
                f"add one with 'stage: {stage}' and 'severity: critical'",
            )


def _valued(commitment: Node, metric: Node, contract: Node, file: Path) -> Iterator[Fault]:
    if not contract.get("lead_values"):
        yield metric.fault(
            file, "'value' without a table of values", "'lead_values'", "add 'lead_values:'"
        )
        return
    tables = contract.entries("lead_values", "by_persona").values()
    valued = {stage for table in tables for stage in table.entries()}
    valued |= contract.entries("lead_values", "otherwise").keys()
    stage = commitment.get("stage")
    if stage and stage.text() in _path(contract) and stage.text() not in valued:
        yield stage.fault(
            file,
            f"the stage '{stage.text()}', in which no lead is worth anything",
            "a stage with a value under 'lead_values'",
            "give it one there, or choose another stage",
        )


def _one_currency(contract: Node, file: Path) -> Iterator[Fault]:
    """Sums stand side by side, and against what was spent: none is converted."""
    promised = [
        target
        for commitment in contract.items("commitments")
        if commitment.text("metric") in ("value", "revenue", "pipeline")
        for clause in (commitment, *commitment.items("segments"))
        if (target := clause.get("target"))
    ]
    values = contract.get("lead_values", "currency")
    first: tuple[str, int] | None = None
    for place in (*([values] if values else []), *promised):
        match = re.search(r"(?:^| )([A-Z]{3})$", str(place.value).strip())
        if match is None:
            continue
        currency, line = first = first or (match[1], place.line)
        if match[1] != currency:
            yield place.fault(
                file,
                f"'{place.value}'",
                f"every sum in {currency}, as on line {line}",
                f"say it in {currency}",
            )


def _segments(commitment: Node, contract: Node, file: Path) -> Iterator[Fault]:
    whole = _direction(commitment)
    allowed = _DIMENSIONS.get(commitment.text("metric") or "", OF_HANDOFFS)
    seen: set[tuple[str, str]] = set()
    for segment in commitment.items("segments"):
        dimensions = [name for name in OF_HANDOFFS if segment.get(name)]
        if len(dimensions) != 1 or dimensions[0] not in allowed:
            yield segment.fault(
                file,
                f"a segment by {' and '.join(dimensions) or 'nothing'}",
                f"one of {', '.join(allowed)}",
                "say which part of the whole the number is for, by one of them",
            )
            continue
        [dimension] = dimensions
        place = segment.get(dimension) or segment
        if not (value := place.text()):
            continue
        known = _parts(dimension, contract)
        if known and value.lower() not in {each.lower() for each in known}:
            yield place.fault(
                file,
                f"the {dimension} '{value}'",
                f"a {dimension} of this agreement",
                _one_of(known),
            )
        if (dimension, value.lower()) in seen:
            yield segment.fault(
                file,
                f"{dimension} '{value}' a second time",
                "each segment of a commitment once (case does not matter)",
                "remove one of the two",
            )
        seen.add((dimension, value.lower()))
        promised = segment.get("target") or segment.get("objective")
        if promised and whole and (own := _direction(segment)) and own != whole:
            yield promised.fault(
                file,
                f"'{own}'",
                f"'{whole}', as in the commitment itself",
                f"say '{whole} ...', or write a commitment of its own",
            )


def _parts(dimension: str, contract: Node) -> list[str]:
    """The values of a dimension that the agreement names; none: any value will do."""
    match dimension:
        case "persona":
            return _personas(contract)
        case "region":
            return list(contract.entries("regions"))
        case "channel":
            return [name for each in contract.items("channels") if (name := each.text())]
        case "team":
            return [
                team
                for team, clause in contract.entries("teams").items()
                # a team that does not say its side is told for that
                if clause.text("party") != "marketing"
            ]
        case _:
            return []


def _direction(clause: Node) -> str | None:
    promised = clause.text("target") or clause.text("objective") or ""
    return next((words for words in ("at least", "at most") if promised.startswith(words)), None)
