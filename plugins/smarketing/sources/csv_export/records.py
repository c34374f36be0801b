"""Records of one CSV file, each with the line on which it starts."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

from smarketing.sources.csv_export.formats import Format

_UNDECODABLE_BASE: Final = 0xDC00
_KEEP: Final = "smarketing.keep"
_WIDEST: Final = 16_384
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
    """A record that is not CSV as declared: its first line, and what is wrong with it.

    ``cell`` is the position of the cell to blame, where that is known.
    """

    text: str
    reason: str
    cell: int | None = None


class HeaderError(ValueError):
    """The first record of a file is not CSV as declared; the message says why."""


class _UnclosedError(csv.Error):
    """A quote that was opened is not closed; the message says how far that was read."""


class Records:
    """The records after the header of an open file: (line, cells), blank lines left out.

    Lines count from 1 as an editor does, line breaks inside quotes included.

    A stray quote opens a cell that runs on over the lines after it. Only the line with the
    quote is malformed then: reading resumes at the line after it. A record over several lines
    is taken if its quotes are in order and it has as many cells as the header. So one thing
    cannot be told from a cell with line breaks, and is taken for one: the lines from a stray
    quote to a later quote at which a cell may end, where the number of cells comes out right.
    """

    def __init__(self, stream: TextIO, declared: Format) -> None:
        self._stream = stream
        self._declared = declared
        self._record: list[str] = []
        self._ahead = deque([next(stream, "").removeprefix("\ufeff")])
        self._width: int | None = None
        self._records = self._read()
        _, header = next(self._records, (1, []))
        if isinstance(header, Malformed):
            raise HeaderError(header.reason)
        self.header = header
        self._width = len(header)

    def __iter__(self) -> Iterator[tuple[int, list[str] | Malformed]]:
        return self._records

    def _read(self) -> Iterator[tuple[int, list[str] | Malformed]]:
        record, line = self._record, 1
        while True:
            try:
                for cells in self._cells(self._lines(), strict=True):
                    if len(record) > 1 and self._width not in (None, len(cells)):
                        raise _UnclosedError(f"a record of {len(cells)} cells")
                    if cells:
                        yield line, cells
                    line += len(record)
                    record.clear()
            except csv.Error as error:
                yield line, self._malformed(line, error)
                line += 1
            else:
                return

    def _cells(self, lines: Iterable[str], *, strict: bool) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self._declared.delimiter,
            quotechar=self._declared.quote or None,
            quoting=csv.QUOTE_MINIMAL if self._declared.quote else csv.QUOTE_NONE,
            strict=strict,
        )

    def _lines(self) -> Iterator[str]:
        """Give lines to be parsed; ``_record`` holds those of the record that is not yet whole."""
        record, cells = self._record, 0
        for line in chain(self._again(), self._stream):
            record.append(line)
            yield line
            if record:
                # A quote is open. What it swallows is kept in memory, so that has its bounds:
                # that of the parser for one cell, and this one for their number.
                first = len(record) == 1
                cells = self._count(line) if first else cells + self._count(line, is_open=True) - 1
                if cells > (self._width or _WIDEST):
                    raise _UnclosedError("more cells than the header has")
        if record:
            raise _UnclosedError("the end of the file")

    def _again(self) -> Iterator[str]:
        while self._ahead:
            yield self._ahead.popleft()

    def _count(self, line: str, *, is_open: bool = False) -> int:
        """Count the cells of a line, the one included that a quote before it left open."""
        text = self._declared.quote + line if is_open else line
        return sum(map(len, self._cells([text], strict=False)))

    def _malformed(self, line: int, error: csv.Error) -> Malformed:
        """Give up the first line of the record; those after it are read again."""
        first, *rest = self._record
        self._record.clear()
        self._ahead.extendleft(reversed(rest))
        if not rest and not isinstance(error, _UnclosedError):
            return Malformed(first, str(error))
        reason = f"an opened quote is never closed: line {line + len(rest)} gives {error}"
        return Malformed(first, reason, cell=self._count(first) - 1)


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
