"""What becomes of a call: tried again as often as it may help, and never where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from smarketing.sources.api.client import (
    Again,
    Client,
    Refused,
    RefusedError,
    Renew,
    Verdict,
    one_line,
    parsed,
)
from smarketing.sources.errors import ExhaustedError, SourceError, UnreachableError

SECRET = "s3cr3t-t0k3n"  # noqa: S105 (opens nothing)


class Vendor:
    """A vendor that judges calls as it is told."""

    name = "Vendor"

    def __init__(self, *verdicts: Verdict | None, can_renew: bool = True) -> None:
        self.verdicts = list(verdicts)
        self.can_renew = can_renew
        self.renewals = 0
        self.asked = 0

    def before(self, path: str) -> None:
        self.asked += 1

    def headers(self, client: Client) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {SECRET}"}

    def renew(self) -> bool:
        self.renewals += 1
        return self.can_renew

    def judge(self, answer: httpx.Response) -> Verdict | None:
        return self.verdicts.pop(0) if self.verdicts else None


Call = Callable[..., Any]
Answer = Callable[[httpx.Request], httpx.Response]


def called(
    vendor: Vendor, answer: Answer = lambda _: httpx.Response(200, json={"a": 1})
) -> tuple[Any, list[float]]:
    waits: list[float] = []
    client = Client(vendor, "http://vendor", sleep=waits.append)
    client._http = httpx.Client(base_url="http://vendor", transport=httpx.MockTransport(answer))
    try:
        return client.json("GET", "/things"), waits
    except (SourceError, UnreachableError) as error:
        return error, waits


def test_what_may_succeed_later_is_tried_six_times_with_longer_waits() -> None:
    told, waits = called(Vendor(*[Again("busy")] * 5))
    assert (told, waits) == ({"a": 1}, [1, 2, 4, 8, 16])
    vendor = Vendor(*[Again("busy")] * 9)
    error, waits = called(vendor)
    assert isinstance(error, UnreachableError)
    assert "Vendor, /things: busy, at try 6" in str(error)
    assert (vendor.asked, waits) == (6, [1, 2, 4, 8, 16])


def test_the_vendor_says_how_long_to_wait_within_reason() -> None:
    assert called(Vendor(Again("busy", 10), Again("busy", 0.5)))[1] == [10, 0.5]
    error, waits = called(Vendor(Again("moving", 3600)))
    assert isinstance(error, UnreachableError)
    assert waits == []


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Refused("no", "Ask."), RefusedError),
        (Refused("no more today", "Wait.", is_of_all=True), ExhaustedError),
    ],
)
def test_what_cannot_succeed_is_not_tried_again(verdict: Refused, error: type[Exception]) -> None:
    vendor = Vendor(verdict)
    told, waits = called(vendor)
    assert type(told) is error
    assert str(told) == f"Vendor, /things: {verdict.reason}. {verdict.advice}"
    assert (vendor.asked, waits) == (1, [])


def test_a_token_is_renewed_once() -> None:
    vendor = Vendor(Renew("expired"))
    assert called(vendor)[0] == {"a": 1}
    assert vendor.renewals == 1
    for vendor in (Vendor(Renew("x"), Renew("x")), Vendor(Renew("x"), can_renew=False)):
        told, _ = called(vendor)
        assert isinstance(told, SourceError)
        assert "Check the credentials" in str(told)
        assert vendor.renewals == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (httpx.ConnectError(SECRET), "the connection failed (ConnectError)"),
        (httpx.ReadTimeout(SECRET), "the connection failed (ReadTimeout)"),
        (httpx.RemoteProtocolError(SECRET), "the connection failed (RemoteProtocolError)"),
        (httpx.Response(200, content=b'{"a":'), "the answer is cut off, or is no JSON"),
        (httpx.Response(200, content=b"\xff{}"), "the answer is cut off, or is no JSON"),
    ],
)
def test_what_is_cut_off_is_tried_again(fault: Any, said: str) -> None:
    faults = [fault]

    def answer(_: httpx.Request) -> httpx.Response:
        if not faults:
            return httpx.Response(200, json={"a": 1})
        found = faults.pop()
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, content=found.content)

    assert called(Vendor(), answer) == ({"a": 1}, [1])
    faults += [fault] * 9
    error, _ = called(Vendor(), answer)
    assert said in str(error)
    assert SECRET not in str(error)


def test_a_message_is_one_printable_line_without_secrets() -> None:
    hostile = f"no\nway\r\x00\x1b[31m\ud800 {SECRET}\u202e " + "long " * 1000
    for verdict in (Refused(hostile, "Ask."), Renew(hostile)):
        message = str(called(Vendor(verdict, verdict))[0])
        assert message.isprintable()
        assert len(message) < 450
        assert SECRET not in message
    message = str(called(Vendor(*[Again(hostile)] * 6))[0])
    assert message.isprintable()
    assert SECRET not in message


def test_half_a_character_does_not_spoil_a_page() -> None:
    assert parsed(b'{"a": "\\ud800", "b": 1}') == {"a": "\ud800", "b": 1}
    assert one_line("\ud800").isprintable()


def test_what_asks_for_a_token_is_in_no_message() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=f"{request.content!r} is wrong")

    client = Client(Vendor(), "http://vendor", sleep=lambda _: None)
    client._http = httpx.Client(base_url="http://vendor", transport=httpx.MockTransport(answer))
    with pytest.raises(SourceError) as refused:
        client.post_for_token("/token", {"client_secret": SECRET})
    assert SECRET not in str(refused.value)
    assert "status 400" in str(refused.value)
