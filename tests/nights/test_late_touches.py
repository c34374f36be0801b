"""An activity that the CRM tells of when its month has been reported: what it changes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.nights.conftest import LAST_NIGHT, Company, Rows

YESTERDAY = LAST_NIGHT - timedelta(days=1)

# never touched, and reported so a month ago or more
UNANSWERED = """
select lead_id, owner_key, response_due_at, date_trunc('month', handed_off_at)::date
from marts.fct_handoffs
where
    response_status = 'breached'
    and first_touch_at is null
    and owner_key is not null
    and not is_deleted
    and handed_off_at < '2026-09-20'
    and next_cycle_at is null
order by handed_off_at desc
limit 1
"""


@pytest.mark.slow
def test_a_touch_that_is_told_late_answers_a_month_that_was_reported(
    company: Callable[..., Company],
) -> None:
    """It happened at the last instant in time; whoever asks what was known before sees a breach."""
    founded = company(leads=300, nights=2)
    founded.run_night(YESTERDAY)
    [(lead_id, owner_key, due_at, month)] = founded.query(UNANSWERED)

    def told() -> tuple[Rows, Rows, Rows]:
        return (
            founded.query(
                "select response_status, first_touch_at, first_touch_key from marts.fct_handoffs "
                f"where lead_id = '{lead_id}' order by cycle_number desc limit 1"
            ),
            founded.query(
                "select success_count, error_budget_spent from marts.sla_compliance where "
                "commitment_id = 'first_response' and segment = 'all' "
                f"and period_start_date = '{month}'"
            ),
            founded.query(
                "select is_answered from marts.sla_breaches where "
                f"commitment_id = 'first_response' and lead_id = '{lead_id}' "
                f"and period_start_date = '{month}'"
            ),
        )

    reported = told()
    [(met, late)] = reported[1]
    assert reported[0] == [("breached", None, None)]
    assert reported[2] == [(False,)]

    with (founded.exports / f"touches_{LAST_NIGHT}.csv").open("a", newline="") as lines:
        csv.writer(lines).writerow(
            [
                "LATE",
                lead_id.removeprefix("crm:"),
                due_at.isoformat(),
                "call",
                "outbound",
                "false",
                owner_key.removeprefix("crm:"),
                "no answer",
            ]
        )
    known: tuple[Rows, Rows, Rows] = (
        [("met", due_at, "crm:LATE")],
        [(met + 1, late - 1)],
        [],
    )
    founded.run_night(LAST_NIGHT)
    assert told() == known
    founded.run_night(YESTERDAY, known=LAST_NIGHT)
    assert told() == known
    founded.run_night(YESTERDAY)
    assert told() == reported
