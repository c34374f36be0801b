"""The metrics by name, held against the marts of a published night.

A metric that names a missing column, or says another number than the scoreboard, is a defect that
dbt itself does not see: it parses them and never runs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from smarketing.home import PROJECT
from smarketing.warehouse.build import run_dbt
from smarketing.warehouse.site import build_site

from tests.nights.conftest import LAST_NIGHT, Company
from tests.nights.semantic_layer import SemanticLayer

DEFINITIONS = PROJECT / "dbt_project" / "models" / "semantic_layer"


def named(kind: str) -> list[str]:
    """The names of all definitions of a kind, as the YAML files give them."""
    return [
        each["name"]
        for file in sorted(DEFINITIONS.glob("*.yml"))
        for each in yaml.safe_load(file.read_text(encoding="utf-8")).get(kind, [])
    ]


@pytest.fixture(scope="module")
def night(new_company: Callable[..., Company]) -> Company:
    company = new_company(seed=5, leads=1200)
    company.run_night(LAST_NIGHT)
    return company


@pytest.fixture(scope="module")
def layer(night: Company, tmp_path_factory: pytest.TempPathFactory) -> SemanticLayer:
    workdir = tmp_path_factory.mktemp("dbt")
    run_dbt(night.warehouse, workdir, "parse", "--quiet", "--vars", '{"marts_schema": "marts"}')
    written = (workdir / "dbt" / "semantic_manifest.json").read_text(encoding="utf-8")
    return SemanticLayer(json.loads(written), night.query)


@pytest.mark.parametrize("name", named("semantic_models"))
def test_a_semantic_model_finds_its_columns_in_the_mart(name: str, layer: SemanticLayer) -> None:
    model = layer.models[name]
    assert model["node_relation"]["schema_name"] == "marts"
    rows = layer.rows(model)
    [(found,)] = layer.query(f"select count(*) from ({rows}) as all_rows")
    assert found > 0
    keys = [each["name"] for each in model["entities"] if each["type"] == "primary"]
    for key in keys:
        twice = f"select {key} from ({rows}) as keyed group by 1 having count(*) > 1"
        assert layer.query(twice) == []


@pytest.mark.parametrize("name", named("metrics"))
def test_a_metric_says_something(name: str, layer: SemanticLayer) -> None:
    by_month = layer.values(name, ["TimeDimension('metric_time', 'month')"])
    assert any(by_month.values())


@pytest.mark.parametrize("name", named("saved_queries"))
def test_a_standard_question_has_an_answer(name: str, layer: SemanticLayer) -> None:
    question = layer.saved_queries[name]
    for metric in question["metrics"]:
        assert any(layer.values(metric, question["group_by"]).values())


def test_no_definition_is_left_out(layer: SemanticLayer) -> None:
    assert set(named("semantic_models")) == layer.models.keys()
    assert set(named("metrics")) == layer.metrics.keys()
    assert set(named("saved_queries")) == layer.saved_queries.keys()


def test_mqls_of_the_running_month_are_those_of_the_scoreboard(
    night: Company, layer: SemanticLayer
) -> None:
    """By everybody, persona and region: who was deleted is in neither."""
    promised = night.query(
        "select dimension, dimension_value, period_start_date, actual from marts.sla_compliance "
        "where commitment_id = 'mql_volume' and not is_over"
    )
    assert len(promised) >= 4
    month = "TimeDimension('metric_time', 'month')"
    for dimension, value, period, actual in promised:
        if dimension is None:
            assert layer.values("mqls", [month])[(period,)] == actual
        else:
            cut = f"Dimension('lead__{dimension}')"
            assert layer.values("mqls", [month, cut]).get((period, value), 0) == actual


def test_answers_of_the_running_month_are_those_of_the_scoreboard(
    night: Company, layer: SemanticLayer
) -> None:
    [(period, actual, sample)] = night.query(
        "select period_start_date, actual, sample_size from marts.sla_compliance "
        "where commitment_id = 'first_response' and segment = 'all' and not is_over"
    )
    month = ["TimeDimension('metric_time', 'month')"]
    assert layer.values("responses_due", month)[(period,)] == sample > 0
    assert round(layer.values("response_share", month)[(period,)], 6) == actual


def test_what_was_promised_is_told_as_it_was_judged(night: Company, layer: SemanticLayer) -> None:
    cuts = ["commitment_id", "segment", "period_kind"]
    told = layer.values(
        "promise_actual",
        [
            "TimeDimension('metric_time', 'day')",
            *(f"Dimension('promise_period__{cut}')" for cut in cuts),
        ],
    )
    judged = night.query(
        f"select period_start_date, {', '.join(cuts)}, actual from marts.sla_compliance"
    )
    assert told == {tuple(row[:-1]): row[-1] for row in judged}


def test_the_documentation_shows_the_marts_as_they_stand(night: Company, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "index.html"
    build_site(night.warehouse, tmp_path, page)
    written = page.read_text(encoding="utf-8")
    # lineage, columns with their types, and the words for them
    assert '"schema": "marts", "name": "sla_compliance"' in written
    assert "marts_candidate" not in written.partition('"catalog"')[2]
    for word in ("sla_compliance", "first day of the period", "elapsed_business_seconds"):
        assert word in written.lower()


def test_spend_is_the_facts_and_rules_kept_are_those_of_the_mart(
    night: Company, layer: SemanticLayer
) -> None:
    month = "TimeDimension('metric_time', 'month')"
    spent = night.query(
        "select date_trunc('month', spent_date)::date, currency, sum(spent_amount) "
        "from marts.fct_campaign_spend group by 1, 2"
    )
    assert layer.values("campaign_spend", [month, "Dimension('booking__currency')"]) == {
        (start, currency): amount for start, currency, amount in spent
    }
    kept = night.query(
        "select stage, rule, count(*) filter (where passed) from marts.fct_lead_qualification "
        "where passed is not null and not is_deleted group by 1, 2"
    )
    cuts = [f"Dimension('verdict__{cut}')" for cut in ("stage", "rule")]
    assert layer.values("rules_kept", cuts) == {(stage, rule): n for stage, rule, n in kept}
