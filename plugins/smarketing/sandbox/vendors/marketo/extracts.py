"""What a bulk extract holds, and how its file is written (Marketo, bulk extract)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from smarketing.sandbox.clock import DAY, as_text
from smarketing.sandbox.vendors.marketo.call import instant
from smarketing.sandbox.vendors.marketo.errors import RefusedError, invalid, missing
from smarketing.sandbox.vendors.marketo.leads import MEMBER_FIELDS, member_values, members_of
from smarketing.sandbox.vendors.marketo.records import Instance
from smarketing.sandbox.vendors.marketo.schema import DELETE, STATUSES

_LONGEST_RANGE = 31 * DAY
_MOST_PROGRAMS, _MOST_VALUES = 10, 50
_DELIMITERS = {"CSV": ",", "TSV": "\t", "SSV": ";"}
_UNSUPPORTED = ("updatedAt", "smartListId", "smartListName")
_ACTIVITY_FIELDS = (
    "marketoGUID", "leadId", "activityDate", "activityTypeId", "campaignId",
    "primaryAttributeValueId", "primaryAttributeValue", "attributes",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Extract:
    """What a job was asked for, and a way to its rows as of an instant (in seconds)."""

    format: str
    fields: Sequence[str]
    headers: Sequence[str]
    rows: Callable[[int], Iterable[Row]]

    def write(self, at: int) -> tuple[bytes, int]:
        """The file as of an instant, and the number of its records."""
        delimiter = _DELIMITERS[self.format]
        must_quote = re.compile(f'[{delimiter}"\r\n]')

        def line(values: Iterable[str]) -> str:
            return delimiter.join(
                '"' + value.replace('"', '""') + '"' if must_quote.search(value) else value
                for value in values
            )

        text, count = io.StringIO(), 0
        text.write(line(self.headers) + "\n")
        for row in self.rows(at):
            text.write(line(_word(row.get(name)) for name in self.fields) + "\n")
            count += 1
        return text.getvalue().encode(), count


class Extracts:
    """Makes extracts of an instance from what callers ask for."""

    def __init__(self, instance: Instance, programs: dict[int, str]) -> None:
        self._instance = instance
        self._programs = programs
        self.has_corona = True
        self.has_nul = False

    def make(self, kind: str, wish: dict[str, Any]) -> Extract:
        """An extract of ``leads``, ``activities`` or ``program/members``.

        Raises the refusal of what Marketo does not extract.
        """
        filter_ = wish.get("filter")
        if not isinstance(filter_, dict):
            raise missing("filter")
        if not self.has_corona and (refused := filter_.keys() & set(_UNSUPPORTED)):
            raise RefusedError(
                1035, f"Unsupported filter type for target subscription: {min(refused)}"
            )
        format_ = str(wish.get("format") or "CSV").upper()
        if format_ not in _DELIMITERS:
            raise invalid(f"Invalid format '{format_}'")
        make = {"leads": self._leads, "activities": self._activities}.get(kind, self._members)
        fields, rows = make(wish.get("fields") or [], filter_)
        names = wish.get("columnHeaderNames") or {}
        return Extract(format_, fields, [names.get(name, name) for name in fields], rows)

    def _leads(
        self, fields: Sequence[str], filter_: dict[str, Any]
    ) -> tuple[Sequence[str], Callable[[int], Iterable[Row]]]:
        self._check(fields, self._instance.fields)
        if len(filter_) != 1:
            raise invalid("Exactly one filter type is allowed")
        [(name, wish)] = filter_.items()
        if name not in ("createdAt", "updatedAt"):
            raise RefusedError(1013, f"Object not found: {name}")
        since, until = _range(name, wish)

        def rows(at: int) -> Iterator[Row]:
            if name == "createdAt":
                leads = self._instance.created_within(since, until, at)
            else:
                # the latest change of any field: not what `updatedAt` shows
                live = self._instance.live(at)
                leads = (lead for lead in live if since <= lead.touched(at) <= until)
            for lead in leads:
                yield self._exported(lead.values(at))

        return fields, rows

    def _activities(
        self, fields: Sequence[str], filter_: dict[str, Any]
    ) -> tuple[Sequence[str], Callable[[int], Iterable[Row]]]:
        fields = fields or _ACTIVITY_FIELDS
        self._check(fields, (*_ACTIVITY_FIELDS, "actionResult"))
        if "createdAt" not in filter_:
            raise missing("createdAt")
        since, until = _range("createdAt", filter_["createdAt"])
        types = set(filter_.get("activityTypeIds") or ())
        if DELETE in types:
            raise invalid("Activity type 37 is not supported")
        ids, names = (
            set(filter_.get(name) or ())
            for name in ("primaryAttributeValueIds", "primaryAttributeValues")
        )
        if (ids or names) and (not types or (ids and names)):
            raise invalid("primary attributes need activityTypeIds, and are ids or values")
        if max(len(ids), len(names)) > _MOST_VALUES:
            raise invalid(f"At most {_MOST_VALUES} primary attributes")

        def rows(at: int) -> Iterator[Row]:
            for one in self._instance.within(since, until, at):
                is_wanted = not types or one.type in types
                is_named = (not ids or one.primary_id in ids) and (
                    not names or one.primary in names
                )
                if is_wanted and is_named:
                    yield {
                        "marketoGUID": one.id,
                        "leadId": one.lead.present(at).id,
                        "activityDate": as_text(one.at),
                        "activityTypeId": one.type,
                        "primaryAttributeValueId": one.primary_id,
                        "primaryAttributeValue": one.primary,
                        "attributes": orjson.dumps(one.attributes).decode(),
                        "actionResult": "succeeded",
                    }

        return fields, rows

    def _members(
        self, fields: Sequence[str], filter_: dict[str, Any]
    ) -> tuple[Sequence[str], Callable[[int], Iterable[Row]]]:
        self._check(fields, (*MEMBER_FIELDS, *self._instance.fields))
        one, several = filter_.get("programId"), filter_.get("programIds")
        if (one is None) == (several is None):
            raise missing("programId")
        programs: list[Any] = [one] if several is None else list(several)
        if len(programs) > _MOST_PROGRAMS:
            raise invalid(f"At most {_MOST_PROGRAMS} programIds")
        if unknown := [str(program) for program in programs if program not in self._programs]:
            raise invalid(f"Program not found: {', '.join(unknown)}")
        statuses = filter_.get("statusNames") or []
        if unnamed := set(statuses) - {status.name for status in STATUSES}:
            raise invalid(f"Status not found: {min(unnamed)}")
        since, until = (
            _range("updatedAt", filter_["updatedAt"]) if "updatedAt" in filter_ else (0, None)
        )
        if rest := filter_.keys() - {"programId", "programIds", "statusNames", "updatedAt"}:
            raise invalid(f"Unknown filter: {min(rest)}")

        def rows(at: int) -> Iterator[Row]:
            for program in programs:
                for lead, membership in members_of(self._instance, program, at):
                    row = member_values(lead, membership, self._programs)
                    is_recent = until is None or since <= membership.at <= until
                    if is_recent and (not statuses or row["statusName"] in statuses):
                        yield self._exported(lead.values(at)) | row

        # several programs: whose member it is stands first
        return (fields if several is None else ["programId", *fields]), rows

    def _check(self, fields: Sequence[str], known: Iterable[str]) -> None:
        if not fields:
            raise missing("fields")
        known = set(known)
        for name in fields:
            if name not in known:
                raise invalid(f"Invalid field '{name}'")

    def _exported(self, values: dict[str, str]) -> Row:
        """A lead's values, but for formulas, which are not exported."""
        fields = self._instance.fields
        row: Row = {
            name: value
            for name, value in values.items()
            if name in fields and not fields[name].is_formula
        }
        if self.has_nul and row.get("company"):
            row["company"] = f"{row['company'][:1]}\0{row['company'][1:]}"
        return row


def _range(name: str, wish: Any) -> tuple[int, int]:
    """A range of instants, both ends included."""
    if not isinstance(wish, dict) or not wish.get("startAt") or not wish.get("endAt"):
        raise missing(name)
    since, until = instant(wish["startAt"]), instant(wish["endAt"])
    if not since <= until <= since + _LONGEST_RANGE:
        raise invalid(f"{name}: the date range has to be 31 days or fewer")
    return since, until


def _word(value: Any) -> str:
    """A value in a file; one that is empty is the word null."""
    if value is None or value == "":
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
