"""The company's systems as one: what a night of the built-in company reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smarketing.sandbox.company import Company
from smarketing.sandbox.vendors.clock import Clock
from smarketing.sandbox.vendors.hubspot import HubSpot
from smarketing.sandbox.vendors.marketo import Marketo
from smarketing.sandbox.vendors.salesforce import Salesforce
from smarketing.sandbox.vendors.serve import serving
from smarketing.sandbox.vendors.simulator import Simulator


@dataclass(frozen=True)
class Door:
    """Where a simulator is reached, and the Airflow connection that opens it."""

    name: str
    simulator: Simulator
    connection: dict[str, Any]

    def at(self, url: str) -> dict[str, Any]:
        """The connection to the simulator that is served at a URL."""
        return {"conn_type": "http", "host": url, **self.connection}


def doors(company: Company, clock: Clock, *, throttled: bool) -> list[Door]:
    """All systems of the company, not yet served.

    Unless ``throttled``, they refuse no call for being one too many, and keep nobody waiting.
    """
    hubspot = HubSpot(company, clock, throttled=throttled)
    salesforce = Salesforce(company, clock, throttled=throttled)
    marketo = Marketo(company, clock, throttled=throttled)
    app = {
        "client_id": salesforce.keys.client_id,
        "client_secret": salesforce.keys.client_secret,
    }
    service = {"login": marketo.keys.client_id, "password": marketo.keys.client_secret}
    return [
        Door("hubspot", Simulator(hubspot, clock), {"password": hubspot.keys.private}),
        Door("salesforce", Simulator(salesforce, clock), {"extra": app}),
        Door("marketo", Simulator(marketo, clock), service),
    ]


@contextmanager
def serving_company(company: Company, at: datetime) -> Iterator[dict[str, str]]:
    """Serve the company as it stands at an instant; gives the Airflow connections as variables."""
    with ExitStack() as stack:
        variables = {}
        for door in doors(company, Clock(at), throttled=False):
            url = stack.enter_context(serving(door.simulator))
            variables[f"AIRFLOW_CONN_{door.name.upper()}"] = json.dumps(door.at(url))
        yield variables
