"""From a folder of YAML files to an agreement, or to everything that is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from smarketing.agreement.consistency import inconsistencies
from smarketing.agreement.contract import Contract
from smarketing.agreement.document import Node, read_document
from smarketing.agreement.faults import AgreementError, Fault, spell
from smarketing.explained import ExplainedError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class UnknownVersionError(ExplainedError):
    """No version is called so; the message lists those that there are."""


@dataclass(frozen=True)
class Version:
    """One version of the agreement and the file that says it, as a tree with lines.

    In force from the start of ``contract.effective_from`` to the start of ``effective_until``
    (exclusive; ``None``: no end yet), both dates in the contract's zone.
    """

    contract: Contract
    file: Path
    document: Node
    effective_until: date | None


@dataclass(frozen=True)
class Agreement:
    """Everything the two teams have signed: the versions in a folder, the earliest first."""

    folder: Path
    versions: tuple[Version, ...]


def read_agreement(folder: Path) -> Agreement:
    """Read every version (``<effective_from>.yml``) in a folder.

    Raises ``AgreementError`` with every fault of every file.
    """
    agreement, faults = examine_agreement(folder)
    if faults:
        raise AgreementError(faults)
    return agreement


def examine_agreement(folder: Path) -> tuple[Agreement, list[Fault]]:
    """The versions of a folder that are good in themselves, and every fault of every file."""
    faults: list[Fault] = []
    documents: dict[Path, Node] = {}
    contracts: dict[Path, Contract] = {}
    try:
        files = _version_files(folder)
    except AgreementError as error:
        return Agreement(folder, ()), error.faults
    for file in files:
        try:
            documents[file], found = read_document(file)
        except AgreementError as error:
            faults += error.faults
            continue
        contract, wrong = _contract(documents[file], file, found)
        faults += wrong
        if contract and not wrong:
            contracts[file] = contract
    faults += _clashes(documents)
    versions = _in_sequence(contracts, documents)
    if not faults:
        faults += _breaks(versions)
    return Agreement(folder, versions), faults


def read_version(file: Path) -> Version:
    """Read one file by itself, a draft perhaps, whatever it is called.

    Raises ``AgreementError`` with every fault of the file.
    """
    document, found = read_document(file)
    contract, faults = _contract(document, file, found)
    if contract is None or faults:
        raise AgreementError(faults)
    return Version(contract, file, document, effective_until=None)


def read_draft(file: Path, folder: Path) -> Version:
    """Read one file as what would follow the versions in a folder.

    Raises ``AgreementError`` with every fault of the file, and where it could not follow them.
    """
    draft = read_version(file)
    *_, newest = read_agreement(folder).versions
    if breaks := list(_breaks((newest, draft))):
        raise AgreementError(breaks)
    return draft


def find_version(wanted: str, folder: Path) -> Version:
    """The version that is meant: a file, or the name or the first day of a version in a folder.

    Raises ``UnknownVersionError``; and ``AgreementError`` with every fault of what was read.
    """
    # a text that is too long for a file's name is none
    with suppress(OSError):
        if Path(wanted).is_file():
            return read_version(Path(wanted))
    versions = read_agreement(folder).versions
    for version in versions:
        if wanted in (version.contract.version, str(version.contract.effective_from)):
            return version
    known = ", ".join(
        f"{version.contract.version} (from {version.contract.effective_from})"
        for version in versions
    )
    raise UnknownVersionError(
        f"'{wanted}' is neither a file nor a version of the agreement: {known}."
    )


def _contract(
    document: Node, file: Path, found: list[Fault]
) -> tuple[Contract | None, list[Fault]]:
    """The contract that a document says, if its form allows, and all that is wrong with it."""
    contract, malformed = None, []
    try:
        contract = Contract.model_validate(document.plain())
    except ValidationError as error:
        malformed = [_fault(detail, document, file) for detail in _told(error.errors())]
    return contract, _one_per_clause(chain(found, malformed, inconsistencies(document, file)))


def _version_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.yml")) if folder.is_dir() else []
    misnamed = sorted(folder.glob("*.yaml"))
    if misnamed:
        raise AgreementError(
            Fault(file, None, "", "the ending '.yaml'", "'.yml'", f"rename it to {file.stem}.yml")
            for file in misnamed
        )
    if not files:
        raise AgreementError(
            [
                Fault(
                    folder,
                    None,
                    "",
                    "no agreement" if folder.is_dir() else "no such folder",
                    "a file for each version, like 2025-04-01.yml",
                    "write the first version, or name the folder that holds it",
                )
            ]
        )
    return files


def _one_per_clause(faults: Iterator[Fault]) -> list[Fault]:
    """The first fault of each clause: what follows from it is no news."""
    first: dict[tuple[int | None, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.line, fault.path), fault)
    return list(first.values())


def _clashes(documents: dict[Path, Node]) -> Iterator[Fault]:
    """Faults between files, and between a file and its name."""
    for key in ("effective_from", "version"):
        claims: dict[Any, list[tuple[Path, Node]]] = defaultdict(list)
        for file, document in documents.items():
            if (node := document.get(key)) and isinstance(node.value, (date, str)):
                claims[node.value].append((file, node))
        for value, (first, *others) in claims.items():
            for file, node in others:
                yield node.fault(
                    file,
                    f"{value}, as in {first[0].name}",
                    "one version a date" if key == "effective_from" else "one name a version",
                    f"change one of the two, or remove {file.name} or {first[0].name}",
                )
    for file, document in documents.items():
        node = document.get("effective_from")
        if node and isinstance(node.value, date) and file.stem != str(node.value):
            yield node.fault(
                file,
                f"{node.value} in a file called {file.name}",
                "the file to be called after the date",
                f"rename it to {node.value}.yml, or correct the date",
            )


def _in_sequence(
    contracts: dict[Path, Contract], documents: dict[Path, Node]
) -> tuple[Version, ...]:
    ordered = sorted(contracts.items(), key=lambda entry: entry[1].effective_from)
    return tuple(
        Version(contract, file, documents[file], after[1].effective_from if after else None)
        for (file, contract), after in zip_longest(ordered, ordered[1:])
    )


def _breaks(versions: Sequence[Version]) -> Iterator[Fault]:
    """What no number can follow from one version to the next: another zone, another path.

    Periods of two zones overlap or leave gaps, and ranks of two paths cannot be compared.
    """
    for before, after in pairwise(versions):
        for clause, old, new in (
            (("zone",), before.contract.zone, after.contract.zone),
            (("stages", "path"), _path(before.contract), _path(after.contract)),
        ):
            node = after.document.get(*clause)
            if old != new and node:
                yield node.fault(
                    after.file,
                    new,
                    f"{old}, as in {before.file.name}",
                    "keep it: leads that are under way could not be counted across the change",
                )


def _path(contract: Contract) -> str:
    return ", ".join(stage.stage for stage in contract.stages.path)


# what was expected and what to do, by pydantic's type of error; filled from the error's context.
_ADVICE: dict[str, tuple[str, str]] = {
    "refused": ("{expected}", "{remedy}"),
    "missing": ("this clause", "add '{key}:'"),
    "union_tag_not_found": ("this clause", "add '{key}:'"),
    "extra_forbidden": (
        "only clauses that the agreement knows",
        "correct its spelling, or remove it",
    ),
    "literal_error": ("{expected}", "choose one"),
    "union_tag_invalid": ("{expected_tags}", "choose one"),
    "string_type": ("text", "put it in quotes if it is meant as text"),
    "string_too_short": ("some text", "fill it in, or remove it"),
    "string_pattern_mismatch": (
        "a short name in lower-case letters, digits and underscores",
        "rename it, like 'mql_volume'",
    ),
    "string_too_long": ("at most {max_length} characters", "shorten it"),
    "int_type": ("a whole number", "write digits only"),
    "greater_than_equal": ("{ge} or more", "correct it"),
    "less_than_equal": ("{le} or less", "correct it"),
    "date_type": (
        "a day that the calendar has, as year-month-day and without quotes",
        "write it like 2025-04-01",
    ),
    "dict_type": ("entries 'key: value'", "write them indented below"),
    "model_type": ("entries 'key: value'", "write them indented below"),
    "model_attributes_type": ("entries 'key: value'", "write them indented below"),
    "tuple_type": ("a list", "write '[one, two]', or '- one' on a line each"),
    "too_short": ("at least {min_length} of them", "add what is missing"),
    "too_long": ("at most {max_length} of them", "remove what is too much"),
}


def _told(details: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Without the lists that are too short only because one of their items is wrong."""
    for detail in details:
        inside = (other["loc"][: len(detail["loc"])] for other in details if other is not detail)
        if detail["type"] != "too_short" or detail["loc"] not in inside:
            yield detail


def _fault(detail: ErrorDetails, document: Node, file: Path) -> Fault:
    kind, location = detail["type"], detail["loc"]
    context: dict[str, Any] = detail.get("ctx", {})
    if kind.startswith("union_tag"):
        location = (*location, context["discriminator"].strip("'"))
    key = location[-1] if location else ""
    node = document.nearest(location)
    clause, found = node.location, context.get("found") or _found(detail["input"])
    if kind in {"missing", "union_tag_not_found"}:
        clause, found = (*node.location, key), "nothing"
    elif kind in {"extra_forbidden", "union_tag_invalid"}:
        found = f"'{context.get('tag', key)}'"
    expected, remedy = (
        advice.format(key=key, **context)
        for advice in _ADVICE.get(kind, (detail["msg"], "correct it"))
    )
    return Fault(file, node.line, spell(clause), found, expected, remedy)


def _found(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return f"'{value}'" if value.strip() else "an empty text"
        case dict():
            return "a mapping"
        case tuple():
            return "a list" if value else "an empty list"
        case _:
            return str(value)
