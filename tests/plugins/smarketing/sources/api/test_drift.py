"""When a vendor's fields change: taken, reported, or a stop."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from smarketing.sources.api.drift import Decision, VendorField, decide
from smarketing.sources.errors import SourceError

FIELDS = (
    VendorField("email", "string"),
    VendorField("score", "number", is_own=True),
    VendorField("shoe_size", "number", is_own=True),
    VendorField("diagnosis", "string", is_own=True, is_sensitive=True),
    VendorField("internal", "string", is_own=True),
)
COLUMNS = {"email": "email", "points": "score"}


def decided(
    *fields: VendorField,
    known: Mapping[str, str] | None = None,
    columns: Mapping[str, str] = COLUMNS,
) -> Decision:
    return decide("Contacts", fields, columns=columns, never=("internal",), known=known)


def test_own_fields_are_read_but_what_is_sensitive_or_excluded() -> None:
    decision = decided(*FIELDS)
    assert decision.own == ("shoe_size",)
    assert decision.types == {"email": "string", "score": "number", "shoe_size": "number"}
    assert decision.notes == ()


def test_what_changed_is_reported() -> None:
    known = {"email": "text", "score": "number", "hat_size": "number"}
    assert decided(*FIELDS, known=known).notes == (
        "Contacts: new field shoe_size (number), read from now on",
        "Contacts: email was text and is string now",
        "Contacts: field hat_size is gone",
    )


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("scores", "no field scores, which fills our points. Did you mean score?"),
        ("xyzzy", "no field xyzzy, which fills our points. Correct the mapping"),
        ("diagnosis", "diagnosis is sensitive and is never asked for"),
        ("internal", "internal is sensitive and is never asked for"),
    ],
)
def test_a_column_that_cannot_be_filled_stops_the_stream(column: str, said: str) -> None:
    with pytest.raises(SourceError, match=said.replace("?", r"\?")):
        decided(*FIELDS, columns={"points": column})


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SourceError) as stopped:
        decided(columns={"a": "b", "c": "d"})
    assert len(stopped.value.faults) == 2
