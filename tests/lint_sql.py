"""Check the style of the SQL with sqlfluff, as `.sqlfluff` says; called by `make lint`.

sqlfluff templates the models with dbt, and dbt wants a warehouse to talk to, were it an empty one.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from smarketing.home import PROJECT
from smarketing.warehouse.build import _dbt_environment
from smarketing.warehouse.initialise import initialise
from smarketing.warehouse.server import ensure_database, start


def main() -> int:
    """Lint dbt_project; returns sqlfluff's exit code."""
    warehouse = ensure_database(start(), "lint")
    initialise(warehouse)
    with TemporaryDirectory() as folder, _dbt_environment(warehouse):
        made = [f"DBT_TARGET_PATH={folder}/target", f"DBT_LOG_PATH={folder}/logs"]
        sqlfluff = Path(sys.executable).with_name("sqlfluff")
        return subprocess.run(
            ["env", *made, sqlfluff, "lint", "--disable-progress-bar", "dbt_project"],
            cwd=PROJECT,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
