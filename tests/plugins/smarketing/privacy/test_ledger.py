"""The ledger knows whom it has, tells nobody who that is, and notices another key."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from smarketing.home import secret
from smarketing.privacy.ledger import (
    CONNECTION_VARIABLE,
    KEY_VARIABLE,
    Ledger,
    LedgerError,
    key_in_environment,
    key_in_task,
    normal_address,
    open_ledger,
    words,
)

KEY, OTHER = "a key of a decent length", "another key of that length"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ann@Example.COM\n", "ann@example.com"),
        ("\u00a0ann@example.com", "ann@example.com"),
        ("n/a", None),
        ("ann @example.com", None),
        ("a@b@c", None),
        (None, None),
    ],
)
def test_an_address_is_compared_as_identities_are(text: str | None, address: str | None) -> None:
    assert normal_address(text) == address


def test_an_entry_depends_on_the_key_and_on_what_it_is_of() -> None:
    ledger = Ledger(KEY)
    assert ledger.address("ann@example.com") == ledger.address(" Ann@example.com ")
    entries = {
        ledger.address("ann@example.com"),
        Ledger(OTHER).address("ann@example.com"),
        ledger.record("hubspot", "12"),
        ledger.record("marketo", "12"),
        ledger.foreign_record("12"),
        ledger.event(("hubspot", "", "12")),
        ledger.check,
    }
    assert len(entries) == 7


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(LedgerError, match="could be guessed") as error:
        Ledger("hunter2")
    assert "hunter2" not in str(error.value)


def test_a_ledger_without_its_key_stops_the_load(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        assert open_ledger(connection, None) == (None, set())
        connection.execute(
            "insert into ops.erasures"
            " (state, origin, erased_by, reason, person_count, record_count)"
            " values ('done', 'test', 'test', 'test', 1, 1)"
        )
        ledger = Ledger(KEY)
        connection.execute(
            "insert into ops.erasure_ledger select %s, %s, erasure_id from ops.erasures",
            [ledger.address("ann@example.com"), ledger.check],
        )
        assert open_ledger(connection, KEY)[1] == {ledger.address("ann@example.com")}
        with pytest.raises(LedgerError, match=KEY_VARIABLE):
            open_ledger(connection, None)
        with pytest.raises(LedgerError, match="another key"):
            open_ledger(connection, OTHER)


def test_the_key_of_the_embedded_server_is_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SMARKETING_HOME", str(tmp_path))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(CONNECTION_VARIABLE, raising=False)
    assert key_in_environment(is_embedded=False) is None
    made = key_in_environment(is_embedded=True)
    assert made == key_in_environment(is_embedded=True) == secret("erasure")
    assert secret("another") != made
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_the_key_is_the_environments_before_airflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv(CONNECTION_VARIABLE, f'{{"conn_type": "generic", "password": "{OTHER}"}}')
    assert key_in_task() == OTHER
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert key_in_task() == KEY


def test_words_are_whatever_an_address_or_an_id_may_stand_between() -> None:
    text = '12,"Ann <ann@example.com>",email=ann@b.example;crm:Zq-1 (x)'
    assert {"12", "ann@example.com", "ann@b.example", "Zq-1", "x"} <= words(text)
