"""Erasing within the raw tables: a person's rows stay, and are about nobody.

Of every version of every row the skeleton stays: when, which stage, which kind, which owner. So
each closed count and verdict is computed as it was, from the same rows under another name.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg import Connection, sql
from psycopg.rows import dict_row

from smarketing.privacy.inventory import (
    DELETION,
    FIELDS,
    LOGGED,
    PERSONS,
    PLACES,
    Place,
    Treatment,
)
from smarketing.privacy.ledger import ERASED, normal_address
from smarketing.privacy.people import Found, Record, as_given, of_records, spelled
from smarketing.privacy.stand_ins import NEUTRAL_WORD, StandIns, new_id
from smarketing.privacy.suppression import event

Row = dict[str, Any]

_NO_ADDRESS: Final = "n/a"
# Change Data Value
_CHANGED_VALUE: Final = 13
# of changes of a value, a score, a stage and a status: what the models read
_LOGGED_ATTRIBUTES: Final = {
    13: ("Old Value", "New Value"),
    22: ("Old Value", "New Value", "Change Value"),
    101: ("Old Stage", "New Stage"),
    104: ("Old Status", "New Status", "Success", "Acquired By"),
}


@dataclass
class Plan:
    """What is exchanged for what: records, events, values by how they are treated, accounts.

    ``held``: the records of which we have a version; of the others, rows are deleted. ``missed``:
    the night that missed those whom the vendor has erased.
    """

    records: dict[Record, str] = field(default_factory=dict)
    held: set[Record] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    events: dict[tuple[str, ...], str] = field(default_factory=dict)
    touches: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    accounts: dict[Record, str] = field(default_factory=dict)
    unlike: set[str] = field(default_factory=set)
    missed: dict[Record, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Collection[Record], addresses: Collection[str]) -> Plan:
        """The plan of people who are known by name only."""
        return cls({record: new_id() for record in sorted(records)}, addresses=set(addresses))

    def to_json(self) -> str:
        """The plan as text, to be kept until it is done."""
        return orjson.dumps(
            {
                "records": [[*record, new] for record, new in self.records.items()],
                "held": sorted(self.held),
                "addresses": sorted(self.addresses),
                "events": [[list(event), new] for event, new in self.events.items()],
                "touches": self.touches,
                "values": self.values,
                "accounts": [[*account, new] for account, new in self.accounts.items()],
                "unlike": sorted(self.unlike),
                "missed": [[*record, night] for record, night in self.missed.items()],
            }
        ).decode()

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> Plan:
        """The plan that :meth:`to_json` wrote."""
        return cls(
            {(system, record): new for system, record, new in plan["records"]},
            {(system, record) for system, record in plan["held"]},
            set(plan["addresses"]),
            {tuple(event): new for event, new in plan["events"]},
            dict(plan["touches"]),
            {treatment: dict(values) for treatment, values in plan["values"].items()},
            {(system, account): new for system, account, new in plan["accounts"]},
            set(plan["unlike"]),
            {
                (system, record): datetime.fromisoformat(night)
                for system, record, night in plan["missed"]
            },
        )

    @property
    def record_keys(self) -> dict[str, str]:
        """The records by the keys that models give them, and what takes their place."""
        return {
            f"{system}:{record}": f"{system}:{new}"
            for (system, record), new in self.records.items()
        }


def make_plan(connection: Connection[Any], found: Found) -> Plan:
    """Decide what takes the place of what; nothing is changed yet."""
    plan = Plan.of(found.records, found.addresses)
    plan.held = set(found.held)
    if not plan.records and not plan.addresses:
        return plan
    plan.missed = _missed(connection, plan)
    told: dict[Treatment, set[str]] = {
        "email": set(), "phone": set(), "company": set(), "word": set()
    }  # fmt: skip
    labels = _labels(connection)
    for place in PLACES:
        for row in _rows(connection, place, plan):
            for treatment, value in _values(place, row, labels):
                told.setdefault(treatment, set()).add(value)
            if _is_theirs_alone(place, row, plan):
                own = _own(place, row)
                if own and not _is_deletion(place):
                    plan.events.setdefault(own, new_id())
                    if place.touch_key:
                        renamed = row | {place.own[-1]: plan.events[own]}
                        old, new = (
                            f"{row['system']}:{place.touch_key.format_map(each)}"
                            for each in (row, renamed)
                        )
                        plan.touches[old] = new
            for column in place.treated("account"):
                if row[column]:
                    plan.accounts.setdefault((row["system"], row[column]), new_id())
    addresses = {address for value in told["email"] if (address := normal_address(value))}
    choice = StandIns(connection, addresses | plan.addresses)
    plan.values = {
        "email": {address: choice.address(address) for address in sorted(addresses)},
        "phone": {value: choice.phone(value) for value in sorted(told["phone"])},
        "company": {value: choice.company(value) for value in sorted(told["company"])},
        "word": choice.words(told["word"]),
    }
    plan.unlike = choice.unlike
    return plan


def _missed(connection: Connection[Any], plan: Plan) -> dict[Record, datetime]:
    """The night that missed each of those whom HubSpot has erased."""
    query = sql.SQL(
        "select system, record_id, min(_known_from) from raw_hubspot.deletions"
        " where kind = 'contacts' and how = 'vanished' and {} group by 1, 2"
    ).format(of_records("record_id"))
    given = as_given(plan.records)
    return {(system, record): night for system, record, night in connection.execute(query, given)}


def erase_raw(connection: Connection[Any], plan: Plan, erased_at: datetime) -> dict[str, int]:
    """Carry a plan out, in the transaction of ``connection``. Gives the rows changed, by table.

    Once it is done, doing it again changes nothing.
    """
    changed: dict[str, int] = {}
    labels = _labels(connection)
    is_stranger = not plan.held
    for account, new in plan.accounts.items():
        _copy_account(connection, account, new)
    _tell_deletions(connection, plan, erased_at)
    for place in PLACES:
        rows = list(_rows(connection, place, plan, for_update=True))
        if not rows:
            continue
        table = sql.Identifier(place.schema, place.table)
        changed[place.name] = len(rows)
        with connection.cursor() as cursor:
            if is_stranger and not place.is_lasting and not place.treated("people"):
                cursor.executemany(
                    sql.SQL("delete from {} where ctid = %s::tid").format(table),
                    [(row["_ctid"],) for row in rows],
                )
                continue
            columns = [
                *place.columns, "_record_key", "_row_hash",
                *(["_line"] if place.treated("place") else []),
            ]  # fmt: skip
            cursor.executemany(
                sql.SQL("update {} set {} where ctid = %s::tid").format(
                    table,
                    sql.SQL(", ").join(
                        sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns
                    ),
                ),
                [
                    (*(erased[name] for name in columns), row["_ctid"])
                    for row in rows
                    for erased in [_erased(place, row, plan, labels)]
                ],
            )
    return changed


def _rows(
    connection: Connection[Any], place: Place, plan: Plan, *, for_update: bool = False
) -> Iterator[Row]:
    """Every version of every row of a table that says something of the people of a plan."""
    conditions: list[sql.Composable] = []
    given: dict[str, Any] = as_given(plan.records)
    if plan.records:
        persons = [of_records(name) for name in place.treated("person")]
        if persons and place.people_where:
            column, values = place.people_where
            given["people"] = sorted(values)
            persons = [
                sql.SQL("({} = any(%(people)s) and ({}))").format(
                    sql.Identifier(column), sql.SQL(" or ").join(persons)
                )
            ]
        conditions += persons
        given["one_of_them"] = f'"({"|".join(map(re.escape, given["ids"]))})"'
        conditions += [
            # with the versions of it that do not name them
            sql.SQL(
                "_record_key in (select _record_key from {}"
                " where system = any(%(systems)s) and {} ~ %(one_of_them)s)"
            ).format(sql.Identifier(place.schema, place.table), sql.Identifier(name))
            for name in place.treated("people")
        ]
        if place.linked_by:
            conditions.append(
                sql.SQL(
                    "(system, {link}) in (select system, {link}"
                    " from raw_salesforce.opportunity_contact_roles where {roles}"
                    " union all select system, converted_opportunity_id"
                    " from raw_salesforce.leads where {leads})"
                ).format(
                    link=sql.Identifier(place.linked_by),
                    roles=of_records("contact_id"),
                    leads=of_records("lead_id"),
                )
            )
    if place.by_address and plan.addresses:
        given["addresses"] = sorted(plan.addresses)
        conditions += [
            sql.SQL("{} = any(%(addresses)s)").format(spelled(name))
            for name in place.treated("email")
        ]
    if _is_deletion(place) and place.own and plan.events:
        # of an event that is theirs
        given["events"] = sorted({key[-1] for key in plan.events})
        conditions.append(sql.SQL("{} = any(%(events)s)").format(sql.Identifier(place.own[-1])))
    if not conditions:
        return
    query = sql.SQL("select ctid::text as _ctid, * from {} where {} order by _known_from{}").format(
        sql.Identifier(place.schema, place.table),
        sql.SQL(" or ").join(conditions),
        sql.SQL(" for update" if for_update else ""),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, given)
        yield from _as_before(place, rows, plan) if place.treated("people") else rows


def _as_before(place: Place, rows: Iterable[Row], plan: Plan) -> Iterator[Row]:
    """Versions in their order, with those who dropped out of one because they were erased.

    Who is erased at the vendor drops out of all that they took part in, in the night that misses
    them. Who was taken out of it before that never took part.
    """
    last: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        system, key = row["system"], row["_record_key"]
        for column in place.treated("people"):
            people = orjson.loads(row[column] or "[]")
            before = last.setdefault(key, {}).get(column, [])
            dropped = [
                one
                for one in before
                if one not in people
                and (missed := plan.missed.get((system, one)))
                and row["_known_from"] >= missed
            ]
            last[key][column] = people + dropped
            row[column] = orjson.dumps(people + dropped).decode()
        yield row


def _is_deletion(place: Place) -> bool:
    return place.table == "deletions"


def _own(place: Place, row: Row) -> tuple[str, ...] | None:
    """What names an event; None where the source gives it no id."""
    own = [row[column] for column in place.own]
    return event(place, row["system"], own) if own and all(own) else None


def _is_theirs_alone(place: Place, row: Row, plan: Plan) -> bool:
    """Whether nobody else took part in what a row tells."""
    system = row["system"]
    return all(
        (system, one) in plan.records or one.startswith(ERASED)
        for column in place.treated("people")
        for one in orjson.loads(row[column] or "[]")
    )


def _values(
    place: Place, row: Row, labels: Mapping[tuple[str, str], str | None]
) -> Iterator[tuple[Treatment, str]]:
    """What a row tells that gets a stand-in, with how it is treated."""
    for column, treatment in place.columns.items():
        value = row[column]
        if not value:
            continue
        if treatment == "told":
            yield FIELDS.get(row[place.field_column], "clear"), value
        elif treatment == "attributes" and column == "attributes":
            how = _of_change(row, labels)
            yield from (
                (how, str(each))
                for each in map(orjson.loads(value).get, _LOGGED_ATTRIBUTES[_CHANGED_VALUE])
                if each
            )
        else:
            yield treatment, value


def _erased(
    place: Place, row: Row, plan: Plan, labels: Mapping[tuple[str, str], str | None]
) -> Row:
    """A row about nobody: its text columns, key and hash."""
    erased: Row = {"_line": 0} | {
        column: _erased_value(place, row, column, plan, labels) for column in place.columns
    }
    own = _own(place, row)
    if own in plan.events and _is_theirs_alone(place, row, plan):
        erased[place.own[-1]] = plan.events[own]
    renamed = {
        row[column]: erased[column]
        for column in {*place.treated("person"), *place.own[-1:]}
        if row[column] and erased[column] != row[column]
    }
    system, *key = orjson.loads(row["_record_key"])
    erased["_record_key"] = orjson.dumps(
        [system, *(renamed.get(part, part) if isinstance(part, str) else part for part in key)]
    ).decode()
    # the old one is a hash of what was erased, and could be guessed
    erased["_row_hash"] = secrets.token_hex(16)
    return erased


def _erased_value(
    place: Place,
    row: Row,
    column: str,
    plan: Plan,
    labels: Mapping[tuple[str, str], str | None],
) -> str | None:
    value: str | None = row[column]
    system, treatment = row["system"], place.columns[column]
    match treatment:
        case "person":
            # who else is named is somebody else
            if value and place.is_of_people(row.__getitem__):
                return plan.records.get((system, value), value)
            return value
        case "people":
            people = orjson.loads(value or "[]")
            return orjson.dumps([plan.records.get((system, one), one) for one in people]).decode()
        case "other_id":
            return _other_id(place, system, value, plan)
        case "account":
            return plan.accounts.get((system, value), value) if value else value
        case "attributes":
            return _logged(column, row, plan, labels)
        case "told":
            how = FIELDS.get(row[place.field_column], "clear")
            return _treated(how, value, plan, cleared=NEUTRAL_WORD)
        case "place":
            return f"({NEUTRAL_WORD})"
        case "clear" if not place.is_lasting and not _is_theirs_alone(place, row, plan):
            # of what others took part in, they keep what is theirs
            return value
    return _treated(treatment, value, plan, cleared=None)


def _treated(treatment: Treatment, value: str | None, plan: Plan, *, cleared: Any) -> str | None:
    if not value or treatment == "keep":
        return value
    if treatment == "email":
        address = normal_address(value)
        return plan.values["email"].get(address, _NO_ADDRESS) if address else _NO_ADDRESS
    if treatment in ("phone", "company"):
        return plan.values[treatment].get(value, NEUTRAL_WORD)
    if treatment == "word":
        return plan.values["word"].get(value, value)
    return cleared  # type: ignore[no-any-return]


def _other_id(place: Place, system: str, value: str | None, plan: Plan) -> str | None:
    if value is None:
        return None
    if not place.is_person:
        # of some activities the id of the lead itself
        return plan.records.get((system, value), value)
    elsewhere = {record: new for (_, record), new in plan.records.items()}
    return elsewhere.get(value)


def _labels(connection: Connection[Any]) -> dict[tuple[str, str], str | None]:
    """Which of our columns a field of Marketo's fills, by both names that the log may give it."""
    return {
        (system, name): fills
        for system, names, fills in connection.execute(
            "select system, array[name, label], fills from raw_marketo.fields"
        )
        for name in names
        if name
    }


