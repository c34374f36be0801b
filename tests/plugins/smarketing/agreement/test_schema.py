"""The form for editors: no drift from the models, and the same verdict on form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from smarketing.agreement import read_agreement
from smarketing.agreement.lint import lint
from smarketing.agreement.reference import with_tables
from smarketing.agreement.schema import json_schema, schema_text
from smarketing.home import PROJECT

from tests.plugins.smarketing.agreement.conftest import EVERY_CLAUSE, WriteVersion

SCHEMA = PROJECT / "agreements" / "agreement.schema.json"
PAGE = PROJECT / "docs" / "agreement.md"
VERSIONS = sorted(
    file
    for folder in (PROJECT / "agreements", *(PROJECT / "examples").glob("*/agreements"))
    for file in folder.glob("*.yml")
)


class AsEditorsSee(yaml.SafeLoader):
    """YAML 1.2, in which a date is a text."""


AsEditorsSee.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def complaints(text: str) -> list[str]:
    document = yaml.load(text, Loader=AsEditorsSee)  # noqa: S506
    return [*messages(Draft202012Validator(json_schema()).iter_errors(document))]


def messages(errors: Iterable[ValidationError]) -> Iterator[str]:
    """What an error says, and what it says of each of several forms that it might have had."""
    for error in errors:
        yield error.message
        yield from messages(error.context)


@pytest.fixture
def whole(write_version: WriteVersion) -> str:
    """The test agreement with every clause."""
    return write_version(*EVERY_CLAUSE).read_text()


def test_the_committed_schema_is_that_of_the_models() -> None:
    assert SCHEMA.read_text() == schema_text(), "run `make reference`"


def test_the_tables_of_the_page_are_those_of_the_models() -> None:
    page = PAGE.read_text()
    assert page.count("<!-- table:") > 20
    assert page == with_tables(page), "run `make reference`"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


def clauses(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every clause of the schema, by its place."""
    for name, definition in {"": schema, **schema["$defs"]}.items():
        for key, value in definition["properties"].items():
            yield f"{name}.{key}", value


def test_an_editor_can_explain_every_clause() -> None:
    schema = json_schema()
    for place, clause in clauses(schema):
        target = schema["$defs"].get(clause.get("$ref", "").removeprefix("#/$defs/"), {})
        explanation = clause.get("description") or target.get("description")
        # a metric is explained by the commitment that it makes
        assert explanation or "const" in clause, place
        assert clause.get("title") or target.get("title"), place
        assert {"type", "enum", "const", "anyOf", "$ref"} & clause.keys(), place
        assert "{}" not in json.dumps(clause), f"{place} has a part without a form"
    assert "__" not in json.dumps(schema)


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_good_agreement_has_the_form(file: Path) -> None:
    text = file.read_text()
    assert complaints(text) == []
    # and its first line leads editors to it
    key, path = text.splitlines()[0].split("=")
    assert key == "# yaml-language-server: $schema"
    assert (file.parent / path).resolve() == SCHEMA


def test_every_clause_has_a_form(whole: str) -> None:
    assert complaints(whole) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    owner: Ada\n", "", "'owner' is a required property"),
        ("at least 25%", "0.25", "0.25"),
        ("at least 25%", "95%", "95%"),
        ("at least 200 leads", "at least -5 leads", "at least -5 leads"),
        ("at least 200 leads", "200", "200"),
        ("within: 30 calendar days", "within: 30 days", "30 days"),
        ("within: 4 business hours", "within: 1 day", "'1 day'"),
        ("period: week", "period: day", "'day'"),
        ("period: week", "period: week\n    colour: red", "'colour'"),
        ("zone: Europe/London", "zone: London", "'London'"),
        ("2025-05-01, ", "5, ", "5 is not of type 'string'"),
        ("hours: 24x7", "hours: always", "'always'"),
        ('"09:00-14:00"', '"9-14"', "9-14"),
        ("mon-thu:", "mo-th:", "'mo-th'"),
        ("call: any, ", "fax: any, ", "'fax'"),
        ("call: any, ", "call: all, ", "'all'"),
        ("id: mql_volume", "id: MQL volume", "'MQL volume'"),
        ("currency: EUR", "currency: euro", "'euro'"),
        ('at: "08:30"', 'at: "8:30"', "'8:30'"),
        ("to: [Ada, Grace]", "to: []", "[]"),
        ("between: [20, 100]", "between: [20]", "[20] is too short"),
        ("response: {within: 4 business hours}", "response:", "None"),
        ("    mql: [Mark", "    MQL: [Mark", "'MQL'"),
    ],
)
def test_a_bad_form_is_underlined(whole: str, old: str, new: str, told: str) -> None:
    assert old in whole
    found = complaints(whole.replace(old, new, 1))
    assert found
    assert any(told in complaint for complaint in found), found


def test_the_examples_of_the_page_are_an_agreement(tmp_path: Path) -> None:
    file = tmp_path / "2026-01-01.yml"
    file.write_text("\n".join(examples(PAGE.read_text())))
    agreement = read_agreement(tmp_path)
    assert lint(agreement, datetime(2026, 1, 2, tzinfo=UTC), history=None) == []
    # and nothing that an agreement can say is without an example
    contract = agreement.versions[0].contract
    assert set(contract.content()) == set(json_schema()["properties"])
    metrics = json_schema()["properties"]["commitments"]["items"]["discriminator"]["mapping"]
    assert {each.metric for each in contract.commitments} == set(metrics)


def examples(page: str) -> Iterator[str]:
    """What stands between ```yaml and ```."""
    for part in page.split("```yaml\n")[1:]:
        yield part.partition("```")[0]
