"""Where a source's records can be opened, as its settings say, and as marts link to them."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator
from smarketing.warehouse.connection import connect

_PLACE: Final = "{id}"
# an address ends in a browser: https, a host, and nothing that would need escaping
_ADDRESS: Final = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?/[A-Za-z0-9._~:/?#@!$&*+,;=%-]*")


def _opens_a_record(pattern: str) -> str:
    if pattern.count(_PLACE) != 1 or not _ADDRESS.fullmatch(pattern.replace(_PLACE, "0")):
        raise ValueError(
            f"found {pattern!r}: not the address of a record; write it as https://host/path with "
            f"{_PLACE} once, where the record's id goes"
        )
    return pattern


RecordLink = Annotated[str, AfterValidator(_opens_a_record)]
"""The address at which a record of the source can be opened: ``https://.../{id}``."""


def remember_system(uri: str, source: str, system: str, record_link: str | None) -> None:
    """Write down which source tells of a system, and where its records can be opened.

    An address that changed takes the place of the one before: it says where a record stands today,
    whatever day the marts speak for.
    """
    with connect(uri, "loader") as connection:
        connection.execute(
            """
            insert into ops.systems (system, source, record_link) values (%s, %s, %s)
            on conflict (system) do update
                set source = excluded.source, record_link = excluded.record_link
            """,
            (system, source, record_link),
        )
