"""Source ``marketo``: leads, their log, programs and members of one instance of Marketo Engage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from smarketing.sources.api.client import Client
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.marketo.api import Api
from smarketing.sources.marketo.jobs import Jobs
from smarketing.sources.marketo.settings import Settings
from smarketing.sources.marketo.source import MarketoSource
from smarketing.sources.marketo.vendor import Marketo, base_url

__all__ = ["MarketoSource", "Settings", "open_source"]


@contextmanager
def open_source(
    settings: Settings,
    connection: VendorConnection,
    known_at: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[MarketoSource]:
    """The instance behind an Airflow connection, as of a night."""
    vendor = Marketo(settings, connection, sleep=sleep)
    client = Client(vendor, base_url(connection), sleep=sleep)
    api = Api(client)
    try:
        yield MarketoSource(settings, api, Jobs(api, settings, sleep=sleep), known_at)
    finally:
        client.close()
