"""Source ``salesforce``: leads, contacts, deals and activities of one org."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from smarketing.sources.api.client import Client
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.salesforce.api import Api
from smarketing.sources.salesforce.settings import Settings
from smarketing.sources.salesforce.source import SalesforceSource
from smarketing.sources.salesforce.vendor import LOGIN_URL, Salesforce

__all__ = ["SalesforceSource", "Settings", "open_source"]


@contextmanager
def open_source(
    settings: Settings,
    connection: VendorConnection,
    known_at: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[SalesforceSource]:
    """The org behind an Airflow connection, as of a night."""
    vendor = Salesforce(settings, connection)
    client = Client(vendor, connection.base_url or LOGIN_URL, sleep=sleep)
    try:
        api = Api(client, settings.api, sleep=sleep)
        yield SalesforceSource(settings, api, known_at, sleep=sleep)
    finally:
        client.close()
