"""When a vendor's fields change: taken, reported, or a stop. Never a silent loss.

- a new field of the account's own is taken, and reported;
- a field whose type changed is reported; our column stays what it is, and values that do not fit
  it are kept aside;
- a field that fills one of our columns and has vanished stops its stream: a column that goes
  empty overnight would look like a change in the leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from smarketing.sources.errors import SourceError

# how a note tells of records and their field, also to the check that looks for it
GONE: Final = "%s: field %s is gone"
RETYPED_FROM: Final = "%s: %s was "


@dataclass(frozen=True)
class VendorField:
    """A field as the vendor describes it. ``is_own``: made by the account, not by the vendor."""

    name: str
    type: str
    is_own: bool = False
    is_sensitive: bool = False


@dataclass(frozen=True)
class Decision:
    """Which of the account's own fields are read; all types, to compare with next time."""

    own: tuple[str, ...]
    types: Mapping[str, str]
    notes: tuple[str, ...]


def decide(
    records: str,
    fields: Iterable[VendorField],
    *,
    columns: Mapping[str, str],
    never: Sequence[str],
    known: Mapping[str, str] | None,
) -> Decision:
    """Decide on the fields of a kind of record.

    ``columns`` gives our columns their field, ``known`` the types as of the last reading.

    Raises:
        SourceError: a field that fills a column is not there, or must not be asked for.
    """
    found = {field.name: field for field in fields}
    faults = []
    for column, name in columns.items():
        if name not in found:
            near = get_close_matches(name, found, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            faults.append(
                f"{records}: there is no field {name}, which fills our {column}.{hint} Correct "
                "the mapping, or bring the field back; until then nothing new is read here."
            )
        elif found[name].is_sensitive or name in never:
            faults.append(
                f"{records}: {name} is sensitive and is never asked for, but fills our {column}. "
                "Map another field."
            )
    if faults:
        raise SourceError(faults)

    own = tuple(
        sorted(
            field.name
            for field in found.values()
            if field.is_own
            and not field.is_sensitive
            and field.name not in never
            and field.name not in columns.values()
        )
    )
    types = {name: found[name].type for name in (*columns.values(), *own)}
    return Decision(own, types, tuple(_notes(records, types, known)) if known else ())


def _notes(records: str, types: Mapping[str, str], known: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(types.keys() - known.keys()):
        yield f"{records}: new field {name} ({types[name]}), read from now on"
    for name in sorted(types.keys() & known.keys()):
        if types[name] != known[name]:
            yield f"{RETYPED_FROM % (records, name)}{known[name]} and is {types[name]} now"
    for name in sorted(known.keys() - types.keys()):
        yield GONE % (records, name)
