"""`smarketing sandbox serve`: a vendor for a script, until it is asked to end."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from smarketing.home import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a very small built-in company."""
    settings = yaml.safe_load((PROJECT / "smarketing.yml").read_text())
    settings["sandbox"]["leads"] = 30
    (tmp_path / "smarketing.yml").write_text(yaml.safe_dump(settings))
    return tmp_path


@pytest.fixture
def process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = ["--config", folder, "--port", "0", "--as-of", "2026-06-01T02:00:00"]
    command = [sys.executable, "-m", "smarketing", "sandbox", "serve", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=PROJECT / "plugins", stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_it_prints_what_a_client_needs_and_ends_when_told(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    [url] = re.findall(r"http://127\.0\.0\.1:\d+", said)
    [token] = re.findall(r"pat-\S+", said)
    page = httpx.get(
        f"{url}/crm/objects/2026-09/contacts", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert 0 < len(page["results"]) <= 10
    assert "2026-06-01T02:" in httpx.get(f"{url}/_sandbox").json()["now"]
    process.terminate()
    assert process.wait() in (0, -15)
