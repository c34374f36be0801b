"""Where records can be opened: an address with one place for the id, that is safe in a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from smarketing.sources.csv_export import MappingError, read_mapping
from smarketing.sources.links import RecordLink, remember_system
from smarketing.warehouse.connection import connect

LINK = TypeAdapter(RecordLink)

MAPPING = """
system: crm
folder: .
record_link: {link}
entities:
  leads:
    - file: leads.csv
      columns: {{lead_id: id, created: created}}
"""


@pytest.mark.parametrize(
    "link",
    [
        "https://app.hubspot.com/contacts/1234567/record/0-1/{id}",
        "https://almenara.lightning.force.com/{id}",
        "https://app-lon01.marketo.com/leadDatabase/loadLeadDetail?leadId={id}",
        "https://crm.example:8443/leads/{id}#history",
    ],
)
def test_an_address_with_one_place_for_the_id_opens_a_record(link: str) -> None:
    assert LINK.validate_python(link) == link


@pytest.mark.parametrize(
    "link",
    [
        "https://crm.example/leads/",
        "https://crm.example/{id}/{id}",
        "https://crm.example/{lead}/{id}",
        "https://{id}.example/",
        "http://crm.example/{id}",
        "javascript:alert('{id}')",
        "https://crm.example/{id} or so",
        'https://crm.example/{id}"><script>',
        "crm.example/{id}",
        "",
    ],
)
def test_anything_else_is_refused(link: str) -> None:
    with pytest.raises(ValidationError, match="not the address of a record"):
        LINK.validate_python(link)


def test_a_mapping_says_what_is_wrong_with_its_link(tmp_path: Path) -> None:
    mapping = tmp_path / "csv_export.yml"
    mapping.write_text(MAPPING.format(link="'http://crm.example/{id}'"))
    with pytest.raises(MappingError, match="record_link: found 'http:"):
        read_mapping(mapping)


def test_the_newest_address_of_a_system_is_kept(warehouse: str) -> None:
    remember_system(warehouse, "csv_export", "crm", None)
    remember_system(warehouse, "csv_export", "crm", "https://crm.example/{id}")
    remember_system(warehouse, "hubspot", "hubspot", None)
    remember_system(warehouse, "files", "crm", "https://crm.example/leads/{id}")
    with connect(warehouse, "transformer") as connection:
        assert connection.execute(
            "select system, source, record_link from ops.systems order by 1"
        ).fetchall() == [
            ("crm", "files", "https://crm.example/leads/{id}"),
            ("hubspot", "hubspot", None),
        ]