def _of_change(row: Row, labels: Mapping[tuple[str, str], str | None]) -> Treatment:
    """How the values of an activity are treated."""
    if row["type_id"] != _CHANGED_VALUE:
        return "keep"
    fills = labels.get((row["system"], row["primary_attribute_value"] or ""))
    return FIELDS.get(fills or "", "clear")


def _logged(
    column: str, row: Row, plan: Plan, labels: Mapping[tuple[str, str], str | None]
) -> str | None:
    """What stays of what Marketo logged: what it was about, and values that are counted."""
    value: str | None = row[column]
    if value is None:
        return None
    if column == "primary_attribute_value":
        return value if row["type_id"] in LOGGED else None
    told = orjson.loads(value)
    how = _of_change(row, labels)
    kept = {
        name: _treated(how, str(told[name]), plan, cleared=NEUTRAL_WORD)
        if row["type_id"] == _CHANGED_VALUE and told[name]
        else told[name]
        for name in _LOGGED_ATTRIBUTES.get(row["type_id"], ())
        if name in told
    }
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()


def _copy_account(connection: Connection[Any], account: Record, new: str) -> None:
    """Give the contact without a name a company without one: rules ask whether it is known."""
    system, old = account
    connection.execute(
        """
        insert into raw_salesforce.accounts (
            system, account_id, name, country, region, owner_id, created_at, updated_at,
            _record_key, _row_hash, _sequence, _known_from, _known_until
        )
        select
            system, %(new)s::text, case when name <> '' then %(name)s end, country, region,
            owner_id, created_at, updated_at, %(key)s, md5(gen_random_uuid()::text), _sequence,
            _known_from, _known_until
        from raw_salesforce.accounts
        where
            system = %(system)s
            and account_id = %(old)s
            and not exists (
                select from raw_salesforce.accounts as copies
                where copies.account_id = %(new)s::text
            )
        """,
        {
            "system": system,
            "old": old,
            "new": new,
            "name": NEUTRAL_WORD,
            "key": orjson.dumps([system, new]).decode(),
        },
    )


