"""Attempts at nights: numbered, recorded, and never two of them at work at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from smarketing.home import PROJECT
from smarketing.night import Night, SupersededError, close_night, open_night, recorded
from smarketing.warehouse.connection import connect

AS_OF = datetime(2026, 10, 20, 2, tzinfo=UTC)


def begin(uri: str) -> Night:
    return open_night(uri, AS_OF, AS_OF)


def nights(uri: str) -> list[tuple[Any, ...]]:
    """Each attempt's number, its state, and where and why it failed."""
    with connect(uri, "transformer") as connection:
        return connection.execute(
            "select attempt, state, failed_step, message from ops.nights order by started_at"
        ).fetchall()


def test_a_night_is_named_by_its_instants(warehouse: str) -> None:
    assert begin(warehouse).night_id == "2026-10-20T02:00:00Z"
    restated = open_night(warehouse, AS_OF, AS_OF + timedelta(days=1))
    assert (restated.night_id, restated.attempt) == (
        "2026-10-20T02:00:00Z known 2026-10-21T02:00:00Z",
        1,
    )


def test_airflow_hands_on_all_of_it(warehouse: str) -> None:
    night = begin(warehouse)
    assert Night.from_xcom(night.to_xcom()) == night


def test_a_good_night(warehouse: str) -> None:
    night = begin(warehouse)
    with recorded(warehouse, night, "extract.crm") as step:
        step.rows_in, step.rows_out, step.rows_rejected, step.note = 3, 2, 1, "fine"
    close_night(warehouse, night)
    assert nights(warehouse) == [(1, "published", None, None)]
    with connect(warehouse, "transformer") as connection:
        assert connection.execute(
            "select step, state, rows_in, rows_out, rows_rejected, note, seconds >= 0 "
            "from ops.steps"
        ).fetchall() == [("extract.crm", "done", 3, 2, 1, "fine", True)]


def test_a_failed_step_is_run_again(warehouse: str) -> None:
    night = begin(warehouse)
    with pytest.raises(ZeroDivisionError), recorded(warehouse, night, "extract.crm"):
        raise ZeroDivisionError("too few")
    assert nights(warehouse) == [(1, "failed", "extract.crm", "too few")]
    with recorded(warehouse, night, "extract.crm"):
        assert nights(warehouse) == [(1, "running", None, None)]


def test_an_overtaken_attempt_may_not_begin_a_step(warehouse: str) -> None:
    older, newer = begin(warehouse), begin(warehouse)
    with (
        pytest.raises(SupersededError, match=r"attempt 1, was overtaken by .* attempt 2"),
        recorded(warehouse, older, "publish.swap"),
    ):
        pytest.fail("it began")
    with recorded(warehouse, newer, "publish.swap"):
        pass


def test_an_attempt_waits_for_the_step_of_another(warehouse: str) -> None:
    older = begin(warehouse)
    newer: list[Night] = []
    beginning = threading.Thread(target=lambda: newer.append(begin(warehouse)))
    with recorded(warehouse, older, "extract.crm"), recorded(warehouse, older, "extract.erp"):
        beginning.start()
        beginning.join(1)
        assert beginning.is_alive()
        assert nights(warehouse) == [(1, "running", None, None)]
    beginning.join()
    assert newer == [Night(older.night_id, 2, AS_OF, AS_OF)]


def test_a_killed_step_lets_go(warehouse: str) -> None:
    night = begin(warehouse)
    script = (
        "import datetime, sys, time\n"
        "from smarketing.night import Night, recorded\n"
        f"with recorded(sys.argv[1], {night!r}, 'transform.marts'):\n"
        "    print('at work', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, warehouse],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(PROJECT / "plugins")},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"at work\n"
    process.kill()
    process.wait()
    begin(warehouse)
    assert nights(warehouse) == [
        (
            1,
            "failed",
            "transform.marts",
            "ended without a word: killed, or overtaken by the next attempt",
        ),
        (2, "running", None, None),
    ]
