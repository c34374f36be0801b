"""Nights in a row, disturbed and undisturbed, tell the same as one clean night."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sources.marketo.api import Api, instant

from tests.plugins.smarketing.sandbox.vendors.marketo import ENDS, Served
from tests.plugins.smarketing.sources.marketo.conftest import Serve
from tests.plugins.smarketing.sources.marketo.reading import KilledError, Reading, settings

DAY = timedelta(days=1)
RECENT = settings(since=(ENDS - 75 * DAY).date())


def jobs_of(marketo: Served) -> int:
    """How many export jobs have been paid for."""
    return sum(job.file is not None for job in marketo.vendor._bulk._jobs.values())


def test_five_nights_tell_what_one_tells(serve: Serve, clean: Reading) -> None:
    marketo = serve(ENDS - 4 * DAY)
    nights = Reading(marketo)
    for night in range(4, -1, -1):
        marketo.clock.set(ENDS - night * DAY)
        nights.night(ENDS - night * DAY)
    assert nights.told() == clean.told()
    assert not nights.unreadable
    assert not nights.notes
    assert all(count.at_vendor == count.held for count in nights.counts)


def test_a_month_between_nights_is_read_in_windows(serve: Serve, clean: Reading) -> None:
    marketo = serve(ENDS - 100 * DAY)
    nights = Reading(marketo)
    for days in (100, 45, 0):
        marketo.clock.set(ENDS - days * DAY)
        nights.night(ENDS - days * DAY)
    told, expected = nights.told(), clean.told()
    # what was deleted more than 14 days before is gone without a word, and found all the same
    assert told.pop("deletions").keys() >= expected.pop("deletions").keys()
    live = {row["lead_id"] for row in told["leads"].values()}
    assert live == {row["lead_id"] for row in expected["leads"].values()}
    assert told["leads"] == expected["leads"]
    assert told["spend"] == expected["spend"]
    assert told["activities"] >= expected["activities"]


def test_a_repeated_night_reads_nothing_new(marketo: Served, clean: Reading) -> None:
    again = Reading(marketo, rows=clean.rows, cursors=clean.cursors)
    before = again.told()
    again.night(ENDS)
    assert again.told() == before
    assert again.cursors == clean.cursors


def test_windows_touch_and_are_short_enough_on_any_clock(
    marketo: Served, clean: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """31 days, also where clocks are set back in between: the docs do not say whose days."""
    windows: list[tuple[datetime, datetime]] = []
    create = Api.create_job

    def noted(self: Api, kind: str, wish: Any) -> Any:
        window = wish["filter"]["createdAt"]
        windows.append((instant(window["startAt"]), instant(window["endAt"])))
        return create(self, kind, wish)

    monkeypatch.setattr(Api, "create_job", noted)
    Reading(marketo).night(ENDS, only="leads")
    assert len(windows) > 15
    assert all(one[1] == two[0] for one, two in pairwise(windows))
    assert windows[-1][1] == ENDS
    first = min(row["created_at"] for row in clean.rows["leads"].values())
    assert windows[0][0] <= first - 30 * DAY
    for zone in map(ZoneInfo, ("UTC", "America/Chicago", "America/Los_Angeles")):
        for start, end in windows:
            walls = [at.astimezone(zone).replace(tzinfo=None) for at in (start, end)]
            assert walls[1] - walls[0] <= 31 * DAY


def killed_and_run_again(marketo: Served, page: int, pages_in_a_load: int) -> Reading:
    reading = Reading(marketo, RECENT)
    with pytest.raises(KilledError):
        reading.night(ENDS, kill_at=page, pages_in_a_load=pages_in_a_load)
    return reading.night(ENDS)


@pytest.fixture(scope="module")
def recent(shared: Served) -> Reading:
    """What one undisturbed night reads of the last weeks."""
    shared.clock.set(ENDS)
    return Reading(shared, RECENT).night(ENDS)


@pytest.mark.parametrize("pages_in_a_load", [1, 1_000])
@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.75, 1])
def test_a_killed_night_goes_on(
    marketo: Served, recent: Reading, share: float, pages_in_a_load: int
) -> None:
    page = round(share * recent.pages)
    assert killed_and_run_again(marketo, page, pages_in_a_load).told() == recent.told()


@pytest.mark.slow
@pytest.mark.parametrize("pages_in_a_load", [1, 3, 1_000])
def test_a_night_killed_at_any_page_goes_on(
    serve: Serve, recent: Reading, pages_in_a_load: int
) -> None:
    marketo = serve()
    for page in range(1, recent.pages + 1):
        assert killed_and_run_again(marketo, page, pages_in_a_load).told() == recent.told()


def test_a_killed_run_goes_on_with_the_job_it_waited_for(serve: Serve) -> None:
    for page in (3, 4, 5, 6):
        marketo = serve(throttled=True)
        reading = Reading(marketo, settings(since=(ENDS - 20 * DAY).date()))
        with pytest.raises(KilledError):
            # nothing is loaded but what has to be at once
            reading.night(ENDS, only="leads", kill_at=page, pages_in_a_load=1_000)
        reading.night(ENDS, only="leads")
        assert len(reading.rows["leads"]) > 5
        assert jobs_of(marketo) == 1


def test_a_job_is_looked_at_once_a_minute(serve: Serve) -> None:
    reading = Reading(serve(throttled=True), settings(since=(ENDS - 20 * DAY).date()))
    reading.night(ENDS, only="leads")
    assert reading.waits == [60, 60]


@pytest.mark.parametrize("kill_at", [1, 4, 9, 14, 19])
def test_a_night_killed_is_finished_by_the_next(serve: Serve, clean: Reading, kill_at: int) -> None:
    marketo = serve(ENDS - 3 * DAY)
    reading = Reading(marketo)
    for night, killed in ((3, 0), (2, kill_at), (1, kill_at + 1), (0, 0)):
        marketo.clock.set(ENDS - night * DAY)
        try:
            reading.night(ENDS - night * DAY, kill_at=killed)
        except KilledError:
            continue
    assert reading.told() == clean.told()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", every=4, status=606),
        Fault("status", every=4, status=615),
        Fault("status", every=4, status=611),
        Fault("status", every=4, status=500),
        Fault("status", every=4, status=503),
        Fault("cut", every=5),
        Fault("truncate", every=3),
        Fault("truncate", path="/file.json", times=10),
        Fault("slow", every=9, seconds=700),
        Fault("expire", every=3),
        Fault("duplicate", every=2, path="/rest/"),
        Fault("missing", every=2, path="/rest/v1/leads.json"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}{fault.path.replace('/', '-')}",
)
def test_faults_that_pass_leave_no_trace(serve: Serve, recent: Reading, fault: Fault) -> None:
    marketo = serve()
    marketo.simulator.faults.order(fault)
    disturbed = Reading(marketo, RECENT).night(ENDS)
    assert disturbed.told() == recent.told()
    assert not disturbed.unreadable
