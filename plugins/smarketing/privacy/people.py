"""Which records are one person's: as spec §3 links them, from the raw tables as they are now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, sql

from smarketing.privacy.inventory import PERSONS, PLACES, Place
from smarketing.privacy.ledger import ERASED, normal_address

Record = tuple[str, str]
"""A record: its system, and its id there."""


@dataclass
class Found:
    """Somebody's records and addresses; ``held`` are the records of which we have a version."""

    records: set[Record] = field(default_factory=set)
    held: set[Record] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)


def find_people(
    connection: Connection[Any],
    *,
    records: Collection[Record] = (),
    addresses: Collection[str] = (),
) -> Found:
    """Follow merges, cross-references and equal addresses until nothing new comes.

    ``addresses`` are normalised. A mailbox that several people read links nobody. Only present
    versions link: a record that once had somebody else's address by mistake is not that person.
    """
    shared = _shared_mailboxes(connection)
    found = Found(set(records), set(), set(addresses))
    asked_records: set[Record] = set()
    asked_addresses: set[str] = set()
    # whoever was asked for by an address may have it as a second one
    by_any = True
    while found.records - asked_records or found.addresses - asked_addresses:
        new_records = found.records - asked_records
        new_addresses = found.addresses - asked_addresses
        asked_records |= new_records
        asked_addresses |= new_addresses
        for place in PERSONS:
            for record, links, main_address in _present(
                connection, place, new_records, new_addresses, by_any=by_any
            ):
                found.records |= {record, *links}
                found.held.add(record)
                if main_address and main_address.split("@")[0] not in shared:
                    found.addresses.add(main_address)
        found.records |= set(_merged(connection, new_records))
        found.records |= set(_known_elsewhere(connection, new_records))
        by_any = False
    found.records = {record for record in found.records if not record[1].startswith(ERASED)}
    found.held &= found.records
    found.addresses |= set(_own_addresses(connection, found, shared))
    return found


def is_shared(connection: Connection[Any], address: str) -> bool:
    """Whether several people read a mailbox, by what the agreement says."""
    return address.split("@")[0] in _shared_mailboxes(connection)


def _shared_mailboxes(connection: Connection[Any]) -> set[str]:
    query = "select distinct local_part from agreement.shared_mailboxes"
    return {part for (part,) in connection.execute(query)}


def of_records(column: str) -> sql.Composable:
    """A condition: this column names one of the records of :func:`as_given`."""
    return sql.SQL(
        "(system, {}) in (select * from unnest(%(systems)s::text[], %(ids)s::text[]))"
    ).format(sql.Identifier(column))


def as_given(records: Collection[Record]) -> dict[str, list[str]]:
    """Records as parameters of a query, so that none stands in its text, and so in no log."""
    ordered = sorted(records)
    return {
        "systems": [system for system, _ in ordered],
        "ids": [record for _, record in ordered],
    }


def spelled(column: str) -> sql.Composable:
    """A column of addresses, as they are compared."""
    return sql.SQL(r"lower(btrim({}, E' \t\n\r\f\u00a0\u2003'))").format(sql.Identifier(column))


def _present(
    connection: Connection[Any],
    place: Place,
    records: Collection[Record],
    addresses: Collection[str],
    *,
    by_any: bool,
) -> Iterator[tuple[Record, set[Record], str | None]]:
    """Present versions of records, or at addresses: record, others that it names, its address."""
    address_columns = place.treated("email")
    others = [name for name in place.treated("person") if name != place.id]
    main = sql.SQL("coalesce({})").format(sql.SQL(", ").join(map(spelled, address_columns)))
    asked = [spelled(name) for name in address_columns] if by_any else [main]
    query = sql.SQL(
        "select system, {id}, {main}, array[{addresses}], array[{others}]::text[] from {table}"
        " where _known_until is null and ({id} = any(%(ids)s) or {asked})"
    ).format(
        id=sql.Identifier(place.id),
        main=main,
        addresses=sql.SQL(", ").join(map(spelled, address_columns)),
        others=sql.SQL(", ").join(map(sql.Identifier, others)),
        table=sql.Identifier(place.schema, place.table),
        asked=sql.SQL(" or ").join(
            sql.SQL("{} = any(%(addresses)s)").format(each) for each in asked
        ),
    )
    given = {"ids": [record for _, record in records], "addresses": list(addresses)}
    for system, record, address, had, named in connection.execute(query, given):
        # ids are unique in their system only
        told = set(had) if by_any else {address}
        if (system, record) in records or told & set(addresses):
            yield (system, record), {(system, one) for one in named if one}, normal_address(address)


