"""A generated folder, read back as a stranger would read it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

ENDS = date(2026, 11, 20)
ENDS_AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
MADRID = ZoneInfo("Europe/Madrid")

Row = dict[str, str]


@dataclass
class Exports:
    """The deliveries of a company: rows by entity and night, in the order of the file."""

    folder: Path
    delivered: dict[str, dict[date, list[Row]]]

    def rows(self, entity: str) -> list[Row]:
        """All rows of an entity, night after night."""
        nights = self.delivered[entity]
        return [row for night in sorted(nights) for row in nights[night]]

    def latest(self, entity: str, key: str) -> dict[str, Row]:
        """The last version of each record."""
        return {row[key]: row for row in self.rows(entity)}

    def truth(self, name: str) -> list[Row]:
        """One file of the truth."""
        return _read_csv(self.folder / "truth" / f"{name}.csv")


def read(folder: Path) -> Exports:
    """Read all deliveries of a folder."""
    delivered: dict[str, dict[date, list[Row]]] = {}
    for path in folder.glob("*.csv"):
        entity, _, night = path.stem.rpartition("_")
        delivered.setdefault(entity, {})[date.fromisoformat(night)] = _read_csv(path)
    return Exports(folder, delivered)


def is_day(moment: str) -> bool:
    """Whether the source knows the day only."""
    return "T" not in moment


def instant(moment: str) -> datetime:
    """A moment as an instant; a day stands at its local start in Madrid."""
    if is_day(moment):
        return datetime.combine(date.fromisoformat(moment), time(), MADRID).astimezone(UTC)
    return datetime.fromisoformat(moment)


def _read_csv(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
