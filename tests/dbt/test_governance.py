"""What readers may rely on: every mart has an owner, a contract, a grain, and words for it all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from smarketing.home import PROJECT
from smarketing.warehouse.build import run_dbt

MODELS = PROJECT / "dbt_project" / "models"

# nobody answers there: parsing needs no database
NOWHERE = "postgresql://nobody@nowhere/nothing"

Node = dict[str, Any]


def marts() -> list[str]:
    """The names of all marts, as their files give them."""
    return sorted(file.stem for file in (MODELS / "marts").rglob("*.sql"))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """What dbt understood of the project."""
    workdir = tmp_path_factory.mktemp("dbt")
    run_dbt(NOWHERE, workdir, "parse", "--quiet", "--warn-error")
    understood: Node = json.loads((workdir / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    return understood


@pytest.fixture(scope="module")
def models(manifest: Node) -> dict[str, Node]:
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


@pytest.mark.parametrize("mart", marts())
def test_a_mart_can_be_relied_on(mart: str, models: dict[str, Node]) -> None:
    model = models[mart]
    assert model["access"] == "public"
    assert model["contract"]["enforced"]
    assert model["group"] in ("revops", "data_team")
    keys = [each["columns"] for each in model["constraints"] if each["type"] == "primary_key"]
    assert len(keys) == 1
    assert re.search(r"(^|\s)One row per [^.]+\.$", model["description"].strip())
    for column in model["columns"].values():
        assert len(column["description"].strip()) >= 8, column["name"]
        assert column["data_type"], column["name"]


def test_what_lies_below_the_marts_is_our_own(models: dict[str, Node]) -> None:
    below = {name: model for name, model in models.items() if name not in marts()}
    assert {model["access"] for model in below.values()} == {"protected"}
    assert {model["group"] for model in below.values()} == {"data_team"}


def test_every_mart_is_known_to_whoever_reads_it(manifest: Node) -> None:
    told = {
        parent.split(".")[-1]
        for exposure in manifest["exposures"].values()
        for parent in exposure["depends_on"]["nodes"]
    }
    assert set(marts()) - told == set()


def test_groups_are_people(manifest: Node) -> None:
    owners = {group["name"]: group["owner"]["name"] for group in manifest["groups"].values()}
    assert owners == {"revops": "RevOps", "data_team": "data team"}


def test_a_version_of_a_mart_that_ends_says_when(models: dict[str, Node]) -> None:
    """The policy of docs/marts.md: of several versions all but the newest have their last day."""
    for model in models.values():
        if model["version"] and model["version"] != model["latest_version"]:
            assert model["deprecation_date"], model["unique_id"]


def test_days_come_from_the_calendar(models: dict[str, Node]) -> None:
    assert models["dim_dates"]["time_spine"]["standard_granularity_column"] == "date_day"


def test_the_table_of_marts_is_complete() -> None:
    """Whoever reads what has changed learns of each mart by its grain."""
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [mart for mart in marts() if f"| `{mart}` |" not in changelog] == []


def test_every_yaml_names_models_that_exist() -> None:
    """A model that was renamed leaves nothing behind."""
    files = {file.stem for file in MODELS.rglob("*.sql")}
    described = {
        model["name"]
        for file in MODELS.rglob("_*__models.yml")
        for model in yaml.safe_load(Path(file).read_text(encoding="utf-8"))["models"]
    }
    assert described - files == set()
    assert files - described == set()
