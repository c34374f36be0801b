"""Nights of the company in its vendors' systems: one of them fails, the others go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from smarketing import steps
from smarketing.config import read_config
from smarketing.home import PROJECT
from smarketing.review.reading import read_scoreboard
from smarketing.sandbox.company import Company as Imagined
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.company import Door, doors
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sandbox.vendors.serve import serving

from tests.conftest import new_warehouse
from tests.nights.conftest import LAST_NIGHT, Company, end_of, read_marts

YESTERDAY, BEFORE = LAST_NIGHT - timedelta(days=1), LAST_NIGHT - timedelta(days=2)


@dataclass(frozen=True)
class Vendors:
    """The systems of a company, and the clock that they go by."""

    clock: Clock
    doors: dict[str, Door]

    def fail(self, name: str) -> None:
        """From now on one of them answers nobody."""
        self.doors[name].simulator.faults.order(Fault("status", status=503))

    def recover(self) -> None:
        for door in self.doors.values():
            door.simulator.faults.clear()


@dataclass(frozen=True)
class VendorCompany:
    """A company whose nights read its vendors, each as it stands at the end of the night."""

    company: Company
    vendors: Vendors

    def run_night(self, night: date, skew: timedelta = timedelta()) -> dict[str, Exception]:
        """Run a night as Airflow does: what fails to be extracted stops nobody; gives that.

        ``skew``: how far ahead of ours the clocks of the vendors are.
        """
        self.vendors.clock.set(end_of(night) + skew)
        failed: dict[str, Exception] = {}
        with self.company.at_work():
            keys = self.company.begin_night(night)
            for source in read_config().sources:
                try:
                    steps.extract(keys, source)
                except Exception as error:
                    failed[source] = error
            steps.check_arrival(keys)
            for layer in ("staging", "intermediate", "marts"):
                steps.transform(keys, layer)
            steps.check_qualification(keys)
            steps.publish_marts(keys)
            steps.report(keys)
        return failed


@contextmanager
def found_in_vendors(folder: Path, warehouse: str, *, leads: int = 150) -> Iterator[VendorCompany]:
    settings = yaml.safe_load((PROJECT / "smarketing.yml").read_text())
    del settings["sandbox"], settings["as_of"]
    for source in settings["sources"].values():
        # in a small company days go by without a new lead
        source["fresh_within_hours"] = 500
    (folder / "smarketing.yml").write_text(yaml.safe_dump(settings))
    for source in settings["sources"].values():
        shutil.copy(PROJECT / source["mapping"], folder)
    (folder / "agreements").symlink_to(PROJECT / "agreements")
    imagined = Imagined(seed=7, leads=leads, nights=1, ends=LAST_NIGHT)
    clock = Clock(end_of(LAST_NIGHT))
    served = doors(imagined, clock, throttled=False)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        for door in served:
            url = stack.enter_context(serving(door.simulator))
            environment.setenv(f"AIRFLOW_CONN_{door.name.upper()}", json.dumps(door.at(url)))
        # nobody waits for a vendor that will not answer
        environment.setattr("smarketing.sources.api.client._TRIES", 1)
        vendors = Vendors(clock, {door.name: door for door in served})
        yield VendorCompany(Company(folder, warehouse), vendors)


@pytest.fixture(scope="module")
def found(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., VendorCompany]]:
    """Found companies that last for the module."""
    with ExitStack() as stack:

        def found(**size: int) -> VendorCompany:
            warehouse = stack.enter_context(new_warehouse(postgres))
            folder = tmp_path_factory.mktemp("company")
            return stack.enter_context(found_in_vendors(folder, warehouse, **size))

        yield found


@pytest.fixture(scope="module")
def undisturbed(found: Callable[..., VendorCompany]) -> dict[str, list[tuple[object, ...]]]:
    """The marts of the last night, of a company that had that one night."""
    company = found()
    assert company.run_night(LAST_NIGHT) == {}
    return read_marts(company.company.warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", ["hubspot", "salesforce", "marketo"])
def test_a_vendor_that_is_down_stops_nobody_and_the_next_night_catches_up(
    found: Callable[..., VendorCompany],
    undisturbed: dict[str, list[tuple[object, ...]]],
    vendor: str,
) -> None:
    company = found()
    assert company.run_night(BEFORE) == {}
    company.vendors.fail(vendor)
    failed = company.run_night(YESTERDAY)
    assert failed.keys() == {vendor}
    query = company.company.query
    assert query("select source, missing_from, missing_until from ops.source_spans") == [
        (vendor, end_of(BEFORE), end_of(YESTERDAY))
    ]
    assert query("select as_of from marts.published_night") == [(end_of(YESTERDAY),)]
    # Marketo has never told of deals: what was won does not wait for it
    silent = {"marketo": {"volume", "response"}}.get(vendor, {"volume", "response", "revenue"})
    assert silent == {
        metric
        for (metric,) in query(
            "select metric from marts.sla_compliance where status = 'undetermined'"
            " and metric in ('volume', 'response', 'revenue') and segment = 'all'"
        )
    }
    # who may have been answered since is neither waiting nor late
    [(unread, waiting, late)] = query(
        """
        select
            count(distinct lead_id),
            count(*) filter (where status = 'open'),
            count(*) filter (where status = 'breached' and due_at > unread_from)
        from intermediate.int_unread_leads
        left join intermediate.int_handoff_verdicts using (lead_id)
        """
    )
    assert unread > 0
    assert waiting == late == 0
    with company.company.at_work():
        findings = read_scoreboard(company.company.warehouse, read_config()).findings
    [told] = [each.meaning for each in findings if each.meaning.startswith(vendor)]
    assert "did not arrive; its figures are those of 2026-10-18 02:00 (UTC)" in told
    assert "503" in told

    company.vendors.recover()
    assert company.run_night(LAST_NIGHT) == {}
    assert query("select as_of from marts.published_night") == [(end_of(LAST_NIGHT),)]
    assert query("select count(*) from intermediate.int_unread_leads") == [(0,)]
    marts = read_marts(company.company.warehouse)
    # what changed since it was published depends on what was published
    del marts["restatements"]
    assert {mart: len(rows) for mart, rows in marts.items()} == {
        mart: len(rows) for mart, rows in undisturbed.items() if mart != "restatements"
    }


@pytest.mark.slow
def test_vendors_whose_clocks_are_wrong_are_read_whole(
    found: Callable[..., VendorCompany],
    undisturbed: dict[str, list[tuple[object, ...]]],
) -> None:
    """Slow by 50 minutes on one night, fast on the next: their stamps come late, or early."""
    company = found()
    assert company.run_night(BEFORE, skew=timedelta(minutes=-50)) == {}
    assert company.run_night(YESTERDAY, skew=timedelta(minutes=50)) == {}
    assert company.run_night(LAST_NIGHT) == {}
    marts = read_marts(company.company.warehouse)
    for mart in ("dim_leads", "fct_funnel_stages", "fct_touches", "fct_opportunities"):
        assert marts[mart] == undisturbed[mart], mart


def test_where_no_vendor_answers_yesterday_stays(found: Callable[..., VendorCompany]) -> None:
    company = found(leads=60)
    for vendor in company.vendors.doors:
        company.vendors.fail(vendor)
    with pytest.raises(Exception, match="No source arrived"):
        company.run_night(LAST_NIGHT)
    page = next((company.company.folder / "home").rglob("quality.html")).read_text("utf-8")
    assert "This night was not published" in page
    assert page.count("503") >= len(company.vendors.doors)
