"""Every command explains itself, and what goes wrong in one readable message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from smarketing.cli import app
from smarketing.home import PROJECT
from smarketing.warehouse.connection import with_parameters
from smarketing.warehouse.server import ensure_database
from typer.main import get_command
from typer.testing import CliRunner, Result

NOBODY = "postgresql://someone:hunter2@127.0.0.1:1/warehouse"


def commands(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The paths of a command and of all commands below it."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, *path, name)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMARKETING_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SMARKETING_CONFIG", str(PROJECT))
    monkeypatch.setenv("SMARKETING_WAREHOUSE", NOBODY)
    return tmp_path


def fails(*arguments: str) -> str:
    """What a command says that must fail: an explanation, and nothing of our own code."""
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "1000"})
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize("path", [*commands(get_command(app))], ids=" ".join)
def test_help_says_what_a_command_does(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], env={"TERM": "dumb", "COLUMNS": "100"})
    assert result.exit_code == 0
    usage, *explanation = [line for line in result.output.splitlines() if line.strip()]
    assert usage.split()[:1] == ["Usage:"]
    assert explanation[0].strip(" │╭╮─").endswith((".", ":"))


@pytest.mark.parametrize(
    "command", [("nightly",), ("scoreboard",), ("warehouse", "init"), ("up",)], ids=" ".join
)
def test_an_unreachable_warehouse_is_explained(command: tuple[str, ...]) -> None:
    said = fails(*command)
    assert "The warehouse does not answer" in said
    assert "127.0.0.1" in said
    assert "AIRFLOW_CONN_SMARKETING_WAREHOUSE" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("uri", ["not a uri", "mysql://someone:hunter2@host/x"])
def test_a_warehouse_that_is_no_postgresql_uri_is_explained(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARKETING_WAREHOUSE", uri)
    said = fails("nightly")
    assert "SMARKETING_WAREHOUSE is not a PostgreSQL URI" in said
    assert "hunter2" not in said


def test_a_password_that_dlt_cannot_hand_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMARKETING_WAREHOUSE", NOBODY.replace("hunter2", "hunter%202"))
    said = fails("nightly")
    assert "space" in said
    assert "hunter" not in said


def test_a_named_database_is_made_ready_by_whoever_comes_first(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARKETING_WAREHOUSE", ensure_database(postgres, "never_seen"))
    for _ in range(2):
        assert "Nothing has been published yet" in fails("scoreboard")


def test_a_login_that_may_not_make_it_ready_is_told_what_it_lacks(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = ensure_database(postgres, "not_ours")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("create role guest login")
    monkeypatch.setenv("SMARKETING_WAREHOUSE", with_parameters(uri, user="guest"))
    assert "may create roles (CREATEROLE)" in fails("scoreboard")


@pytest.mark.parametrize("command", ["scoreboard", "docs"])
def test_a_warehouse_without_any_night_says_what_to_run(
    command: str, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARKETING_WAREHOUSE", warehouse)
    assert "Nothing has been published yet" in fails(command)


def test_a_config_folder_that_is_none_is_explained(tmp_path: Path) -> None:
    assert "smarketing.yml: not found" in fails("nightly", "--config", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("company: [", "not valid YAML"),
        ("", "smarketing.yml"),
        ("- a list", "smarketing.yml"),
        ("company: X\ndatabase: 'Drop Me'\nsources: {}", "database"),
        ("company: X\ndatabase: x\nsources: {}\ntypo: 1", "typo"),
    ],
)
def test_a_wrong_config_names_file_and_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "smarketing.yml").write_text(text)
    said = fails("nightly", "--config", str(tmp_path))
    assert str(tmp_path / "smarketing.yml") in said
    assert told in said


@pytest.mark.parametrize("schedule", ["never", "* * *", "99 * * * *"])
def test_a_schedule_that_is_none_is_explained(tmp_path: Path, schedule: str) -> None:
    config = yaml.safe_load((PROJECT / "smarketing.yml").read_text()) | {"schedule": schedule}
    (tmp_path / "smarketing.yml").write_text(yaml.safe_dump(config))
    assert "schedule" in fails("nightly", "--config", str(tmp_path))


def test_an_agreement_that_is_missing_is_explained(tmp_path: Path) -> None:
    config = yaml.safe_load((PROJECT / "smarketing.yml").read_text())
    (tmp_path / "smarketing.yml").write_text(yaml.safe_dump(config))
    assert "agreements" in fails("agreement", "check", "--config", str(tmp_path))


def company(folder: Path, *changes: tuple[str, str]) -> str:
    """A company with the built-in one's agreement, in which some text is replaced."""
    (folder / "smarketing.yml").write_text((PROJECT / "smarketing.yml").read_text())
    agreement = max((PROJECT / "agreements").glob("*.yml"))
    text = agreement.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "agreements").mkdir()
    (folder / "agreements" / agreement.name).write_text(text)
    return str(folder)


def checked(folder: str) -> Result:
    return CliRunner().invoke(app, ["agreement", "check", "--config", folder])


def test_warnings_are_told_and_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMARKETING_WAREHOUSE")
    result = checked(company(tmp_path, ("label: Lost", "label: lead")))
    assert result.exit_code == 0, result.output
    first, *others = result.output.splitlines()
    assert first == "✓ 1 version, no fault"
    assert any("label: found the label 'lead', as of the stage 'lead'" in line for line in others)
    assert others[-1].startswith("Targets and rules were not compared with what happened.")
    assert "`make nightly`" in others[-1]
    # nothing was started, or made, to find that out
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_warehouse_that_does_not_answer_stops_no_check(tmp_path: Path) -> None:
    result = checked(company(tmp_path))
    assert result.exit_code == 0, result.output
    assert "The warehouse does not answer" in result.output
    assert "hunter2" not in result.output


def test_faults_come_before_warnings(tmp_path: Path) -> None:
    folder = company(tmp_path, ("label: Lost", "label: lead"))
    [sound] = (tmp_path / "agreements").iterdir()
    bad = sound.read_text().replace(f"effective_from: {sound.stem}", "effective_from: 2027-04-01")
    bad = bad.replace("zone: Europe/Madrid", "zone: Madrid", 1).replace("version: ", "version: x")
    (tmp_path / "agreements" / "2027-04-01.yml").write_text(bad)
    result = checked(folder)
    assert result.exit_code == 1
    faults, told = result.output.split("▲ The agreement has")
    assert faults.startswith("✗ The agreement has 1 fault:")
    assert "2027-04-01.yml" in faults
    assert "2027-04-01.yml" not in told
    assert "the label 'lead'" in told


def said_of(*arguments: str) -> str:
    """What a command says that succeeds."""
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "1000"})
    assert result.exit_code == 0, result.output
    return result.output


def test_what_changed_between_two_versions_is_told(tmp_path: Path) -> None:
    first = PROJECT / "agreements" / "2025-04-01.yml"
    signed = first.read_text(encoding="utf-8")
    draft = tmp_path / "draft.yml"
    draft.write_text(signed.replace("at least 180 leads", "at least 260 leads"), encoding="utf-8")
    told = said_of("agreement", "diff", "2025-04-01", str(draft))
    assert (
        "Commitment mql_volume (Marketing): target raised from at least 180 leads to at least "
        "260 leads"
    ) in told
    assert said_of("agreement", "diff", "2025-04-01", str(first)) == "Nothing changed.\n"
    assert "(from 2025-04-01)" in fails("agreement", "diff", "2025-04-01", "Q9")
