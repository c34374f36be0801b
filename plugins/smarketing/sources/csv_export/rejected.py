"""Rejected rows, kept with the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection
from smarketing.privacy.suppression import Suppression
from smarketing.sources.csv_export.deliveries import Delivery
from smarketing.sources.csv_export.tables import Rejected

_COLUMNS: Final = (
    "night_id, source, system, entity, file, file_sha, line, column_name, value, expected,"
    " reason, record"
)


class RejectedRows:
    """Writes to ``ops.rejected_rows``; a row already there from an earlier reading stays."""

    def __init__(
        self,
        connection: Connection[Any],
        night_id: str,
        system: str,
        suppression: Suppression,
    ) -> None:
        self._connection = connection
        self._night_id = night_id
        self._system = system
        self._suppression = suppression

    def keep(self, delivery: Delivery, rejected: Sequence[Rejected]) -> None:
        """Store the rejected rows of a delivery at once, or none of them.

        Not those that say anything of somebody who was erased.
        """
        rejected = [row for row in rejected if not self._is_of_erased(row)]
        if not rejected:
            return
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(
                "create temporary table rejected on commit drop"
                f" as select {_COLUMNS} from ops.rejected_rows with no data"
            )
            with cursor.copy(f"copy rejected ({_COLUMNS}) from stdin") as copy:
                for row in rejected:
                    copy.write_row(
                        (
                            self._night_id,
                            "csv_export",
                            self._system,
                            delivery.entity.name,
                            delivery.path.name,
                            delivery.sha256,
                            row.line,
                            row.column,
                            row.value,
                            row.expected,
                            row.reason,
                            None if row.record is None else json.dumps(row.record),
                        )
                    )
            cursor.execute(
                f"insert into ops.rejected_rows ({_COLUMNS})"
                f" select {_COLUMNS} from rejected on conflict do nothing"
            )

    def _is_of_erased(self, row: Rejected) -> bool:
        told = (row.value, *(row.record or {}).values())
        return self._suppression.mentions(self._system, *told)
