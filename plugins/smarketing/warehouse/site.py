"""The models' documentation as one page: what each means, its columns, what it is made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from smarketing.warehouse.build import BuildError, run_dbt
from smarketing.warehouse.connection import WarehouseError, connect
from smarketing.warehouse.publish import PUBLISHED


def build_site(uri: str, workdir: Path, page: Path) -> None:
    """Write the page, which needs no server and no network, from the published night's tables.

    Raises:
        WarehouseError: nothing has been published yet.
        BuildError: dbt could not write it.
    """
    with connect(uri, "auditor") as connection:
        published = connection.execute(
            "select as_of, known_at from ops.publications where withdrawn_at is null "
            "order by build_id desc limit 1"
        ).fetchone()
    if published is None:
        raise WarehouseError(
            "Nothing has been published yet. `make nightly` runs a night and publishes it."
        )
    as_of, known_at = (instant.isoformat() for instant in published)
    # dbt keeps what it parsed: the night's own is for the candidate
    folder = workdir / "site"
    run_dbt(
        uri,
        folder,
        "docs",
        "generate",
        "--static",
        "--quiet",
        "--vars",
        json.dumps({"as_of": as_of, "known_at": known_at, "marts_schema": PUBLISHED}),
    )
    written = folder / "dbt" / "static_index.html"
    if not written.exists():
        raise BuildError("dbt wrote no documentation; its log lies in " + str(folder / "logs"))
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(written, page)
