"""Faults that strike on order: every nth call, on the calls that a script names."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal, Protocol, get_args

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smarketing.sandbox.vendors.clock import Clock

Kind = Literal[
    "status", "cut", "truncate", "slow", "hang", "expire", "change", "duplicate", "missing"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

# from here on a status is none of HTTP's, but a code that a vendor tells within a 200
_OWN_CODES = 600

_OF_ROWS: frozenset[Kind] = frozenset({"change", "duplicate", "missing"})


class Vendor(Protocol):
    """What faults and scripts ask of any vendor."""

    app: ASGIApp
    rows: str
    """The field that holds the rows of a page."""

    def failure(self, path: str, status: int) -> bytes:
        """Give the body of a refusal with that status, as the vendor words it."""

    def expire_tokens(self) -> None:
        """End every access token that can end."""

    def edit(self, path: str, rows: list[Any]) -> None:
        """Change the records of a page that was just read, as a colleague at work would."""

    def happen(self, event: str, **details: Any) -> None:
        """Let something happen to the company that its stories do not tell."""


@dataclass(frozen=True)
class Fault:
    """A fault: what happens, and to which calls.

    - ``status``: the call is refused with ``status``, in the vendor's words; from 600 on it is a
      code of the vendor's own, told within a 200;
    - ``cut``: the connection ends without an answer; ``truncate``: in the middle of it;
    - ``slow``: the answer takes ``seconds`` of the simulated clock; ``hang``: it never comes;
    - ``expire``: all access tokens end just before the call;
    - ``change``: the records of the page are edited just after it;
    - ``duplicate``, ``missing``: the page tells its first row twice, or leaves out its last.

    It strikes every ``every``\\ th call whose path contains ``path``, at most ``times`` times.
    """

    kind: Kind
    every: int = 1
    path: str = ""
    times: int | None = None
    status: int = 500
    seconds: float = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: one of {', '.join(KINDS)}, not {self.kind}")
        if self.every < 1:
            raise ValueError(f"every: at least 1, not {self.every}")


class Faults:
    """The faults in force, in front of a vendor's API (ASGI)."""

    def __init__(self, vendor: Vendor, clock: Clock) -> None:
        self._vendor = vendor
        self._clock = clock
        self._calls: dict[Fault, int] = {}

    def order(self, fault: Fault) -> None:
        """Let a fault strike from the next call on, counted anew."""
        self._calls[fault] = 0

    def clear(self) -> None:
        """Let no fault strike any more."""
        self._calls.clear()

    @property
    def in_force(self) -> list[Fault]:
        """The faults ordered, first to last."""
        return list(self._calls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        due = {fault.kind: fault for fault in self._strikes(path)}
        if "expire" in due:
            self._vendor.expire_tokens()
        if slow := due.get("slow"):
            await self._clock.sleep(slow.seconds)
        if "hang" in due:
            while (await receive())["type"] != "http.disconnect":
                pass
        elif "cut" in due:
            await _hang_up(send)
        elif refusal := due.get("status"):
            body = self._vendor.failure(path, refusal.status)
            status = refusal.status if refusal.status < _OWN_CODES else 200
            await _answer(send, status, [(b"content-type", b"application/json")], body)
        elif due.keys() & {"truncate", *_OF_ROWS}:
            await self._spoil(due, scope, receive, send)
        else:
            await self._vendor.app(scope, receive, send)

    def _strikes(self, path: str) -> list[Fault]:
        strikes = []
        for fault in self._calls:
            if fault.path in path:
                self._calls[fault] += 1
                turn, rest = divmod(self._calls[fault], fault.every)
                if rest == 0 and (fault.times is None or turn <= fault.times):
                    strikes.append(fault)
        return strikes

    async def _spoil(
        self, due: dict[Kind, Fault], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the vendor answer, and spoil the answer on its way."""
        start: Message = {}
        body = b""

        async def keep(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self._vendor.app(scope, receive, keep)
        if start["status"] < 300 and body and due.keys() & _OF_ROWS:
            content_type = dict(start["headers"]).get(b"content-type", b"")
            if content_type.startswith(b"application/json"):
                body = self._spoil_page(due, scope["path"], body)
            elif content_type.startswith(b"text/csv"):
                body = self._spoil_lines(due, scope["path"], body)
        headers = [header for header in start["headers"] if header[0] != b"content-length"]
        await _answer(send, start["status"], headers, body, is_cut="truncate" in due)

    def _spoil_page(self, due: dict[Kind, Fault], path: str, body: bytes) -> bytes:
        page = orjson.loads(body)
        rows = page.get(self._vendor.rows)
        if not rows:
            return body
        self._spoil_rows(due, path, rows)
        return orjson.dumps(page)

    def _spoil_lines(self, due: dict[Kind, Fault], path: str, body: bytes) -> bytes:
        """Spoil a page of CSV with commas."""
        lines = csv.DictReader(StringIO(body.decode(), newline=""))
        rows = list(lines)
        if not rows:
            return body
        self._spoil_rows(due, path, rows)
        text = StringIO(newline="")
        writer = csv.DictWriter(
            text, lines.fieldnames or (), lineterminator="\n", quoting=csv.QUOTE_ALL
        )
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    def _spoil_rows(self, due: dict[Kind, Fault], path: str, rows: list[Any]) -> None:
        if "change" in due:
            self._vendor.edit(path, rows)
        if "duplicate" in due:
            rows.insert(0, rows[0])
        if "missing" in due:
            rows.pop()


async def _answer(
    send: Send,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    *,
    is_cut: bool = False,
) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if is_cut:
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _hang_up(send)
    else:
        await send({"type": "http.response.body", "body": body})


async def _hang_up(send: Send) -> None:
    """End the connection once what was sent has left."""
    # ASGI has no word for it: the server's own end of `send` holds the connection
    send.__self__.transport.close()  # type: ignore[attr-defined]
    # the server learns of it in the next turns of its loop
    for _ in range(3):
        await asyncio.sleep(0)
