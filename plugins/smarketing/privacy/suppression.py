"""What keeps those away who were erased: every row passes here before it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson
from psycopg import Connection, sql

from smarketing.privacy.inventory import BY_NAME, FIELDS, PLACES, Place
from smarketing.privacy.ledger import (
    ERASED,
    Ledger,
    is_anybody_erased,
    normal_address,
    open_ledger,
    words,
)

if TYPE_CHECKING:
    import pyarrow as pa

_HASH_BYTES: Final = 16
# an id or an address comes many times, in rows of many kinds, and most of them close together
_remembered: Final = lru_cache(maxsize=50_000)


class Suppression:
    """The rows of one raw schema, without those who were erased.

    Nobody is asked row by row: the whole ledger is a set (some hundred bytes a person), and each
    value of a batch is hashed once. Where nobody was ever erased, rows pass as they are.
    """

    def __init__(
        self,
        connection: Connection[Any],
        ledger: Ledger | None,
        entries: set[bytes],
        lasting: Mapping[str, Mapping[str, Mapping[str, Any]]],
    ) -> None:
        self._connection = connection
        self._entries = entries
        self._lasting = lasting
        self._met: set[tuple[str, str]] = set()
        if ledger is not None:
            self._is_erased_record: Callable[[str, str], bool] = _remembered(
                lambda system, record: ledger.record(system, record) in entries
            )
            self._is_erased_address: Callable[[str], bool] = _remembered(
                lambda address: ledger.address(address) in entries
            )
            # an id of Salesforce's is the only one of its kind, whatever its system is called
            self._is_erased_anywhere: Callable[[str | None], bool] = _remembered(
                lambda record: bool(record) and ledger.foreign_record(str(record)) in entries
            )
            self._is_erased_event: Callable[[tuple[str, ...]], bool] = lambda event: (
                ledger.event(event) in entries
            )

    @classmethod
    def read(
        cls, connection: Connection[Any], schema: str, find_key: Callable[[], str | None]
    ) -> Suppression:
        """What the ledger says, and what of those erased goes on in a raw schema.

        Raises:
            LedgerError: people were erased, and the key is missing or another one.
        """
        if not is_anybody_erased(connection):
            return cls(connection, None, set(), {})
        ledger, entries = open_ledger(connection, find_key())
        lasting = {
            place.name: _lasting(connection, place)
            for place in PLACES
            if place.schema == schema and (place.is_lasting or place.treated("people"))
        }
        return cls(connection, ledger, entries, lasting)

    def without_erased(self, table: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of a raw table (``schema.table``), without what tells of anybody erased.

        What goes on without the person, and what several people took part in, stays, about the one
        who has no name.
        """
        place = BY_NAME.get(table)
        if place is None or not self._entries or not batch.num_rows:
            return batch
        rows = _Rows(batch)
        lasting = self._lasting.get(place.name, {})
        is_out = [False] * batch.num_rows
        changes: dict[int, dict[str, Any]] = {}
        for number, system, key in zip(
            range(batch.num_rows), rows["system"], rows["_record_key"], strict=True
        ):
            known = lasting.get(key, {})
            if known:
                changes[number] = self._about_nobody(place, rows, number, system, known)
            elif self._names_erased(place, rows, number, system):
                is_out[number] = True
                continue
            if place.treated("people"):
                change = self._without_people(place, rows, number, system, known)
                if change:
                    changes[number] = changes.get(number, {}) | change
        return _changed(batch, changes, is_out)

    def ask_for_erasure(self) -> None:
        """Have those erased who came with an address in the ledger: they are the same person.

        To be called before their other rows are loaded, so that none is forgotten by a kill.
        """
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.erasure_requests (system, record) values (%s, %s)"
                " on conflict do nothing",
                sorted(self._met),
            )
        self._met.clear()

    def mentions(self, system: str, *texts: str | None) -> bool:
        """Whether texts of whatever form say anything of somebody erased."""
        if not self._entries:
            return False
        found = {word for text in texts if text for word in words(text)}
        return any(
            self._is_erased_record(system, word) or ("@" in word and self._is_erased_address(word))
            for word in found
        )

    def _names_erased(self, place: Place, rows: _Rows, number: int, system: str) -> bool:
        if place.own:
            own = [rows[column][number] for column in place.own]
            if all(own) and self._is_erased_event(event(place, system, own)):
                return True
        if place.is_of_people(lambda column: rows[column][number]):
            for column in place.treated("person"):
                record = rows[column][number]
                if record and self._is_erased_record(system, record):
                    self._meet(place, rows, number, system)
                    return True
        if place.is_person and any(
            self._is_erased_anywhere(rows[column][number]) for column in place.treated("other_id")
        ):
            self._meet(place, rows, number, system)
            return True
        if any(map(self._is_erased_address, _addresses(place, rows, number))):
            self._meet(place, rows, number, system)
            return True
        return False

    def _about_nobody(
        self, place: Place, rows: _Rows, number: int, system: str, known: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What becomes of a row that goes on without a person, but for those who took part."""
        change = dict(known)
        for column in place.treated("people"):
            change.pop(column, None)
        for column in place.treated("person"):
            # it may be somebody else's by now
            if not self._is_erased_record(system, rows[column][number]):
                change.pop(column, None)
        return change

    def _meet(self, place: Place, rows: _Rows, number: int, system: str) -> None:
        """Remember a record that is known by now to be of somebody erased."""
        if place.is_person and not self._is_erased_record(system, rows[place.id][number]):
            self._met.add((system, rows[place.id][number]))

    def _without_people(
        self, place: Place, rows: _Rows, number: int, system: str, known: Mapping[str, Any]
    ) -> dict[str, Any]:
        change: dict[str, Any] = {}
        for column in place.treated("people"):
            text = rows[column][number]
            people = orjson.loads(text) if text else []
            left = [one for one in people if not self._is_erased_record(system, one)]
            # who was erased stays in it under the new name, also where the vendor dropped them
            left += [one for one in orjson.loads(known.get(column) or "[]") if one not in left]
            if left != people:
                change[column] = orjson.dumps(sorted(left)).decode()
        return change


class _Rows:
    """The columns of a batch as lists, each made when it is first asked for."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._columns: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._columns:
            self._columns[name] = self._batch.column(name).to_pylist()
        return self._columns[name]


def event(place: Place, system: str, own: Sequence[str]) -> tuple[str, ...]:
    """What names an event: in exports by its table too, as each file counts by itself."""
    return (system, place.table if place.schema == "raw_csv_export" else "", *own)


def _addresses(place: Place, rows: _Rows, number: int) -> Iterable[str]:
    for column in place.treated("email"):
        if address := normal_address(rows[column][number]):
            yield address
    if place.field_column and FIELDS.get(rows[place.field_column][number]) == "email":
        for column in place.treated("told"):
            if address := normal_address(rows[column][number]):
                yield address


def _lasting(connection: Connection[Any], place: Place) -> dict[str, dict[str, Any]]:
    """By record, what stands where somebody was: in later versions it stands there too."""
    columns = place.treated("person", "people")
    cleared = dict.fromkeys(place.treated("clear") if place.is_lasting else ())
    if place.linked_by:
        query = sql.SQL(
            "select _record_key from {} where _known_until is null and {link} in ("
            " select {link} from raw_salesforce.opportunity_contact_roles"
            " where starts_with(contact_id, %(erased)s)"
            " union all select converted_opportunity_id from raw_salesforce.leads"
            " where starts_with(lead_id, %(erased)s))"
        ).format(sql.Identifier(place.schema, place.table), link=sql.Identifier(place.linked_by))
    else:
        query = sql.SQL(
            "select _record_key, {} from {} where _known_until is null and ({})"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Identifier(place.schema, place.table),
            sql.SQL(" or ").join(
                sql.SQL("strpos({}, %(erased)s) > 0").format(sql.Identifier(name))
                for name in columns
            ),
        )
    people = place.treated("people")
    return {
        key: {
            **cleared,
            **{
                column: _only_erased(value) if column in people else value
                for column, value in zip(columns, values, strict=True)
            },
        }
        for key, *values in connection.execute(query, {"erased": ERASED})
    }


def _only_erased(people: str) -> str:
    return orjson.dumps([one for one in orjson.loads(people) if one.startswith(ERASED)]).decode()


def _changed(
    batch: pa.RecordBatch, changes: Mapping[int, Mapping[str, Any]], is_out: Sequence[bool]
) -> pa.RecordBatch:
    """A batch with some of its values replaced, and some of its rows left out."""
    import pyarrow as pa

    if changes:
        columns = {name: batch.column(name) for name in batch.schema.names}
        changed = {name for change in changes.values() for name in change} & columns.keys()
        hashes = columns["_row_hash"].to_pylist()
        for name in changed:
            values = columns[name].to_pylist()
            for number, change in changes.items():
                values[number] = change.get(name, values[number])
            columns[name] = pa.array(values, columns[name].type)
        for number, change in changes.items():
            # equal for equal versions, as it was
            told = orjson.dumps([hashes[number], change], option=orjson.OPT_SORT_KEYS)
            hashes[number] = blake2b(told, digest_size=_HASH_BYTES).hexdigest()
        columns["_row_hash"] = pa.array(hashes, columns["_row_hash"].type)
        batch = pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)
    if any(is_out):
        batch = batch.filter(pa.array([not out for out in is_out]))
    return batch
