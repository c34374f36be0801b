"""The mapping: a YAML file that declares how a folder of CSV files becomes raw entities."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from smarketing.sources.csv_export.entities import ENTITIES, Entity
from smarketing.sources.csv_export.formats import Format, Strict
from smarketing.sources.csv_export.values import Reading, UnreadableError
from smarketing.sources.errors import SourceError
from smarketing.sources.links import RecordLink

REQUIRED: Final = "leads"
"""The entity without which there is nothing to measure."""

_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


class MappingError(SourceError):
    """The mapping file is wrong; each fault names the file and the place in it."""


class FileMapping(Strict):
    """One file, or one series of dated files, that holds records of one entity.

    ``file`` is relative to the folder. ``{date}`` in its name stands for a date such as
    2018-02-01 and makes it a series, read in date order. ``columns`` gives the header of each
    of our fields, ``constants`` the text of fields that are the same in every row.
    """

    file: str
    columns: dict[str, str]
    constants: dict[str, str] = Field(default_factory=dict)
    format: Format = Format()

    @property
    def is_series(self) -> bool:
        """Whether the file is delivered again and again under new dates."""
        return "{date}" in Path(self.file).name


class Mapping(Strict):
    """A folder of exports of one system. ``system`` becomes part of every key.

    ``record_link`` is the address at which the system shows a lead: ``https://.../{id}``.
    """

    system: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    folder: Path
    record_link: RecordLink | None = None
    format: Format = Format()
    entities: dict[str, tuple[FileMapping, ...]]

    @model_validator(mode="before")
    @classmethod
    def _inherit_format(cls, raw: Any) -> Any:
        match raw:
            case {"format": dict() as common, "entities": dict() as entities}:
                inherited = {name: _refined(common, files) for name, files in entities.items()}
                return {**raw, "entities": inherited}
        return raw

    def files_of(self, entity: Entity) -> tuple[FileMapping, ...]:
        """Give the files that hold an entity, in the order of the mapping."""
        return self.entities.get(entity.name, ())

    def fingerprint(self, entity: Entity, file: FileMapping) -> str:
        """Identify all that decides what a row of a file becomes."""
        fields = [(field.name, field.kind, field.required) for field in entity.fields]
        text = f"{self.system}\n{entity.key}\n{fields}\n{file.model_dump_json()}"
        return blake2b(text.encode(), digest_size=8).hexdigest()


def _refined(common: dict[str, Any], files: Any) -> Any:
    """Give every file of an entity the common format, refined by its own."""
    if not isinstance(files, list):
        return files
    return [
        {**file, "format": {**common, **own}}
        if isinstance(file, dict) and isinstance(own := file.get("format", {}), dict)
        else file
        for file in files
    ]


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    ``folder`` is relative to the file's own folder; ``${VAR}`` and ``${VAR:-default}`` in it
    are taken from the environment. Every scalar is text: ``no`` and ``1`` need no quotes.

    Raises:
        MappingError: the file or the mapping in it is wrong, with all faults found.
    """
    try:
        raw = YAML(typ="base", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError([f"{path}: the mapping cannot be read: {error.strerror}"]) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise MappingError([f"{path}: not valid YAML in UTF-8: {error}"]) from error
    if not isinstance(raw, dict):
        raise MappingError([f"{path}: expected the keys {', '.join(Mapping.model_fields)}"])
    try:
        if isinstance(folder := raw.get("folder"), str):
            raw["folder"] = path.parent / _expand(folder)
        mapping = Mapping.model_validate(raw)
    except KeyError as error:
        raise MappingError(
            [f"{path}: folder: the environment has no variable {error}; set it or write a default"]
        ) from None
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise MappingError([f"{path}: {_sentence(detail)}" for detail in details]) from None
    if faults := list(_faults(mapping)):
        raise MappingError([f"{path}: {fault}" for fault in faults])
    return mapping


def _expand(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        return os.environ[name] if default is None else os.environ.get(name) or default

    return _VARIABLE.sub(value, text)


def _sentence(detail: ErrorDetails) -> str:
    place = ".".join(map(str, detail["loc"]))
    match detail["type"]:
        case "extra_forbidden":
            return f"{place}: unknown key; {_suggest(detail['loc'][-1], _keys_at(detail['loc']))}"
        case "missing":
            return f"{place}: this key is required"
        case "value_error":
            return f"{place}: {detail['ctx']['error']}"
    return f"{place}: found {detail['input']!r}: {detail['msg']}"


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    model: type[Strict] = Mapping
    if "format" in place[:-1]:
        model = Format
    elif place[0] == "entities":
        model = FileMapping
    return list(model.model_fields)


def _suggest(name: int | str, known: list[str]) -> str:
    if close := get_close_matches(str(name), known, n=1):
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}"


def _faults(mapping: Mapping) -> Iterator[str]:
    known = {entity.name: entity for entity in ENTITIES}
    if not mapping.entities.get(REQUIRED):
        yield f"entities.{REQUIRED}: this entity is required; name the file that holds it"
    for name, files in mapping.entities.items():
        if name not in known:
            yield f"entities.{name}: unknown entity; {_suggest(name, list(known))}"
            continue
        for index, file in enumerate(files):
            for fault in _file_faults(known[name], file):
                yield f"entities.{name}.{index}.{fault}"


def _file_faults(entity: Entity, file: FileMapping) -> Iterator[str]:
    fields = {field.name: field for field in entity.all_fields}
    for section, names in (("columns", file.columns), ("constants", file.constants)):
        for name in names.keys() - fields.keys():
            yield f"{section}.{name}: no field of {entity.name}; {_suggest(name, list(fields))}"
    for name in file.columns.keys() & file.constants.keys():
        yield f"constants.{name}: also in `columns`; keep one of the two"
    if entity.id_field in file.constants:
        yield f"constants.{entity.id_field}: an id differs from row to row; name its column"
    for field in entity.fields:
        text = file.constants.get(field.name)
        if text is None and field.required and field.name not in file.columns:
            yield f"columns.{field.name}: required ({field.meaning}); name its column"
        elif text is not None:
            reading = Reading.of(field.kind, file.format)
            try:
                reading.parse(text)
            except UnreadableError as error:
                place = f"constants.{field.name}"
                yield f"{place}: found {text!r}: {error}; expected {reading.expected}"
