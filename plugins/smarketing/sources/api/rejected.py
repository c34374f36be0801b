"""Values that could not be read, kept aside with the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from psycopg import Connection
from smarketing.sources.api.tables import Unreadable


def keep_aside(
    connection: Connection[Any],
    night_id: str,
    schema: str,
    system: str,
    unreadable: Sequence[Unreadable],
) -> None:
    """Store them in ``ops.rejected_rows``; what is there from an earlier reading stays.

    An API has no files and no lines: the record's key stands in their place.
    """
    if not unreadable:
        return
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.rejected_rows (night_id, source, system, entity, file, file_sha,"
            " line, column_name, value, expected, reason, record)"
            " values (%s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s, %s) on conflict do nothing",
            [
                (
                    night_id,
                    schema,
                    system,
                    fault.table,
                    fault.key,
                    blake2b(fault.value.encode(), digest_size=16).hexdigest(),
                    fault.column,
                    fault.value,
                    fault.expected,
                    "the record is left out" if fault.is_row_lost else "the value is left out",
                    json.dumps({fault.column: fault.value}),
                )
                for fault in unreadable
            ],
        )
