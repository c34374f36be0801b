"""Which files of a folder a night reads, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from hashlib import file_digest
from pathlib import Path
from typing import Final

from smarketing.sources.csv_export.entities import ENTITIES, Entity
from smarketing.sources.csv_export.mapping import REQUIRED, FileMapping, Mapping
from smarketing.sources.csv_export.records import HeaderError, open_records, printable
from smarketing.sources.errors import SourceError

_DATE: Final = r"(?P<date>\d{4}-\d{2}-\d{2})"


@dataclass(frozen=True)
class Delivery:
    """One file as found on disk, read as one entity.

    ``sha256`` is that of its content; ``key`` changes when the content's meaning does, that is
    with the file's name and its mapping. ``date`` is that of a file in a series.
    """

    entity: Entity
    mapping: FileMapping
    path: Path
    date: date | None
    key: str
    sha256: str
    size: int
    modified_ns: int

    def check_unchanged(self) -> None:
        """Make sure that the file is still as it was found.

        Raises:
            SourceError: it was written to meanwhile.
        """
        now = self.path.stat()
        if (now.st_size, now.st_mtime_ns) != (self.size, self.modified_ns):
            raise SourceError(
                [
                    f"{self.path.name}: changed while it was read; expected a finished export."
                    " Run the night again when the export is complete."
                ]
            )


def find_deliveries(mapping: Mapping, known_at: datetime) -> list[Delivery]:
    """Find the files that exist for a night, in reading order within each entity.

    A file dated after the night's day in UTC does not exist yet. Files without a date come
    first, then series by date; at one date the order is that of the mapping.

    Raises:
        SourceError: files are missing or headers wrong, with all such faults.
    """
    folder = mapping.folder
    if not folder.is_dir():
        raise SourceError([f"{folder}: no such folder; correct `folder` in the mapping"])
    if not any(folder.iterdir()):
        raise SourceError([f"{folder}: the folder is empty; expected the exports to lie there"])
    night = known_at.astimezone(UTC).date()
    found: list[Delivery] = []
    faults: list[str] = []
    for entity in ENTITIES:
        of_entity: list[Delivery] = []
        for file in mapping.files_of(entity):
            try:
                for path, delivered in _paths(folder, file, night):
                    if wrong := list(_header_faults(path, file)):
                        faults += wrong
                        continue
                    key = f"{mapping.fingerprint(entity, file)}/{path.name}"
                    of_entity.append(_delivery(entity, file, path, delivered, key))
            except SourceError as error:
                faults += error.faults
        if entity.name == REQUIRED and not of_entity and not faults:
            faults.append(f"{folder}: no file of {REQUIRED} is dated {night} or before")
        found += sorted(of_entity, key=lambda delivery: delivery.date or date.min)
    if faults:
        raise SourceError(faults)
    return found


def _paths(folder: Path, file: FileMapping, night: date) -> list[tuple[Path, date | None]]:
    wanted = folder / file.file
    present = sorted(path.name for path in _files(wanted.parent))
    if not file.is_series:
        if wanted.name not in present:
            raise SourceError([_missing(wanted, present)])
        return [(wanted, None)]
    before, _, after = wanted.name.partition("{date}")
    shape = re.compile(re.escape(before) + _DATE + re.escape(after))
    matches = [match for name in present if (match := shape.fullmatch(name))]
    if not matches:
        raise SourceError([_missing(wanted, present)])
    dated = [(wanted.parent / match.string, _date_of(match)) for match in matches]
    return [(path, delivered) for path, delivered in dated if delivered <= night]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_file())


def _date_of(match: re.Match[str]) -> date:
    try:
        return date.fromisoformat(match["date"])
    except ValueError:
        raise SourceError(
            [f"{match.string}: {match['date']} is no date; rename the file or take it away"]
        ) from None


def _missing(wanted: Path, present: list[str]) -> str:
    close = get_close_matches(wanted.name, present, n=1, cutoff=0.5)
    there = f"the nearest name there is {close[0]}" if close else "nothing there has a like name"
    return (
        f"{wanted.name}: missing from {wanted.parent}; {there}."
        " Deliver the file, or correct or remove it in the mapping."
    )


def _delivery(
    entity: Entity, file: FileMapping, path: Path, delivered: date | None, key: str
) -> Delivery:
    stat = path.stat()
    with path.open("rb") as stream:
        sha256 = file_digest(stream, "sha256").hexdigest()
    return Delivery(entity, file, path, delivered, key, sha256, stat.st_size, stat.st_mtime_ns)


def _header_faults(path: Path, file: FileMapping) -> Iterator[str]:
    try:
        with open_records(path, file.format) as records:
            header = records.header
    except OSError as error:
        yield f"{path.name}: cannot be read: {error.strerror}"
        return
    except HeaderError as error:
        yield f"{path.name}, line 1: not a header: {error}; check `delimiter` and `quote`"
        return
    names = [printable(name) for name in header]
    for field, column in file.columns.items():
        count = names.count(column)
        if count == 1:
            continue
        place = f"{path.name}, line 1, column {column!r} (for {field}):"
        if count > 1:
            yield f"{place} found {count} times; expected once. Rename one in the export."
        elif not names:
            yield f"{place} the file is empty; expected a header line"
        else:
            in_lower_case = {name.lower(): name for name in names}
            close = get_close_matches(column.lower(), in_lower_case, n=1)
            hint = f" Did you mean {in_lower_case[close[0]]!r}?" if close else ""
            yield f"{place} missing; found {', '.join(names)}.{hint} Correct the mapping."
