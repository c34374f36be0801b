"""Nights of small companies: their steps, run one after the other as the DAG does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path

import pytest
import yaml
from smarketing import steps
from smarketing.config import read_config
from smarketing.home import PROJECT
from smarketing.sandbox import generate
from smarketing.warehouse.build import Layer
from smarketing.warehouse.connection import CONNECTION_VARIABLE

LAST_NIGHT = date(2026, 10, 20)
LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")


@dataclass(frozen=True)
class Company:
    """A built-in company of its own: where its exports and its truth lie, and its warehouse."""

    folder: Path
    warehouse: str

    @property
    def exports(self) -> Path:
        return self.folder / "company"

    def run_night(self, night: date, *, known: date | None = None, until: str = "report") -> None:
        """Run the steps of a night, up to and including the group ``until``."""
        as_of = datetime.combine(night, time(2), UTC).isoformat()
        known_at = datetime.combine(known, time(2), UTC).isoformat() if known else ""
        keys = steps.load_agreement(as_of, known_at)
        groups: dict[str, Sequence[Callable[[], None]]] = {
            "extract": [partial(steps.extract, keys, source) for source in read_config().sources],
            "arrive": [partial(steps.check_arrival, keys)],
            "transform": [partial(steps.transform, keys, layer) for layer in LAYERS],
            "check": [partial(steps.check_qualification, keys)],
            "publish": [partial(steps.publish_marts, keys)],
            "report": [partial(steps.report, keys)],
        }
        for group, works in groups.items():
            for work in works:
                work()
            if group == until:
                break


@pytest.fixture
def company(
    tmp_path: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Company]:
    """Found a company: ``company(seed=7, leads=400, nights=1)``."""

    def found(*, seed: int = 7, leads: int = 400, nights: int = 1) -> Company:
        founded = Company(tmp_path, warehouse)
        generate(founded.exports, seed=seed, leads=leads, nights=nights, ends=LAST_NIGHT)
        config = {
            "company": "Test",
            "database": "test",
            "sources": {"csv_export": {"mapping": "csv_export.yml", "fresh_within_hours": 36}},
        }
        (tmp_path / "smarketing.yml").write_text(yaml.safe_dump(config))
        mapping = yaml.safe_load((PROJECT / "csv_export.yml").read_text())
        mapping["folder"] = str(founded.exports)
        (tmp_path / "csv_export.yml").write_text(yaml.safe_dump(mapping, sort_keys=False))
        (tmp_path / "agreements").symlink_to(PROJECT / "agreements")
        return founded

    monkeypatch.setenv("SMARKETING_CONFIG", str(tmp_path))
    monkeypatch.setenv("SMARKETING_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv(CONNECTION_VARIABLE, warehouse)
    return found
