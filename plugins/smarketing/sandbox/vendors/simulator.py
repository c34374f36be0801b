"""A vendor with a clock, faults, and doors for scripts: what a server serves."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from smarketing.sandbox.vendors.clock import Clock, as_text
from smarketing.sandbox.vendors.faults import Fault, Faults, Vendor

CONTROL = "/_sandbox"


class Simulator:
    """One vendor's API (ASGI), and beside it the paths under ``/_sandbox``:

    - ``GET /_sandbox``: the clock and the faults in force;
    - ``POST /_sandbox/clock``: ``{"now": "2026-10-20T02:00:00Z"}`` or ``{"advance": seconds}``;
    - ``POST /_sandbox/faults``: the fields of a `Fault`; ``DELETE`` ends them all;
    - ``POST /_sandbox/events``: ``{"event": ...}`` and what else the vendor asks for.
    """

    def __init__(self, vendor: Vendor, clock: Clock) -> None:
        self.clock = clock
        self.vendor = vendor
        self.faults = Faults(vendor, clock)
        self._control = Starlette(
            routes=[
                Route(CONTROL, self._tell),
                Route(f"{CONTROL}/clock", self._set_clock, methods=["POST"]),
                Route(f"{CONTROL}/faults", self._order_fault, methods=["POST"]),
                Route(f"{CONTROL}/faults", self._clear_faults, methods=["DELETE"]),
                Route(f"{CONTROL}/events", self._let_happen, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_control = scope["type"] == "http" and scope["path"].startswith(CONTROL)
        await (self._control if is_control else self.faults)(scope, receive, send)

    async def _tell(self, _: Request) -> Response:
        faults = [asdict(fault) for fault in self.faults.in_force]
        return _json({"now": as_text(self.clock.now()), "faults": faults})

    async def _set_clock(self, request: Request) -> Response:
        wish = await request.json()
        try:
            if "now" in wish:
                at = datetime.fromisoformat(wish["now"])
                self.clock.set(at if at.tzinfo else at.replace(tzinfo=UTC))
            else:
                self.clock.advance(float(wish["advance"]))
        except (KeyError, TypeError, ValueError) as error:
            return _json({"error": f'{{"now": instant}} or {{"advance": seconds}}: {error}'}, 400)
        return await self._tell(request)

    async def _order_fault(self, request: Request) -> Response:
        try:
            self.faults.order(Fault(**await request.json()))
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        return await self._tell(request)

    async def _clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return await self._tell(request)

    async def _let_happen(self, request: Request) -> Response:
        try:
            self.vendor.happen(**await request.json())
        except (KeyError, TypeError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        return await self._tell(request)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
