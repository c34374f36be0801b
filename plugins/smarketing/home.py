"""Where things live: the project, and the one folder that holds everything it makes."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """The folder for everything that is made and can be made again.

    ``$SMARKETING_HOME``, else ``.smarketing`` in the project. Removed by ``make clean``.
    """
    folder = Path(os.environ.get("SMARKETING_HOME", PROJECT / ".smarketing")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def secret(name: str, make: Callable[[], str] = lambda: secrets.token_hex(32)) -> str:
    """A secret of this home: made once, readable by its owner only."""
    file = home() / "secrets.json"
    made: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if name not in made:
        made[name] = make()
        # whole or not at all: a key that is lost cannot be made again
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(made))
        fresh.replace(file)
    return made[name]
