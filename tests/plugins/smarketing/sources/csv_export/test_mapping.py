from __future__ import annotations

from pathlib import Path

import pytest
from smarketing.sources.csv_export import MappingError, read_mapping

PROJECT = Path(__file__).parents[5]
GOOD = """
system: crm
folder: exports
format: {delimiter: ";", zone: Europe/Madrid}
entities:
  leads:
    - file: leads.csv
      columns: {lead_id: id, score: score}
      format: {decimal: ",", empty: ["", no]}
"""


def faults(path: Path, text: str) -> list[str]:
    file = path / "csv_export.yml"
    file.write_text(text)
    with pytest.raises(MappingError) as caught:
        read_mapping(file)
    assert all(fault.startswith(f"{file}: ") for fault in caught.value.faults)
    return [fault.removeprefix(f"{file}: ") for fault in caught.value.faults]


def test_a_file_refines_the_common_format(tmp_path: Path) -> None:
    file = tmp_path / "csv_export.yml"
    file.write_text(GOOD)
    mapping = read_mapping(file)
    declared = mapping.entities["leads"][0].format
    assert mapping.folder == tmp_path / "exports"
    assert (declared.delimiter, declared.decimal, str(declared.zone)) == (";", ",", "Europe/Madrid")
    assert declared.empty == ("", "no")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("system: crm", "system: CRM 1", "system: found 'CRM 1'"),
        ("system: crm", "sistem: crm", "sistem: unknown key; did you mean 'system'?"),
        ("zone: Europe", "zone: Europa", "format.zone: found 'Europa/Madrid'"),
        ("zone:", "zona:", "format.zona: unknown key; did you mean 'zone'?"),
        ("{delimiter", "{encoding: utf-9, delimiter", "format.encoding: no text encoding"),
        ("{delimiter", "{encoding: rot13, delimiter", "format.encoding: no text encoding"),
        ("{delimiter", "{date: '%d/%m', delimiter", "format.date: '%d/%m' does not hold day"),
        ("{delimiter", "{date: '%d/%Q', delimiter", "format.date: '%d/%Q' is not a strptime"),
        ("{delimiter", "{datetime: '%Y-%m-%d', delimiter", "format.datetime: '%Y-%m-%d' holds no"),
        ("{decimal", "{thousands: ',', decimal", "entities.leads.0.format: `decimal` and `thou"),
        ("{decimal", "{quote: ;, decimal", "entities.leads.0.format: `delimiter` and `quote`"),
        ("{decimal", "{decima: x, decimal", "entities.leads.0.format.decima: unknown key; did you"),
        ("score: score", "scor: score", "entities.leads.0.columns.scor: no field of leads; did"),
        ("lead_id: id, ", "", "entities.leads.0.columns.lead_id: required (the record's id in its"),
        ("  leads:", "  lead:", "entities.leads: this entity is required"),
        ("  leads:", "  lead:", "entities.lead: unknown entity; did you mean 'leads'?"),
        ("    - file: leads.csv\n      col", "    - col", "entities.leads.0.file: this key is"),
        (
            "      format: {dec",
            "      constants: {score: high}\n      format: {dec",
            "entities.leads.0.constants.score: also in `columns`",
        ),
        (
            "score: score}",
            "email: mail}\n      constants: {score: high}",
            "entities.leads.0.constants.score: found 'high': not a number; expected a whole number",
        ),
        (
            "  leads:",
            "  spend: [{file: s.csv, columns: {}, constants: {spend_id: '1'}}]\n  leads:",
            "entities.spend.0.constants.spend_id: an id differs from row to row; name its column",
        ),
        ("folder: exports", "folder: $" + "{NOWHERE_SET}/x", "folder: the environment has no var"),
        ("system: crm", "system: crm\nsystem: erp", "not valid YAML in UTF-8"),
        ("entities:", "entities: [", "not valid YAML in UTF-8"),
    ],
)
def test_faults_name_their_place(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert any(each.startswith(fault) for each in found), found


def test_no_file_and_no_mapping(tmp_path: Path) -> None:
    assert faults(tmp_path, "just text") == [
        "expected the keys system, folder, record_link, format, entities"
    ]
    with pytest.raises(MappingError, match="cannot be read: No such file"):
        read_mapping(tmp_path / "nowhere.yml")


def test_the_folder_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "csv_export.yml"
    file.write_text(GOOD.replace("folder: exports", "folder: ${CSV_FOLDER:-fallback}/x"))
    monkeypatch.delenv("CSV_FOLDER", raising=False)
    assert read_mapping(file).folder == tmp_path / "fallback" / "x"
    monkeypatch.setenv("CSV_FOLDER", str(tmp_path / "elsewhere"))
    assert read_mapping(file).folder == tmp_path / "elsewhere" / "x"


@pytest.mark.parametrize(
    "file", ["examples/exports/csv_export.yml", "examples/olist/csv_export.yml"]
)
def test_the_mappings_we_ship_are_right(file: str) -> None:
    assert read_mapping(PROJECT / file).entities["leads"]
