"""The inventory knows every column that can hold a text; a new one has to be thought about."""

from __future__ import annotations

from importlib import import_module

import pytest
from smarketing.privacy.inventory import BY_NAME, DELETION, OTHERS, PERSONS, PLACES, Place
from smarketing.sources.csv_export.entities import ENTITIES
from smarketing.sources.csv_export.tables import arrow_schema

# what every raw table has, and what an erasure writes anew in each
OURS = {"system", "_record_key", "_row_hash"}


def texts() -> dict[str, set[str]]:
    """The columns of text of every raw table."""
    import pyarrow as pa

    schemas = {f"raw_csv_export.{entity.name}": arrow_schema(entity) for entity in ENTITIES}
    for kind in ("hubspot", "salesforce", "marketo"):
        for table in import_module(f"smarketing.sources.{kind}.tables").TABLES:
            schemas[f"raw_{kind}.{table.name}"] = table.arrow_schema
    return {
        name: {column.name for column in schema if column.type == pa.string()} - OURS
        for name, schema in schemas.items()
    }


def test_every_raw_table_is_known() -> None:
    assert BY_NAME.keys() | OTHERS == texts().keys()
    assert not BY_NAME.keys() & OTHERS


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_column_of_text_is_treated(place: Place) -> None:
    assert place.columns.keys() == texts()[place.name]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_what_a_place_names_is_there(place: Place) -> None:
    named = {*place.own, place.field_column, place.linked_by} - {""}
    if place.people_where:
        named.add(place.people_where[0])
    assert named <= place.columns.keys()
    assert bool(place.treated("told")) == bool(place.field_column)
    assert place.by_address <= (not place.treated("person"))


def test_of_every_record_a_deletion_can_be_told() -> None:
    assert {place.name for place in PERSONS} == DELETION.keys()
    for place in PERSONS:
        deletions = BY_NAME[f"{place.schema}.deletions"]
        told = DELETION[place.name]
        assert {told["id"], *told} - {"id"} <= deletions.columns.keys()
