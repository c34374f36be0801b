"""The commands as people type them, each in a process of its own, in a home of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser

import psutil
import psycopg
import pytest
from smarketing.warehouse.connection import connect, with_parameters

from tests.nights.conftest import read_marts
from tests.nights.installation import Installation, installed, wait_until

STEPS = (
    "agreement.load",
    "extract.csv_export",
    "arrive.check",
    "transform.staging",
    "transform.intermediate",
    "transform.marts",
    "check.qualification",
    "publish.swap",
    "report.scoreboard",
)
# step, rows in, rows out, rejected, seconds
STEP = re.compile(r"^✓ (?P<step>[\w.]+) +(?P<rows>[\d, ]+?) +(?P<seconds>\d+\.\d)\b", re.MULTILINE)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("installation"), leads=300, nights=2) as installation:
        yield installation


@pytest.fixture(scope="module")
def first_night(installation: Installation) -> subprocess.CompletedProcess[str]:
    return installation.run("nightly")


@pytest.fixture(scope="module")
def dsn(installation: Installation, first_night: subprocess.CompletedProcess[str]) -> str:
    said = installation.run("dsn")
    assert said.returncode == 0, said.stdout
    return said.stdout.strip()


def steps_of(said: str) -> dict[str, str]:
    """What the table of steps says: each step's rows as printed."""
    return {match["step"]: " ".join(match["rows"].split()) for match in STEP.finditer(said)}


def read_attempts(dsn: str) -> int:
    """How many nights have begun."""
    with connect(dsn_of_owner(dsn), "transformer") as connection:
        return len(connection.execute("select 1 from ops.nights").fetchall())


def running_step(dsn: str) -> str | None:
    """The step at work now."""
    with connect(dsn_of_owner(dsn), "transformer") as connection:
        row = connection.execute(
            "select step from ops.steps inner join ops.nights using (night_id, attempt) "
            "where steps.state = 'running' order by nights.started_at desc limit 1"
        ).fetchone()
    return row[0] if row else None


def dsn_of_owner(dsn: str) -> str:
    """The embedded server trusts whoever may enter its folder."""
    return with_parameters(dsn, user="postgres")


def test_a_night_from_nothing(first_night: subprocess.CompletedProcess[str]) -> None:
    said = first_night.stdout
    assert first_night.returncode == 0, said
    assert tuple(steps_of(said)) == STEPS
    assert "Traceback" not in said
    # both sides of the agreement
    assert "Marketing" in said
    assert "Sales" in said
    assert said.index("Marketing hands over at least") < said.index("Sales accepts at least")


def test_check_holds_the_agreement_against_the_night(
    installation: Installation, first_night: subprocess.CompletedProcess[str]
) -> None:
    checked = installation.run("agreement", "check")
    assert checked.returncode == 0, checked.stdout
    assert "no fault" in checked.stdout
    assert "not compared" not in checked.stdout
    # 300 leads are far from what is promised
    assert re.search(r"'at least \d+ leads', which none of the last \d+ months", checked.stdout)


def test_the_page_holds_both_sides_and_needs_nothing_else(
    installation: Installation, first_night: subprocess.CompletedProcess[str]
) -> None:
    [page, checks] = [
        path
        for name in ("scoreboard.html", "quality.html")
        for path in installation.files()
        if path.name == name
    ]
    for written in (page, checks):
        assert str(written) in first_night.stdout.replace("\n", "")
    text = page.read_text(encoding="utf-8")
    assert "Marketing hands over at least" in text
    assert "Sales accepts at least" in text
    references = _References()
    references.feed(text)
    references.feed(checks.read_text(encoding="utf-8"))
    assert references.found == []


class _References(HTMLParser):
    """What a page would fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_inside = value is None or value.startswith(("#", "data:"))
            if name in ("src", "srcset", "data") or (name == "href" and tag != "a"):
                self.found += [] if is_inside else [(tag, value or "")]


def test_the_dsn_reads_the_marts(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        for mart in ("dim_leads", "fct_funnel_stages", "sla_compliance", "published_night"):
            assert connection.execute(f"select count(*) > 0 from marts.{mart}").fetchone() == (
                True,
            )


@pytest.mark.parametrize(
    "statement",
    [
        "insert into marts.published_night select * from marts.published_night",
        "delete from marts.dim_leads",
        "create table marts.mine (x int)",
        "create table public.mine (x int)",
        "create schema mine",
        "select * from raw_csv_export.leads",
        "select * from ops.nights",
        "set role smarketing_transformer",
        "set role postgres",
    ],
)
def test_the_dsn_can_do_nothing_else(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.slow
def test_a_second_night_changes_nothing_and_a_third_must_wait(
    installation: Installation, dsn: str
) -> None:
    before = read_marts(dsn)
    second = installation.start("nightly")
    wait_until(lambda: read_attempts(dsn) == 2)
    third = installation.run("nightly")
    assert third.returncode == 1
    assert "Another night is running" in third.stdout
    assert "Traceback" not in third.stdout
    said, _ = second.communicate()
    assert second.returncode == 0, said
    assert steps_of(said)["extract.csv_export"] == "0 0 0"
    assert read_marts(dsn) == before


@pytest.mark.slow
def test_a_night_whose_command_was_killed_is_overtaken(
    installation: Installation, dsn: str
) -> None:
    """What it started goes on without it, and must not get in the way."""
    before = read_marts(dsn)
    attempts = read_attempts(dsn)
    killed = installation.start("nightly")
    wait_until(lambda: read_attempts(dsn) == attempts + 1)
    left = psutil.Process(killed.pid).children(recursive=True)
    killed.kill()
    killed.wait()
    assert any(each.is_running() for each in left)
    again = installation.run("nightly")
    assert again.returncode == 0, again.stdout
    assert tuple(steps_of(again.stdout)) == STEPS
    assert read_marts(dsn) == before
    wait_until(lambda: not any(each.is_running() for each in left))
    with connect(dsn_of_owner(dsn), "transformer") as connection:
        states = connection.execute("select state from ops.nights order by started_at").fetchall()
    assert states[-2:] == [("failed",), ("published",)]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["extract.csv_export", "transform.intermediate"])
def test_a_night_that_is_asked_to_end_ends(installation: Installation, dsn: str, step: str) -> None:
    before = read_marts(dsn)
    night = installation.start("nightly")
    # a file to load again: its last record is delivered twice
    [leads] = installation.home.glob("company/leads_2026-10-20.csv")
    leads.write_text(leads.read_text() + leads.read_text().splitlines()[-1] + "\n")
    wait_until(lambda: running_step(dsn) == step)
    left = psutil.Process(night.pid).children(recursive=True)
    night.terminate()
    night.wait(30)
    assert not any(each.is_running() for each in left)
    assert read_marts(dsn) == before


def test_the_scoreboard_is_shown_again_at_any_width(
    installation: Installation, first_night: subprocess.CompletedProcess[str]
) -> None:
    for columns in ("60", "80", "200"):
        said = installation.run("scoreboard", COLUMNS=columns)
        assert said.returncode == 0
        words = " ".join(said.stdout.split())
        assert "Marketing hands over" in words
        assert "Sales accepts" in words


def test_the_agreement_is_checked(installation: Installation) -> None:
    said = installation.run("agreement", "check")
    assert said.returncode == 0
    assert said.stdout.startswith("✓ 4 versions, no fault\n")
