"""`smarketing sandbox serve`: the vendors for a script, until they are asked to end."""

from __future__ import annotations

import json
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
    connections = {
        name: json.loads(value) for name, value in re.findall(r"AIRFLOW_CONN_(\w+)='(.*)'", said)
    }
    assert connections.keys() == {"HUBSPOT", "SALESFORCE", "MARKETO"}
    hubspot, salesforce, marketo = connections.values()
    key = {"Authorization": f"Bearer {hubspot['password']}"}
    page = httpx.get(f"{hubspot['host']}/crm/objects/2026-09/contacts", headers=key).json()
    assert 0 < len(page["results"]) <= 10
    app = {"grant_type": "client_credentials", **salesforce["extra"]}
    assert httpx.post(f"{salesforce['host']}/services/oauth2/token", data=app).status_code == 200
    service = {
        "grant_type": "client_credentials",
        "client_id": marketo["login"],
        "client_secret": marketo["password"],
    }
    assert httpx.get(f"{marketo['host']}/identity/oauth/token", params=service).status_code == 200
    # one clock for all
    httpx.post(f"{marketo['host']}/_sandbox/clock", json={"now": "2026-07-01T02:00:00Z"})
    assert "2026-07-01T02:" in httpx.get(f"{hubspot['host']}/_sandbox").json()["now"]
    process.terminate()
    assert process.wait() in (0, -15)
