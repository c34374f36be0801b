"""The ledger of whom was erased: keyed hashes, with which nobody is found and everybody is known.

The key is a secret: of an e-mail address alone, whoever has the ledger could try all addresses. It
lies in ``SMARKETING_ERASURE_KEY`` or in the password of the Airflow connection
``smarketing_erasure``; of the embedded server, with its other secrets.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from smarketing.explained import ExplainedError
from smarketing.home import secret

CONNECTION_ID: Final = "smarketing_erasure"
CONNECTION_VARIABLE: Final = f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"
KEY_VARIABLE: Final = "SMARKETING_ERASURE_KEY"
ERASED: Final = "erased-"
"""How the id begins that takes the place of a person's."""

_SHORTEST_KEY: Final = 16
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_WORDS: Final = re.compile(r"""[^\s,;|"'<>()\[\]{}\\]+""")


class LedgerError(ExplainedError):
    """The ledger cannot be read or written; the message says why, and what to do."""


class Ledger:
    """Turns what names a person into entries of the ledger, by one key."""

    def __init__(self, key: str) -> None:
        if len(key) < _SHORTEST_KEY:
            raise LedgerError(
                f"The key of the erasure ledger has fewer than {_SHORTEST_KEY} characters and "
                f"could be guessed. Set {KEY_VARIABLE} to a long random one, such as "
                '`python -c "import secrets; print(secrets.token_hex(32))"` prints.'
            )
        self._key = key.encode()
        self.check = self._entry("check")
        """Equal for equal keys: so that another key is noticed."""

    def address(self, address: str) -> bytes:
        """The entry of an e-mail address, which is normalised."""
        return self._entry("address", normal_address(address) or address)

    def record(self, system: str, record: str) -> bytes:
        """The entry of a person's record."""
        return self._entry("record", system, record)

    def foreign_record(self, record: str) -> bytes:
        """The entry of a record of Salesforce's, as another system names it."""
        return self._entry("foreign record", record)

    def event(self, event: Sequence[str]) -> bytes:
        """The entry of an event that was one person's alone: its system, and what names it."""
        return self._entry("event", *event)

    def _entry(self, *parts: str) -> bytes:
        # half of SHA-256 is far beyond chance
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256")[:16]


def normal_address(text: str | None) -> str | None:
    """An e-mail address as identities are compared: trimmed, in lower case. None: it is none."""
    spelled = (text or "").strip().lower()
    return spelled if _ADDRESS.fullmatch(spelled) else None


def words(text: str) -> set[str]:
    """What in a text may be an address or an id."""
    found = {word.strip(".:") for word in _WORDS.findall(text)}
    return found | {part for word in found for part in re.split(r"[=:]", word)} - {""}


def is_anybody_erased(connection: Connection[Any]) -> bool:
    """Whether the ledger has an entry; also of a warehouse that has no ledger yet."""
    [(is_there,)] = connection.execute("select to_regclass('ops.erasure_ledger') is not null")
    return (
        is_there
        and connection.execute("select from ops.erasure_ledger limit 1").fetchone() is not None
    )


def read_entries(connection: Connection[Any]) -> tuple[set[bytes], bytes | None]:
    """All entries, and what their key must show; nothing where nobody was ever erased."""
    if not is_anybody_erased(connection):
        return set(), None
    with connection.cursor() as cursor:
        cursor.execute("select entry, key_check from ops.erasure_ledger")
        entries, check = set(), None
        for entry, check in cursor:  # noqa: B007
            entries.add(bytes(entry))
    return entries, check and bytes(check)


def open_ledger(connection: Connection[Any], key: str | None) -> tuple[Ledger | None, set[bytes]]:
    """The ledger with its entries; no ledger where nobody was ever erased and no key is set.

    Raises:
        LedgerError: people were erased, and the key is missing or another one.
    """
    entries, check = read_entries(connection)
    if key is None:
        if entries:
            raise LedgerError(
                "People were erased from this warehouse, and without the key of the ledger nobody "
                f"could keep them away. Set {KEY_VARIABLE}, or the password of the Airflow "
                f"connection {CONNECTION_ID}, to the key that they were erased with."
            )
        return None, entries
    ledger = Ledger(key)
    if check is not None and check != ledger.check:
        raise LedgerError(
            "The erasure ledger was written with another key than the one that is set, so that "
            f"those who were erased would come back. Set {KEY_VARIABLE}, or the password of the "
            f"Airflow connection {CONNECTION_ID}, to that key again."
        )
    return ledger, entries


def key_in_environment(*, is_embedded: bool) -> str | None:
    """The key for the command line.

    ``is_embedded``: the warehouse is the embedded server, whose key is made once.
    """
    if key := os.environ.get(KEY_VARIABLE):
        return key
    if os.environ.get(CONNECTION_VARIABLE):
        return key_in_task()
    return secret("erasure") if is_embedded else None


def key_in_task() -> str | None:
    """The key in a running task; None where none is set."""
    if key := os.environ.get(KEY_VARIABLE):
        return key
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(CONNECTION_ID).password or None
    except AirflowNotFoundException:
        return None
