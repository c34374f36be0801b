"""smarketing.yml: read, or refused with a sentence that says what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from smarketing.config import ConfigError, read_config
from smarketing.home import PROJECT

GOOD = """\
company: Test
database: test
as_of: 2026-10-20T02:00:00Z
sources:
  csv_export: {mapping: csv_export.yml, fresh_within_hours: 36}
"""


def write(folder: Path, text: str) -> Path:
    (folder / "smarketing.yml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("folder", [PROJECT, PROJECT / "examples" / "olist"], ids=["own", "olist"])
def test_the_companies_of_the_project_are_read(folder: Path) -> None:
    config = read_config(folder)
    assert config.agreements.is_dir()
    assert all(config.mapping(source).is_file() for source in config.sources)


def test_a_source_is_of_the_kind_that_it_is_named_after_or_of_the_one_it_says(
    tmp_path: Path,
) -> None:
    more = "  old_crm: {kind: csv_export, mapping: old.yml, fresh_within_hours: 48}\n"
    config = read_config(write(tmp_path, GOOD + more))
    assert {name: source.kind for name, source in config.sources.items()} == {
        "csv_export": "csv_export",
        "old_crm": "csv_export",
    }
    assert config.mapping("old_crm") == tmp_path / "old.yml"


def test_no_night_speaks_for_a_time_after_the_history(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD))
    assert config.night_of(datetime(2026, 10, 19, 2, tzinfo=UTC)).day == 19
    assert config.night_of(datetime(2027, 1, 1, tzinfo=UTC)) == config.as_of


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("database: test", "database: Test;drop"), "database"),
        (GOOD.replace("company: Test\n", ""), "company: Field required"),
        (GOOD.replace("02:00:00Z", "02:00:00"), "as_of"),
        (GOOD + "colour: blue\n", "colour"),
        (GOOD.replace("36", "0"), "sources.csv_export.fresh_within_hours"),
        (GOOD.replace("csv_export:", "old_crm:"), "sources.old_crm.kind"),
        (GOOD.replace("csv_export:", "Old CRM:"), "sources.Old CRM"),
        (
            GOOD.replace("{mapping: csv_export.yml, fresh_within_hours: 36}", "csv_export.yml"),
            "sources.csv_export",
        ),
        ("company: [", "not valid YAML"),
        ("sources: {}", "sources"),
    ],
    ids=[
        "name",
        "missing",
        "no zone",
        "unknown key",
        "zero",
        "no kind",
        "no name",
        "no source of that form",
        "no yaml",
        "no source",
    ],
)
def test_faults_name_the_file_and_the_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read_config(write(tmp_path, text))
    assert str(tmp_path / "smarketing.yml") in str(refusal.value)
    assert says in str(refusal.value)


def test_a_folder_without_a_config_says_what_config_means(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make nightly CONFIG="):
        read_config(tmp_path)
