"""A small reader of dbt's semantic layer: metrics as the SQL that MetricFlow would write for them.

It reads what our definitions use and no more: simple metrics and ratios, filters and cuts by the
dimensions of the metric's own model or of one that it names by an entity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Values = dict[tuple[Any, ...], Any]

_AGGREGATES = {
    "count": "count({})",
    "sum": "sum({})",
    "sum_boolean": "count(*) filter (where {})",
    "median": "(percentile_cont(0.5) within group (order by {}))::numeric",
}
_CUT = re.compile(r"(Dimension|TimeDimension)\('(\w+)'(?:, '(\w+)')?\)")


@dataclass(frozen=True)
class SemanticLayer:
    """What dbt wrote down as ``semantic_manifest.json``, and how to put a query to the marts."""

    manifest: dict[str, Any]
    query: Callable[[str], Sequence[tuple[Any, ...]]]

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        return {model["name"]: model for model in self.manifest["semantic_models"]}

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        return {metric["name"]: metric for metric in self.manifest["metrics"]}

    @property
    def saved_queries(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each["query_params"] for each in self.manifest["saved_queries"]}

    def rows(self, model: dict[str, Any]) -> str:
        """A semantic model as a query: a column for each entity, dimension and measure."""
        named = [*model["entities"], *model["dimensions"], *model["measures"]]
        columns = ", ".join(f"({each['expr'] or each['name']}) as {each['name']}" for each in named)
        return f"select {columns} from marts.{model['node_relation']['alias']}"

    def values(self, name: str, group_by: Sequence[str] = ()) -> Values:
        """What a metric says, by the values of the cuts."""
        metric = self.metrics[name]
        if metric["type"] == "ratio":
            above, below = (
                self.values(metric["type_params"][part]["name"], group_by)
                for part in ("numerator", "denominator")
            )
            return {
                key: Decimal(above.get(key) or 0) / Decimal(count)
                for key, count in below.items()
                if count
            }
        assert metric["type"] == "simple", name
        return self._simple(metric, group_by)

    def _simple(self, metric: dict[str, Any], group_by: Sequence[str]) -> Values:
        wanted = metric["type_params"]["measure"]["name"]
        [(model, measure)] = [
            (model, measure)
            for model in self.models.values()
            for measure in model["measures"]
            if measure["name"] == wanted
        ]
        time = measure["agg_time_dimension"] or model["defaults"]["agg_time_dimension"]
        joined: dict[str, str] = {}

        def column(kind: str, name: str, grain: str | None) -> str:
            if name == "metric_time":
                return f"date_trunc('{grain}', base.{time})::date"
            entity, _, dimension = name.partition("__")
            return f"{self._source(model, entity, dimension, joined)}.{dimension}"

        cuts = [column(*_parts(cut)) for cut in group_by]
        filters = [
            _CUT.sub(lambda cut: column(cut[1], cut[2], cut[3]), each["where_sql_template"])
            .replace("{{", "")
            .replace("}}", "")
            for each in (metric["filter"] or {"where_filters": []})["where_filters"]
        ]
        aggregate = _AGGREGATES[measure["agg"]].format(f"base.{measure['name']}")
        found = self.query(
            f"select {', '.join([*cuts, aggregate])} from ({self.rows(model)}) as base "
            + " ".join(joined.values())
            + f" where {' and '.join([f'base.{time} is not null', *filters])}"
            + (f" group by {', '.join(map(str, range(1, len(cuts) + 1)))}" if cuts else "")
        )
        return {tuple(row[:-1]): row[-1] for row in found}

    def _source(
        self, model: dict[str, Any], entity: str, dimension: str, joined: dict[str, str]
    ) -> str:
        """Where a dimension is found: in the model itself, or in the one whose entity it is."""
        kinds = {each["name"]: each["type"] for each in model["entities"]}
        if kinds[entity] == "primary":
            assert dimension in {each["name"] for each in model["dimensions"]}, dimension
            return "base"
        [owner] = [
            other
            for other in self.models.values()
            if (entity, "primary") in {(each["name"], each["type"]) for each in other["entities"]}
        ]
        assert dimension in {each["name"] for each in owner["dimensions"]}, dimension
        joined[entity] = (
            f"left join ({self.rows(owner)}) as {entity} on base.{entity} = {entity}.{entity}"
        )
        return entity


def _parts(cut: str) -> tuple[str, str, str | None]:
    match = _CUT.fullmatch(cut)
    assert match, cut
    return match[1], match[2], match[3]