def _merged(connection: Connection[Any], records: Collection[Record]) -> Iterator[Record]:
    """Records that these were merged with, by what is known now."""
    for place in PLACES:
        if place.table != "merges" or not records:
            continue
        merged, surviving = place.treated("person")
        condition: sql.Composable = sql.SQL("true")
        given: dict[str, Any] = {"ids": [record for _, record in records]}
        if place.people_where:
            column, values = place.people_where
            condition = sql.SQL("{} = any(%(values)s)").format(sql.Identifier(column))
            given["values"] = sorted(values)
        query = sql.SQL(
            "select system, {merged}, {surviving} from {table} where _known_until is null"
            " and {condition} and ({merged} = any(%(ids)s) or {surviving} = any(%(ids)s))"
        ).format(
            merged=sql.Identifier(merged),
            surviving=sql.Identifier(surviving),
            table=sql.Identifier(place.schema, place.table),
            condition=condition,
        )
        for system, one, other in connection.execute(query, given):
            if {(system, one), (system, other)} & set(records):
                yield system, one
                yield system, other


def _known_elsewhere(connection: Connection[Any], records: Collection[Record]) -> Iterator[Record]:
    """What Marketo says of Salesforce, read both ways; and whose contact a lead became."""
    ids = [record for _, record in records]
    if not ids:
        return
    yield from connection.execute(
        "select system, lead_id from raw_salesforce.leads"
        " where _known_until is null and converted_contact_id = any(%s)",
        [ids],
    )
    salesforce = connection.execute(
        "select distinct system from raw_salesforce.leads"
        " union select distinct system from raw_salesforce.contacts"
    ).fetchall()
    for system, lead, *named in connection.execute(
        "select system, lead_id, sfdc_lead_id, sfdc_contact_id from raw_marketo.leads"
        " where _known_until is null and (lead_id = any(%(ids)s)"
        " or sfdc_lead_id = any(%(ids)s) or sfdc_contact_id = any(%(ids)s))",
        {"ids": ids},
    ):
        if (system, lead) in records or {*named} & {*ids}:
            yield system, lead
            yield from ((org, one) for (org,) in salesforce for one in named if one)


def _own_addresses(
    connection: Connection[Any], found: Found, shared: Collection[str]
) -> Iterator[str]:
    """Every address that a version of these records had, but for those of somebody else by now."""
    had: set[str] = set()
    for place in PERSONS:
        if not found.records:
            break
        columns = place.treated("email")
        query = sql.SQL("select {} from {} where {}").format(
            sql.SQL(", ").join(map(spelled, columns)),
            sql.Identifier(place.schema, place.table),
            of_records(place.id),
        )
        for row in connection.execute(query, as_given(found.records)):
            had |= {address for each in row if (address := normal_address(each))}
    had = {address for address in had if address.split("@")[0] not in shared} - found.addresses
    if not had:
        return
    taken: set[str] = set()
    for place in PERSONS:
        for column in place.treated("email"):
            query = sql.SQL(
                "select {address}, system, {id} from {table}"
                " where _known_until is null and {address} = any(%s)"
            ).format(
                address=spelled(column),
                id=sql.Identifier(place.id),
                table=sql.Identifier(place.schema, place.table),
            )
            taken |= {
                address
                for address, *record in connection.execute(query, [list(had)])
                if tuple(record) not in found.records
            }
    yield from had - taken
