"""CSV files, many at a time: rows are gathered in memory and written in batches."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import IO

Row = Iterable[object]

_BATCH = 20_000


class _Format(csv.excel):
    """Commas and quotes as every reader knows them, lines ended as on the servers."""

    lineterminator = "\n"


class CsvFiles:
    """Files of one folder, each with its header from the start, filled as rows come in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[Row]] = {}
        self._number_waiting = 0

    def open(self, name: str, header: Row) -> None:
        """Create a file with its header; it may stay at that."""
        self._waiting[name] = []
        with self._append(name) as file:
            csv.writer(file, _Format).writerow(header)

    def add(self, name: str, row: Row) -> None:
        """Add a row to a file that was opened."""
        self._waiting[name].append(row)
        self._number_waiting += 1
        if self._number_waiting >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write all rows gathered so far."""
        for name, rows in self._waiting.items():
            if rows:
                with self._append(name) as file:
                    csv.writer(file, _Format).writerows(rows)
                rows.clear()
        self._number_waiting = 0

    def _append(self, name: str) -> IO[str]:
        return (self._folder / name).open("a", newline="", encoding="utf-8")
