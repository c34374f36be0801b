"""Check the style of the SQL with sqlfluff, as `.sqlfluff` says; called by `make lint`.

sqlfluff templates the models with dbt, and dbt wants a warehouse to talk to, were it an empty one.
"""

from __future__ import annotations

import gc
import os
from tempfile import TemporaryDirectory

from smarketing.home import PROJECT
from smarketing.warehouse.build import _dbt_environment
from smarketing.warehouse.initialise import initialise
from smarketing.warehouse.server import ensure_database, start
from sqlfluff.cli.commands import lint


def main() -> None:
    """Lint dbt_project on all cores; exits as sqlfluff does."""
    warehouse = ensure_database(start(), "lint")
    initialise(warehouse)
    # it lives on large trees of small objects: looking for cycles among them was a quarter of it
    gc.set_threshold(100_000, 20, 20)
    with TemporaryDirectory() as folder, _dbt_environment(warehouse):
        os.environ |= {"DBT_TARGET_PATH": f"{folder}/target", "DBT_LOG_PATH": f"{folder}/logs"}
        os.chdir(PROJECT)
        lint.main(["--disable-progress-bar", "--processes", "0", "dbt_project"])


if __name__ == "__main__":
    main()
