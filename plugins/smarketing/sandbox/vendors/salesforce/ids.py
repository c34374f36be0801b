"""Salesforce's ids: three letters for the object, and twelve that say which; 15 or 18 in all.

The last three of 18 say which of the others are capitals, for those who cannot tell the case.
"""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# the part of an id that names the server
_SERVER = "Qi0"


def number_of(text: str) -> int:
    """The number of what the stories know by an id of letters and digits."""
    return int("1" + "".join(character for character in text if character.isdigit()))


def id_of(prefix: str, number: int) -> str:
    """The id with 18 characters; ids of one prefix are in the order of their numbers."""
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return with_checksum(f"{prefix}{_SERVER}{digits:0>9}")


def with_checksum(short: str) -> str:
    """The id with 18 characters of one with 15."""
    checks = ""
    for begin in (0, 5, 10):
        part = short[begin : begin + 5]
        checks += _CHECKS[sum(letter.isupper() << place for place, letter in enumerate(part))]
    return short + checks


def full_id(text: str) -> str | None:
    """The id with 18 characters that a text of 15 or 18 means; nothing where it is none."""
    if not (text.isascii() and text.isalnum()) or len(text) not in (15, 18):
        return None
    full = with_checksum(text[:15])
    return full if len(text) == 15 or text == full else None
