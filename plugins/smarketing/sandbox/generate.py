"""Write the fictional company's exports, and beside them the truth."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from smarketing.sandbox import truth
from smarketing.sandbox.company import Company
from smarketing.sandbox.crm import Shown, show_company, show_story
from smarketing.sandbox.files import CsvFiles
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sources.csv_export.entities import ENTITIES

# part of the settings: raise it whenever equal settings would no longer give equal files
GENERATOR = 5

_SETTINGS_FILE = "company.json"


@dataclass(frozen=True)
class Summary:
    """What lies in the folder now: rows by entity, and whether this call wrote them."""

    folder: Path
    is_new: bool
    rows: Mapping[str, int]


def generate(folder: Path, *, seed: int, leads: int, nights: int, ends: date) -> Summary:
    """Write the exports of a fictional company to a folder, and the truth to ``truth/`` in it.

    The company has 18 months of history, ``leads`` persons, and one delivery for each of the
    last ``nights`` nights up to the one of ``ends``, cut at 02:00 UTC. The first delivery holds
    all that was known by then, the others what the CRM learnt in 24 hours. Equal settings give
    equal bytes, and the folder of an equal company is left as it is.
    """
    company = Company(seed=seed, leads=leads, nights=nights, ends=ends)
    settings = {"generator": GENERATOR, **asdict(company), "ends": ends.isoformat()}
    found = _read_settings(folder)
    if found is not None and found["settings"] == settings:
        return Summary(folder, is_new=False, rows=found["rows"])

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        fresh = Path(scratch, "fresh")
        rows = _write(company, fresh)
        description = {"settings": settings, "rows": rows}
        (fresh / _SETTINGS_FILE).write_text(json.dumps(description, indent=2) + "\n")
        if folder.exists():
            folder.rename(Path(scratch, "stale"))
        fresh.rename(folder)
    return Summary(folder, is_new=True, rows=rows)


def _read_settings(folder: Path) -> dict[str, Any] | None:
    """The settings of the company in the folder; nothing if there is no folder, or it is empty."""
    file = folder / _SETTINGS_FILE
    if file.exists():
        found: dict[str, Any] = json.loads(file.read_text())
        return found
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds something else than a sandbox company: left alone")
    return None


def _write(company: Company, folder: Path) -> dict[str, int]:
    (folder / "truth").mkdir(parents=True)
    exports, answers = CsvFiles(folder), CsvFiles(folder / "truth")
    for entity in ENTITIES:
        for day in company.deliveries:
            exports.open(f"{entity.name}_{day}.csv", [field.name for field in entity.fields])
    for name, header in truth.HEADERS.items():
        answers.open(f"{name}.csv", header)

    rows = dict.fromkeys((entity.name for entity in ENTITIES), 0)
    for entity_name, night, row in _show(company, answers):
        exports.add(f"{entity_name}_{company.deliveries[night]}.csv", row)
        rows[entity_name] += 1
    exports.flush()
    answers.flush()
    return rows


def _show(company: Company, answers: CsvFiles) -> Iterator[Shown]:
    """All rows of all deliveries; the truth is written on the way."""
    campaigns = Campaigns(company)
    yield from show_company(company, campaigns)
    for story, rng in stories(company, campaigns):
        yield from show_story(company, rng, story)
        for name, row in truth.tell(story):
            answers.add(f"{name}.csv", row)
