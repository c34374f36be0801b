"""Where things live: the project, and the one folder that holds everything it makes."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """The folder for everything that is made and can be made again.

    ``$SMARKETING_HOME``, else ``.smarketing`` in the project. Removed by ``make clean``.
    """
    folder = Path(os.environ.get("SMARKETING_HOME", PROJECT / ".smarketing")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