def _tell_deletions(connection: Connection[Any], plan: Plan, erased_at: datetime) -> None:
    """Whoever is erased leaves the periods that are not over, as if deleted in every system.

    Not what was merged away: that is a part of what is deleted. It counts as known since the last
    night that read the system, so that the next one is not taken for older than what is known.
    """
    for place in PERSONS:
        told = DELETION[place.name]
        deletions, merges = (
            next(each for each in PLACES if (each.schema, each.table) == (place.schema, table))
            for table in ("deletions", "merges")
        )
        record = sql.SQL("people.{}").format(sql.Identifier(place.id))
        kind = next((name for name in told if name != "id"), None)
        key = [sql.SQL("people.system"), *([sql.Literal(told[kind])] if kind else []), record]
        row: dict[str, sql.Composable] = {
            "system": sql.SQL("people.system"),
            told["id"]: record,
            "deleted_at": sql.SQL("%(erased_at)s::timestamptz"),
            "_record_key": sql.SQL("'[' || {} || ']'").format(
                sql.SQL(" || ',' || ").join(
                    sql.SQL("to_json({}::text)::text").format(part) for part in key
                )
            ),
            "_row_hash": sql.SQL("md5(gen_random_uuid()::text)"),
            "_sequence": sql.SQL("0"),
            "_known_from": sql.SQL("max(latest._known_from)"),
        }
        of_kind: sql.Composable = sql.SQL("true")
        if kind:
            row[kind] = sql.Literal(told[kind])
            of_kind = sql.SQL("gone.{} = {}").format(sql.Identifier(kind), told[kind])
        if "how" in deletions.columns:
            row["how"] = sql.Literal(NEUTRAL_WORD)
        if deletions.treated("place"):
            row |= {"_file": sql.Literal(f"({NEUTRAL_WORD})"), "_line": sql.SQL("0")}
        connection.execute(
            sql.SQL(
                """
                insert into {deletions} ({columns})
                select {values}
                from {people} as people
                inner join (
                    select system, max(_known_from) as _known_from from {people} group by 1
                ) as latest using (system)
                where
                    {theirs}
                    and not exists (
                        select from {deletions} as gone
                        where
                            gone.system = people.system and gone.{gone_id} = {record}
                            and gone._known_until is null and {of_kind}
                    )
                    and not exists (
                        select from {merges} as merges
                        where
                            merges.system = people.system and merges.{merged_id} = {record}
                            and merges._known_until is null
                    )
                group by people.system, {record}
                """
            ).format(
                deletions=sql.Identifier(deletions.schema, deletions.table),
                columns=sql.SQL(", ").join(map(sql.Identifier, row)),
                values=sql.SQL(", ").join(row.values()),
                people=sql.Identifier(place.schema, place.table),
                theirs=of_records(place.id),
                record=record,
                gone_id=sql.Identifier(told["id"]),
                of_kind=of_kind,
                merges=sql.Identifier(merges.schema, merges.table),
                merged_id=sql.Identifier(merges.treated("person")[0]),
            ),
            as_given(plan.held) | {"erased_at": erased_at},
        )


def empty_staging(connection: Connection[Any], schemas: Sequence[str]) -> None:
    """Empty what dlt keeps of its last load; the next one begins with it empty in any case."""
    columns = connection.execute(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema = any(%s) and not starts_with(table_name, '_dlt')"
        " and data_type = 'character varying'",
        [[f"{schema}_staging" for schema in schemas]],
    ).fetchall()
    for table in sorted({(schema, table) for schema, table, _ in columns}):
        connection.execute(sql.SQL("truncate {}").format(sql.Identifier(*table)))
    for schema, table, column in columns:
        # the planner forgets the values of a column whose type is set, and in no other way
        connection.execute(
            sql.SQL("alter table {} alter column {} type varchar").format(
                sql.Identifier(schema, table), sql.Identifier(column)
            )
        )
