"""Text of a cell into a value of its kind, as declared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from smarketing.sources.csv_export.entities import Kind
from smarketing.sources.csv_export.formats import SAMPLE, Format

Value: TypeAlias = str | int | Decimal | bool | date | datetime

DECIMAL_DIGITS: Final = 38
DECIMAL_PLACES: Final = 9

_STEP: Final = Decimal(1).scaleb(-DECIMAL_PLACES)
_EXACT: Final = Context(prec=DECIMAL_DIGITS, traps=[Inexact, InvalidOperation])
_LONGEST_ISO_DAY: Final = len("2018-W05-4")


class UnreadableError(ValueError):
    """A text is not a value of its kind; the message says why."""


@dataclass(frozen=True)
class Reading:
    """How the cells of one column are read.

    ``parse`` raises UnreadableError; ``expected`` tells a person which texts it takes.
    """

    parse: Callable[[str], Value]
    expected: str

    @classmethod
    def of(cls, kind: Kind, declared: Format) -> Reading:
        """Choose the reading of a kind. A moment is read as a ``datetime`` in UTC or a ``date``."""
        match kind:
            case "text":
                return cls(str, "text")
            case "integer":
                return cls(_integer(declared), f"a whole number such as {_example(1234, declared)}")
            case "number":
                return cls(_number(declared), f"a number such as {_example(1234.5, declared)}")
            case "boolean":
                texts = ", ".join(declared.true + declared.false)
                return cls(_boolean(declared), f"one of {texts}")
            case "date":
                return cls(_day(declared), f"a day such as {_day_example(declared)}")
            case "moment":
                return cls(
                    _moment(declared),
                    f"a time such as {_moment_example(declared)} or a day such as"
                    f" {_day_example(declared)}",
                )


def _example(number: float, declared: Format) -> str:
    swap = {",": declared.thousands, ".": declared.decimal}
    return "".join(swap.get(character, character) for character in f"{number:,}")


def _day_example(declared: Format) -> str:
    pattern = "%Y-%m-%d" if declared.date == "iso" else declared.date
    return SAMPLE.strftime(pattern)


def _moment_example(declared: Format) -> str:
    pattern = "%Y-%m-%dT%H:%M:%S" if declared.datetime == "iso" else declared.datetime
    offset = "" if declared.zone or "%z" in pattern else "+00:00 (or declare `zone`)"
    return SAMPLE.replace(tzinfo=UTC).strftime(pattern) + offset


def _number(declared: Format) -> Callable[[str], Decimal]:
    decimal, thousands = re.escape(declared.decimal), re.escape(declared.thousands)
    whole = rf"\d+|\d{{1,3}}(?:{thousands}\d{{3}})+" if thousands else r"\d+"
    # Groups are checked: taking 1.5 for 15 because "." was declared as thousands is silent.
    shape = re.compile(
        rf"[+-]?(?:(?:{whole})(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?", re.ASCII
    )
    is_plain = declared.decimal == "." and not declared.thousands

    def parse(text: str) -> Decimal:
        text = text.strip()
        if not shape.fullmatch(text):
            raise UnreadableError("not a number")
        if not is_plain:
            text = text.replace(declared.thousands, "").replace(declared.decimal, ".")
        try:
            return _EXACT.quantize(Decimal(text), _STEP)
        except InvalidOperation:
            raise UnreadableError(
                f"more than {DECIMAL_DIGITS - DECIMAL_PLACES} digits before the decimal sign"
            ) from None
        except Inexact:
            raise UnreadableError(
                f"more than {DECIMAL_PLACES} digits after the decimal sign"
            ) from None

    return parse


def _integer(declared: Format) -> Callable[[str], int]:
    number = _number(declared)

    def parse(text: str) -> int:
        value = number(text)
        if value != (whole := int(value)):
            raise UnreadableError("not a whole number")
        if not -(2**63) <= whole < 2**63:
            raise UnreadableError("beyond 64 bits")
        return whole

    return parse


def _boolean(declared: Format) -> Callable[[str], bool]:
    values = {text.lower(): False for text in declared.false}
    values |= {text.lower(): True for text in declared.true}

    def parse(text: str) -> bool:
        try:
            return values[text.strip().lower()]
        except KeyError:
            raise UnreadableError("neither true nor false") from None

    return parse


def _day(declared: Format) -> Callable[[str], date]:
    pattern = declared.date

    def parse(text: str) -> date:
        text = text.strip()
        try:
            if pattern == "iso":
                return date.fromisoformat(text)
            return datetime.strptime(text, pattern).date()
        except ValueError:
            raise UnreadableError("not a day") from None

    return parse


def _moment(declared: Format) -> Callable[[str], datetime | date]:
    pattern, day = declared.datetime, _day(declared)
    to_utc = _to_utc(declared.zone)
    midnight_zone = declared.midnight_is_day_in

    def parse(text: str) -> datetime | date:
        text = text.strip()
        try:
            if pattern != "iso":
                local = datetime.strptime(text, pattern)
            elif len(text) <= _LONGEST_ISO_DAY:
                # datetime.fromisoformat would make a midnight of it.
                return day(text)
            else:
                local = datetime.fromisoformat(text)
        except ValueError:
            try:
                return day(text)
            except UnreadableError:
                raise UnreadableError("neither a time nor a day") from None
        try:
            instant = to_utc(local)
            begun = midnight_zone and _day_begun(instant, midnight_zone)
        except OverflowError:
            raise UnreadableError("outside the years 1 to 9999") from None
        return begun or instant

    return parse


def _to_utc(zone: ZoneInfo | None) -> Callable[[datetime], datetime]:
    """Make the conversion of local times; of an hour that happens twice the first is taken."""
    is_utc = zone is not None and zone.key in {"UTC", "Etc/UTC"}

    def convert(local: datetime) -> datetime:
        if local.tzinfo is not None:
            return local.astimezone(UTC)
        if zone is None:
            raise UnreadableError("no offset from UTC, and the mapping declares no zone")
        if is_utc:
            return local.replace(tzinfo=UTC)
        there = local.replace(tzinfo=zone)
        instant = there.astimezone(UTC)
        if instant.astimezone(zone) != there:
            raise UnreadableError(f"the clocks of {zone.key} skipped this time")
        return instant

    return convert


def _day_begun(instant: datetime, zone: ZoneInfo) -> date | None:
    """Give the local day that begins at an instant, if one does.

    Where clocks skip midnight the day begins at 01:00.
    """
    today = instant.astimezone(zone).date()
    just_before = (instant - timedelta.resolution).astimezone(zone).date()
    return today if today != just_before else None
