"""How the text of a file is written: encoding, separators, numbers, dates, zones."""

from __future__ import annotations

import codecs
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SAMPLE: Final = datetime(2001, 2, 3, 4, 5, 6)
"""A time whose parts all differ, so that a pattern that loses or swaps one is seen."""


class Strict(BaseModel):
    """A part of the mapping; an unknown key is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"no text encoding is called {name!r}; examples: utf-8, cp1252") from None
    return codecs.lookup(name).name


def _moment_pattern(pattern: str) -> str:
    if pattern != "iso" and _reread(pattern).hour != SAMPLE.hour:
        raise ValueError(f"{pattern!r} holds no hour; a pattern for days alone belongs to `date`")
    return pattern


def _day_pattern(pattern: str) -> str:
    if pattern != "iso":
        _reread(pattern)
    return pattern


def _reread(pattern: str) -> datetime:
    """Write the sample by a strptime pattern and read it back."""
    try:
        sample = datetime.strptime(SAMPLE.strftime(pattern), pattern)
    except ValueError as error:
        raise ValueError(f"{pattern!r} is not a strptime pattern: {error}") from None
    if sample.date() != SAMPLE.date():
        raise ValueError(f"{pattern!r} does not hold day, month and year")
    return sample


Character = Annotated[str, Field(min_length=1, max_length=1)]
OptionalCharacter = Annotated[str, Field(max_length=1)]


class Format(Strict):
    """Declared once for all files, refined for each.

    ``zone`` is where timestamps without an offset were written; undeclared, such timestamps
    are rejected. ``midnight_is_day_in`` names the zone whose days were exported as their first
    instant: such an instant is a day whose time is unknown. ``datetime`` and ``date`` are
    ``iso`` (ISO 8601) or a strptime pattern. ``empty`` lists the texts that mean "no value";
    ``true`` and ``false`` list the texts of a boolean, in any case.
    """

    encoding: Annotated[str, AfterValidator(_text_encoding)] = "utf-8"
    delimiter: Character = ","
    quote: OptionalCharacter = '"'
    decimal: Character = "."
    thousands: OptionalCharacter = ""
    zone: ZoneInfo | None = None
    midnight_is_day_in: ZoneInfo | None = None
    datetime: Annotated[str, AfterValidator(_moment_pattern)] = "iso"
    date: Annotated[str, AfterValidator(_day_pattern)] = "iso"
    empty: tuple[str, ...] = ("",)
    true: tuple[str, ...] = ("true", "t", "yes", "y", "1")
    false: tuple[str, ...] = ("false", "f", "no", "n", "0")

    @model_validator(mode="after")
    def _separators_differ(self) -> Format:
        if self.decimal == self.thousands:
            raise ValueError("`decimal` and `thousands` are the same character")
        if self.delimiter == self.quote:
            raise ValueError("`delimiter` and `quote` are the same character")
        return self
