"""Every night: from what the sources say to what both teams believe.

Airflow, see `dags/README.md`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, TaskGroup, chain, task
from smarketing import steps
from smarketing.config import read_config

config = read_config()

with DAG(
    dag_id="nightly_refresh",
    description="Sources to raw, raw to marts, checked, and published whole or not at all.",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable(config.schedule, timezone="UTC"),
    # before any history that someone may want to speak for
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    # a night builds in schemas that it has to itself
    max_active_runs=1,
    default_args={
        "owner": "data team",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
    },
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            description="The instant to speak for; empty: the end of the run's data interval.",
        ),
        "known_at": Param(
            None,
            type=["null", "string"],
            format="date-time",
            description="For a restatement: with what was known at this later instant.",
        ),
        "accept": Param(
            None,
            type=["null", "string"],
            description="Why this night may be published although critical checks fail.",
        ),
        "accepted_by": Param(
            None,
            type=["null", "string"],
            description="Who answers for that; empty: who triggers the run.",
        ),
    },
    tags=["nightly"],
) as dag:
    with TaskGroup("agreement"):
        night = task(task_id="load")(steps.load_agreement)(
            # a run that someone triggers may have no data interval
            as_of="{{ params.as_of or data_interval_end | default(dag_run.run_after, true) }}",
            known_at="{{ params.known_at or '' }}",
            accept="{{ params.accept or '' }}",
            accepted_by="{{ params.accepted_by or dag_run.triggering_user_name or '' }}",
        )

    with TaskGroup("extract"):
        extracted = [
            # a vendor's calls are counted together: whoever extracts has its pool's one slot
            task(task_id=name, pool=source.kind)(steps.extract)(night, source=name)
            for name, source in config.sources.items()
        ]

    with TaskGroup("arrive"):
        # a source that is down is marked, and the others go on
        arrived = task(task_id="check", trigger_rule="all_done_min_one_success")(
            steps.check_arrival
        )(night)

    with TaskGroup("transform"):
        layers = [
            task(task_id=layer)(steps.transform)(night, layer=layer)
            for layer in ("staging", "intermediate", "marts")
        ]

    with TaskGroup("check"):
        qualified = task(task_id="qualification")(steps.check_qualification)(night)

    with TaskGroup("publish"):
        published = task(
            task_id="swap",
            outlets=[Asset(name="marts", uri=f"smarketing://{config.database}/marts")],
        )(steps.publish_marts)(night)

    with TaskGroup("report"):
        reported = task(task_id="scoreboard")(steps.report)(night)

    chain(extracted, arrived, *layers, qualified, published, reported)
