"""What may quote somebody elsewhere: logs and pages that we write, Airflow's metadata."""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import psycopg
from psycopg import sql

from smarketing.privacy.derived import MASK

_STAR: Final = b"*"
_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be")
_TEXT_TYPES: Final = ("text", "character varying", "json", "jsonb")


def mask_files(folders: Iterable[Path], texts: Iterable[str]) -> tuple[int, list[Path]]:
    """Write stars over texts wherever files quote them. How many files; and those out of reach.

    In place and as long as what they hide: whoever goes on writing to a log is not disturbed, and
    doing it again changes nothing.
    """
    # the longest first: whole, before the part of it that is another's
    forms = sorted({form for text in texts for form in _forms(text)}, key=len, reverse=True)
    wanted = re.compile(b"|".join(map(re.escape, forms)), re.IGNORECASE)
    masked, out_of_reach = 0, []
    for folder in folders:
        for file in _files(folder):
            try:
                masked += _mask_file(file, wanted)
            except OSError:
                out_of_reach.append(file)
    return masked, out_of_reach


def mask_metadata(uri: str, pattern: str) -> int:
    """Do the same in the texts of Airflow's own database; gives how many rows."""
    masked = 0
    with psycopg.connect(uri) as connection:
        columns = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns"
            " inner join information_schema.tables using (table_schema, table_name)"
            " where table_schema = 'public' and table_type = 'BASE TABLE' and data_type = any(%s)",
            [list(_TEXT_TYPES)],
        ).fetchall()
        for table, column, type_ in columns:
            masked += connection.execute(
                sql.SQL(
                    "update {table} set {column} = regexp_replace({column}::text, %(them)s,"
                    " %(mask)s, 'gi')::{type} where {column}::text ~* %(them)s"
                ).format(
                    table=sql.Identifier("public", table),
                    column=sql.Identifier(column),
                    type=sql.SQL(type_),
                ),
                {"them": pattern, "mask": rf"\1{MASK}"},
            ).rowcount
    return masked


def _forms(text: str) -> Iterator[bytes]:
    """A text as files write it: as it is, and escaped for JSON, HTML and addresses."""
    # patterns of bytes know the capitals of ASCII, and no others
    cases = (text,) if text.isascii() else (text, text.lower(), text.upper())
    spelled = {
        write(case)
        for case in cases
        for write in (
            str,
            lambda one: json.dumps(one)[1:-1],
            lambda one: repr(one)[1:-1],
            escape,
            quote,
            lambda one: quote(one, safe=""),
            quote_plus,
        )
    }
    for each in spelled:
        for encoding in _ENCODINGS:
            yield each.encode(encoding, "surrogatepass")


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            file = Path(parent, name)
            if file.is_file() and not file.is_symlink():
                yield file


def _mask_file(file: Path, wanted: re.Pattern[bytes]) -> bool:
    if not file.stat().st_size:
        return False
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        places = [match.span() for match in wanted.finditer(text)]
    if not places:
        return False
    with file.open("r+b") as masked:
        for start, end in places:
            masked.seek(start)
            masked.write(_STAR * (end - start))
    return True
