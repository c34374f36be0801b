"""What ``generate`` promises: the same bytes for the same settings, and no surprises on disk."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from smarketing.sandbox import Summary, generate
from smarketing.sources.csv_export.entities import ENTITIES

from tests.plugins.smarketing.sandbox.exports import ENDS, read


def make(folder: Path, seed: int = 1, leads: int = 60, nights: int = 3) -> Summary:
    return generate(folder, seed=seed, leads=leads, nights=nights, ends=ENDS)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_equal_settings_give_equal_bytes(tmp_path: Path) -> None:
    make(tmp_path / "one")
    make(tmp_path / "other")
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_another_seed_gives_another_company(tmp_path: Path) -> None:
    make(tmp_path / "one", seed=1)
    make(tmp_path / "other", seed=2)
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    assert one.keys() == other.keys()
    assert one["truth/stages.csv"] != other["truth/stages.csv"]


def test_a_person_is_the_same_in_a_larger_company(tmp_path: Path) -> None:
    make(tmp_path / "small", leads=60)
    make(tmp_path / "large", leads=90)
    small, large = read(tmp_path / "small"), read(tmp_path / "large")
    for name in ("persons", "stages", "handoffs", "outcomes"):
        rows = small.truth(name)
        assert rows == large.truth(name)[: len(rows)]
    for entity in ("leads", "stage_changes", "touches"):
        large_rows = large.rows(entity)
        assert all(row in large_rows for row in small.rows(entity))


def test_files_are_one_per_entity_and_night_with_the_fields_as_headers(tmp_path: Path) -> None:
    make(tmp_path / "company")
    nights = ("2026-11-18", "2026-11-19", "2026-11-20")
    for entity in ENTITIES:
        header = ",".join(field.name for field in entity.fields) + "\n"
        for night in nights:
            with (tmp_path / "company" / f"{entity.name}_{night}.csv").open() as file:
                assert file.readline() == header
    assert len(list((tmp_path / "company").glob("*.csv"))) == len(ENTITIES) * len(nights)


def test_the_summary_counts_the_rows(tmp_path: Path) -> None:
    summary = make(tmp_path / "company")
    exports = read(tmp_path / "company")
    assert summary.rows == {entity.name: len(exports.rows(entity.name)) for entity in ENTITIES}
    assert summary.folder == tmp_path / "company"


def test_a_folder_of_the_same_company_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "company"
    first = make(folder)
    (folder / "leads_2026-11-20.csv").write_text("a trace")
    again = make(folder)
    assert (folder / "leads_2026-11-20.csv").read_text() == "a trace"
    assert (first.is_new, again.is_new) == (True, False)
    assert again.rows == first.rows


def test_a_folder_of_another_company_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "company"
    make(folder, nights=3)
    assert make(folder, nights=2).is_new
    assert not (folder / "leads_2026-11-18.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["company"]


def test_a_folder_of_something_else_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="left alone"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("leads", "nights", "message"),
    [(0, 1, "leads"), (1, 0, "nights"), (1, 1000, "nights")],
)
def test_impossible_settings_are_refused(
    tmp_path: Path, leads: int, nights: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path / "company", leads=leads, nights=nights)
    assert not (tmp_path / "company").exists()


@pytest.mark.parametrize("ends", [date(2026, 8, 31), date(2024, 2, 29), date(2026, 3, 29)])
def test_the_history_may_end_on_any_day(tmp_path: Path, ends: date) -> None:
    assert generate(tmp_path / "company", seed=1, leads=30, nights=40, ends=ends).is_new
