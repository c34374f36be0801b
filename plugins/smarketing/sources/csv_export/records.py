"""Records of one CSV file, each with the line on which it starts."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from smarketing.sources.csv_export.formats import Format

_UNDECODABLE_BASE: Final = 0xDC00
_KEEP: Final = "smarketing.keep"
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def _keep_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Turn bytes that do not decode into lone surrogates, so that only their record is lost.

    ``surrogateescape`` does this for bytes above 127 only: not enough for UTF-16.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(chr(_UNDECODABLE_BASE + byte) for byte in broken), error.end


codecs.register_error(_KEEP, _keep_undecodable)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that is not CSV as declared: its text, and what is wrong with it."""

    text: str
    reason: str


class HeaderError(ValueError):
    """The first record of a file is not CSV as declared; the message says why."""


class Records:
    """The records after the header of an open file: (line, cells), blank lines left out.

    Lines count from 1 as an editor does, line breaks inside quotes included.
    """

    def __init__(self, stream: TextIO, declared: Format) -> None:
        self._unparsed: list[str] = []
        self._reader = csv.reader(
            self._lines(stream),
            delimiter=declared.delimiter,
            quotechar=declared.quote or None,
            quoting=csv.QUOTE_MINIMAL if declared.quote else csv.QUOTE_NONE,
            strict=True,
        )
        _, header = next(self, (1, []))
        if isinstance(header, Malformed):
            raise HeaderError(header.reason)
        self.header = header

    def _lines(self, stream: TextIO) -> Iterator[str]:
        mark = "\ufeff"
        for line in stream:
            text = line.removeprefix(mark)
            mark = ""
            self._unparsed.append(text)
            yield text

    def __iter__(self) -> Iterator[tuple[int, list[str] | Malformed]]:
        return self

    def __next__(self) -> tuple[int, list[str] | Malformed]:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except csv.Error as error:
                broken = Malformed("".join(self._unparsed), str(error))
                self._unparsed.clear()
                return line, broken
            self._unparsed.clear()
            if cells:
                return line, cells


@contextmanager
def open_records(path: Path, declared: Format) -> Iterator[Records]:
    """Open a file for reading once, from its header on.

    Raises:
        HeaderError: the header cannot be told from the rest.
    """
    with path.open(encoding=declared.encoding, errors=_KEEP, newline="") as stream:
        yield Records(stream, declared)


def printable(text: str) -> str:
    r"""Write what no stored text may hold, undecodable bytes and NUL, as ``\xNN``."""
    return _UNSTORABLE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", text)
