"""Calls to a vendor: within its limits, with its own rules of what to try again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

import httpx
import orjson
from smarketing.sources.api.limits import Sleep
from smarketing.sources.api.tables import printable
from smarketing.sources.errors import ExhaustedError, SourceError, UnreachableError

_TRIES: Final = 6
_LONGEST_WAIT: Final = 60.0
_LONGEST_MESSAGE: Final = 300
_TIMEOUT: Final = httpx.Timeout(60, connect=10)
_CUT_OFF: Final = (httpx.TransportError, httpx.DecodingError)
_NO_JSON: Final = (json.JSONDecodeError, UnicodeDecodeError)
_CHECK_CREDENTIALS: Final = "Check the credentials in the Airflow connection."


@dataclass(frozen=True)
class Again:
    """The call may succeed later: in ``seconds``, or where those are unknown after a while."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True)
class Renew:
    """The access token has ended; a new one may do."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The call will never succeed as it is; ``advice`` is what somebody can do.

    ``code`` is the vendor's own word for the refusal, for a caller who knows what to do about it.
    ``is_of_all``: nor will any other.
    """

    reason: str
    advice: str
    code: str = ""
    is_of_all: bool = False


Verdict = Again | Renew | Refused


class RefusedError(SourceError):
    """A call that a vendor refused. ``code`` is as in `Refused`."""

    def __init__(self, fault: str, code: str) -> None:
        super().__init__([fault])
        self.code = code


class Vendor(Protocol):
    """The manners of one vendor."""

    name: str

    def before(self, path: str) -> None:
        """Wait for the vendor's limits to allow a call."""

    def headers(self, client: Client) -> Mapping[str, str]:
        """What proves who calls; asks for an access token where there is none, or it ends."""

    def renew(self) -> bool:
        """Forget the access token; false where there is none to be had."""

    def judge(self, answer: httpx.Response) -> Verdict | None:
        """What became of a call; None: it succeeded."""


