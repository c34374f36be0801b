from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from smarketing.sources.csv_export.entities import Kind
from smarketing.sources.csv_export.formats import Format
from smarketing.sources.csv_export.values import Reading, UnreadableError


def read(kind: Kind, text: str, **declared: Any) -> object:
    return Reading.of(kind, Format.model_validate(declared)).parse(text)


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("1234.50", {}, "1234.5"),
        (" -7 ", {}, "-7"),
        ("+.5", {}, "0.5"),
        ("1e3", {}, "1000"),
        ("1.234.567,89", {"decimal": ",", "thousands": "."}, "1234567.89"),
        ("1234567,89", {"decimal": ",", "thousands": "."}, "1234567.89"),
        ("1'000.5", {"thousands": "'"}, "1000.5"),
        ("12\u202f500,00", {"decimal": ",", "thousands": "\u202f"}, "12500"),
        ("9" * 29 + ".000000001", {}, "9" * 29 + ".000000001"),
    ],
)
def test_numbers_are_exact(text: str, declared: dict[str, str], value: str) -> None:
    assert read("number", text, **declared) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "declared", "reason"),
    [
        ("twelve", {}, "not a number"),
        ("NaN", {}, "not a number"),
        ("1_000", {}, "not a number"),
        ("١٢", {}, "not a number"),
        ("1,5", {}, "not a number"),
        ("1.5", {"decimal": ",", "thousands": "."}, "not a number"),
        ("1.2345,0", {"decimal": ",", "thousands": "."}, "not a number"),
        ("0.0000000001", {}, "more than 9 digits after"),
        ("1" * 30, {}, "more than 29 digits before"),
        ("1e999999999999", {}, "more than 29 digits before"),
    ],
)
def test_unreadable_numbers(text: str, declared: dict[str, str], reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read("number", text, **declared)


def test_integers() -> None:
    assert read("integer", "12.0") == 12
    assert read("integer", str(2**63 - 1)) == 2**63 - 1
    with pytest.raises(UnreadableError, match="not a whole number"):
        read("integer", "12.5")
    with pytest.raises(UnreadableError, match="64 bits"):
        read("integer", str(2**63))


def test_booleans_are_those_declared() -> None:
    assert read("boolean", "Yes") is True
    assert read("boolean", "0") is False
    assert read("boolean", "SÍ", true=["sí"], false=["no"]) is True
    with pytest.raises(UnreadableError):
        read("boolean", "yes", true=["sí"], false=["no"])


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("2018-02-01", {}, date(2018, 2, 1)),
        ("20180201", {}, date(2018, 2, 1)),
        ("01.02.2018", {"date": "%d.%m.%Y"}, date(2018, 2, 1)),
        ("1 February 2018", {"date": "%d %B %Y"}, date(2018, 2, 1)),
        ("01/02/2018", {"date": "%d/%m/%Y", "datetime": "%d/%m/%Y %H:%M"}, date(2018, 2, 1)),
    ],
)
def test_a_day_is_not_a_midnight(text: str, declared: dict[str, str], value: date) -> None:
    kinds: list[Kind] = ["date", "moment"]
    for kind in kinds:
        found = read(kind, text, zone="UTC", **declared)
        assert type(found) is date
        assert found == value


@pytest.mark.parametrize(
    ("text", "declared", "utc"),
    [
        ("2018-02-01T14:30:00Z", {}, "2018-02-01T14:30"),
        ("2018-02-01 14:30:00.123456+05:30", {}, "2018-02-01T09:00:00.123456"),
        ("2018-02-01T14:30:00-02:00", {"zone": "Asia/Tokyo"}, "2018-02-01T16:30"),
        ("2018-02-01 00:00", {"zone": "Asia/Tokyo"}, "2018-01-31T15:00"),
        (
            "01/02/2018 2:30 PM",
            {"datetime": "%d/%m/%Y %I:%M %p", "zone": "UTC"},
            "2018-02-01T14:30",
        ),
        # of the hour that happens twice, the first
        ("2024-10-27T02:30", {"zone": "Europe/Madrid"}, "2024-10-27T00:30"),
    ],
)
def test_times_become_utc(text: str, declared: dict[str, str], utc: str) -> None:
    assert read("moment", text, **declared) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "reason"),
    [
        ("2018-02-01T14:30", None, "declares no zone"),
        ("2024-03-31T02:30", "Europe/Madrid", "clocks of Europe/Madrid skipped"),
        ("2018-02-30", "UTC", "neither a time nor a day"),
        ("yesterday", "UTC", "neither a time nor a day"),
        ("0001-01-01T00:00", "Asia/Tokyo", "outside the years"),
    ],
)
def test_unreadable_moments(text: str, zone: str | None, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read("moment", text, zone=zone)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2018-03-01 03:00:00", date(2018, 3, 1)),
        ("2018-02-01 02:00:00", date(2018, 2, 1)),
        # clocks skipped midnight: the day began at 01:00, two hours behind UTC
        ("2017-10-15 03:00:00", date(2017, 10, 15)),
        ("2018-03-01 03:00:01", datetime(2018, 3, 1, 3, 0, 1, tzinfo=UTC)),
        ("2018-03-01 02:00:00", datetime(2018, 3, 1, 2, tzinfo=UTC)),
    ],
)
def test_an_exported_local_midnight_is_a_day(text: str, value: date) -> None:
    found = read("moment", text, zone="UTC", midnight_is_day_in="America/Sao_Paulo")
    assert (type(found), found) == (type(value), value)


def test_expectations_speak_the_declared_format() -> None:
    declared = Format.model_validate(
        {"decimal": ",", "thousands": ".", "date": "%d.%m.%Y", "datetime": "%d.%m.%Y %H:%M"}
    )
    assert Reading.of("number", declared).expected == "a number such as 1.234,5"
    assert Reading.of("moment", declared).expected == (
        "a time such as 03.02.2001 04:05+00:00 (or declare `zone`) or a day such as 03.02.2001"
    )
