"""Source ``hubspot``: contacts, companies, deals, engagements and marketing of one account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from smarketing.sources.api.client import Client
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.hubspot.api import Api
from smarketing.sources.hubspot.settings import Settings
from smarketing.sources.hubspot.source import HubSpotSource
from smarketing.sources.hubspot.vendor import BASE_URL, HubSpot

__all__ = ["HubSpotSource", "Settings", "open_source"]


@contextmanager
def open_source(
    settings: Settings,
    connection: VendorConnection,
    known_at: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[HubSpotSource]:
    """The account behind an Airflow connection, as of a night."""
    vendor = HubSpot(settings, connection, sleep=sleep, clock=clock)
    client = Client(vendor, connection.base_url or BASE_URL, sleep=sleep)
    try:
        yield HubSpotSource(settings, Api(client, is_dated=settings.api == "dated"), known_at)
    finally:
        client.close()
