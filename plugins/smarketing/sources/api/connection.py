"""Where a vendor is reached, and what proves who asks: from an Airflow connection, only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smarketing.sources.errors import SourceError


@dataclass(frozen=True)
class VendorConnection:
    """An Airflow connection. What is secret in it is not shown by ``repr``.

    ``base_url`` is empty where the connection names no host.
    """

    name: str
    base_url: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def require(self, name: str, meaning: str) -> str:
        """A field of the connection's extra.

        Raises:
            SourceError: it is not there.
        """
        if value := self.extra.get(name):
            return str(value)
        raise SourceError(
            [f"Airflow connection {self.name}: extra has no {name} ({meaning}). Add it."]
        )


def connection_in_task(name: str) -> VendorConnection:
    """The Airflow connection of a name; called inside a running task."""
    from airflow.sdk import BaseHook

    found = BaseHook.get_connection(name)
    base_url = ""
    if found.host:
        scheme = found.schema or "https"
        port = f":{found.port}" if found.port else ""
        base_url = found.host if "://" in found.host else f"{scheme}://{found.host}{port}"
    return VendorConnection(
        name, base_url, found.login or "", found.password or "", found.extra_dejson
    )