class Client:
    """Speaks to one vendor; safe to share between threads.

    A call that is cut off, or refused for now, is made again: all calls of an extraction read.
    """

    def __init__(self, vendor: Vendor, base_url: str, *, sleep: Sleep = time.sleep) -> None:
        self.vendor = vendor
        self._sleep = sleep
        self._http = httpx.Client(base_url=base_url, timeout=_TIMEOUT)

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def call_at(self, base_url: str) -> None:
        """Call there from now on: a vendor may say only with a token where it is good."""
        self._http.base_url = httpx.URL(base_url)

    def json(self, method: str, path: str, **request: Any) -> Any:
        """The content of an answer; ``request`` is as for ``httpx.Client.request``.

        Raises:
            RefusedError: the vendor refuses, and would refuse again.
            SourceError: the credentials are not those of the vendor.
            UnreachableError: the vendor is not well, or has no calls left, after several tries.
        """
        return self._call(method, path, lambda answer: parsed(answer.content), request)

    def answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The whole answer, for whoever needs its headers. Raises as ``json`` does."""
        answer: httpx.Response = self._call(method, path, lambda answer: answer, request)
        return answer

    @contextmanager
    def stream(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """An answer that is read as it comes. Where it is cut, it is the caller's to go on.

        Raises as ``json`` does until the first byte, and httpx.TransportError after it.
        """
        answer = self._call(method, path, lambda answer: answer, request, is_streamed=True)
        try:
            yield answer
        finally:
            answer.close()

    def download(self, method: str, path: str, into: IO[bytes], **request: Any) -> httpx.Headers:
        """Put an answer of any length into a file; gives its headers.

        What is cut off is asked for anew, from its beginning. Raises as ``json`` does.
        """

        def save(answer: httpx.Response) -> httpx.Headers:
            with closing(answer):
                into.seek(0)
                into.truncate()
                for part in answer.iter_bytes():
                    into.write(part)
            return answer.headers

        headers: httpx.Headers = self._call(method, path, save, request, is_streamed=True)
        return headers

    def post_for_token(
        self,
        path: str,
        form: Mapping[str, str],
        judge: Callable[[httpx.Response], Verdict | None] = lambda _: None,
    ) -> Mapping[str, Any]:
        """Ask for an access token. What was sent never reaches a message.

        ``judge`` knows refusals that are not for the credentials. Raises as ``json`` does.
        """
        tries = _Tries(self.vendor, path, self._sleep)
        while True:
            try:
                answer = self._http.post(path, data=dict(form))
                if answer.status_code < 300:
                    return dict(parsed(answer.content))
            except (*_CUT_OFF, *_NO_JSON) as error:
                tries.consider(Again(f"no access token was given ({type(error).__name__})"))
                continue
            reason = f"no access token was given (status {answer.status_code})"
            if verdict := judge(answer):
                tries.consider(verdict)
            elif answer.status_code >= 500:
                tries.consider(Again(reason))
            else:
                tries.consider(Refused(reason, _CHECK_CREDENTIALS))

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[httpx.Response], Any],
        request: dict[str, Any],
        *,
        is_streamed: bool = False,
    ) -> Any:
        given = request.pop("headers", {})
        tries = _Tries(self.vendor, path, self._sleep)
        while True:
            self.vendor.before(path)
            verdict: Verdict | None
            try:
                proof = self.vendor.headers(self)
                tries.hide(proof)
                headers = {**proof, **given}
                asked = self._http.build_request(method, path, headers=headers, **request)
                answer = self._http.send(asked, stream=is_streamed)
                if is_streamed and answer.status_code >= 300:
                    answer.read()
                verdict = self.vendor.judge(answer)
                if verdict is None:
                    return read(answer)
                answer.close()
            except _CUT_OFF as error:
                verdict = Again(f"the connection failed ({type(error).__name__})")
            except _NO_JSON:
                verdict = Again("the answer is cut off, or is no JSON")
            tries.consider(verdict)


class _Tries:
    """How often one call has been made, and whether it is worth another try."""

    def __init__(self, vendor: Vendor, path: str, sleep: Sleep) -> None:
        self._vendor = vendor
        self._place = f"{vendor.name}, {path}"
        self._sleep = sleep
        self._made = 0
        self._has_renewed = False
        self._hidden: list[str] = []

    def hide(self, proof: Mapping[str, str]) -> None:
        """Keep out of messages what proves who calls: a vendor may say it back."""
        self._hidden = [value.rpartition(" ")[2] for value in proof.values()]

    def consider(self, verdict: Verdict) -> None:
        """Wait until another try may succeed.

        Raises:
            SourceError: it never will; ExhaustedError: nor will any other.
            UnreachableError: it has been tried often enough.
        """
        reason = verdict.reason
        for secret in filter(None, self._hidden):
            reason = reason.replace(secret, "…")
        reason = one_line(reason)
        if isinstance(verdict, Refused):
            fault = f"{self._place}: {reason}. {verdict.advice}"
            if verdict.is_of_all:
                raise ExhaustedError([fault])
            raise RefusedError(fault, verdict.code)
        if isinstance(verdict, Renew):
            # a token that was made a moment ago is not refused for its age
            if self._has_renewed or not self._vendor.renew():
                raise SourceError([f"{self._place}: {reason}. {_CHECK_CREDENTIALS}"])
            self._has_renewed = True
            return
        wait = 2.0**self._made if verdict.seconds is None else verdict.seconds
        self._made += 1
        if self._made == _TRIES or wait > _LONGEST_WAIT:
            raise UnreachableError(
                f"{self._place}: {reason}, at try {self._made}. Nothing is lost: what was read "
                "is kept, and the next run goes on from there."
            )
        self._sleep(wait)


def parsed(content: bytes) -> Any:
    """JSON as vendors write it. Raises what ``_NO_JSON`` names where it is none, or a part.

    Half a character in one value does not make the others unreadable.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def one_line(text: str) -> str:
    """What a vendor says, fit for a log: one line, without surprises, not too long."""
    line = " ".join(printable(text[: 4 * _LONGEST_MESSAGE]).split())
    return "".join(c if c.isprintable() else "?" for c in line)[:_LONGEST_MESSAGE]
