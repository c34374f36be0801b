"""Erasing a person from every place, and keeping them away (``docs/decisions/0013-erasure.md``).

An erasure is written down before it begins, with what it exchanges for what, and each of its parts
can be done again: whatever is killed is completed by the next erasure, or by the next night.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from smarketing.explained import ExplainedError
from smarketing.night import standing_still
from smarketing.privacy.derived import (
    MASK,
    erase_models,
    erase_record,
    pattern,
    quoted_texts,
)
from smarketing.privacy.inventory import BY_NAME
from smarketing.privacy.ledger import Ledger, LedgerError, normal_address, open_ledger
from smarketing.privacy.people import Found, Record, find_people, is_shared
from smarketing.privacy.raw import Plan, empty_staging, erase_raw, make_plan
from smarketing.privacy.residue import mask_files, mask_metadata
from smarketing.sources.reading import create_raw_tables
from smarketing.warehouse.connection import connect, open_session

_SCHEMAS: Final = sorted({place.schema for place in BY_NAME.values()})
_ADDRESS: Final = re.compile(r"[^\s<>()\"',;]+@[^\s<>()\"',;]+")
# as many may vanish from a vendor in a night and be taken for people who asked for it
_MOST_VANISHED: Final = 100
_SHARE_VANISHED: Final = 0.01
_READERS_PATIENCE: Final = "5s"


class ErasureError(ExplainedError):
    """Nobody was erased; the message says why, and what to do."""


@dataclass
class Erased:
    """What an erasure did: how many records, and rows by table; nothing of whom it was."""

    records: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    files: int = 0
    metadata_rows: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """Rows of the warehouse that say nothing of the person any more."""
        return sum(self.rows.values())


@dataclass(frozen=True)
class Warehouse:
    """Where an erasure works: the warehouse, whence the key comes, and what we write beside it.

    ``metadata``: the URI of Airflow's own database, where it is ours to clean; ``administrator``
    that of the embedded server, whose files are ours too.
    """

    uri: str
    find_key: Callable[[], str | None]
    folders: Sequence[Path] = ()
    metadata: str | None = None
    administrator: str | None = None


def erase(
    warehouse: Warehouse,
    identifiers: Collection[str],
    *,
    reason: str,
    erased_by: str,
    even_if_unknown: bool = False,
) -> Erased:
    """Erase people by addresses or record keys (``system:id``), each with all their records.

    Waits for a running step of a night, and makes the next one wait.

    Raises:
        ErasureError: an identifier cannot be used, or is nobody's and ``even_if_unknown`` is false.
        LedgerError: there is no key for the ledger, or it is another one.
    """
    named = {identifier: _named(warehouse, identifier) for identifier in identifiers}
    with standing_still(warehouse.uri):
        erased = complete(warehouse)
        with connect(warehouse.uri, "loader") as connection:
            people = {
                identifier: find_people(connection, records=records, addresses=addresses)
                for identifier, (records, addresses) in named.items()
            }
            ledger, entries = open_ledger(connection, warehouse.find_key())
        unknown = [identifier for identifier, found in people.items() if not found.held]
        for identifier in unknown.copy():
            if ledger and entries & _entries(ledger, Plan.of(*named[identifier])):
                unknown.remove(identifier)
                del people[identifier]
                erased.notes.append(f"{identifier} has been erased before; nothing is left.")
        if unknown and not even_if_unknown:
            raise ErasureError(
                f"{', '.join(unknown)}: no record here has this address or key. Nobody was erased. "
                "If the person is to be kept away all the same, should a source ever tell of them, "
                "say so with --even-if-unknown."
            )
        _erase(
            warehouse,
            list(people.values()),
            erased,
            origin="command line",
            reason=reason,
            erased_by=erased_by,
        )
    return erased


def erase_as_told(warehouse: Warehouse) -> Erased:
    """Erase whom a vendor has erased, and who came back; complete what was killed.

    For a step of a night that has nobody beside it.
    """
    erased = complete(warehouse)
    with connect(warehouse.uri, "loader") as connection:
        vanished, why_not = _vanished(connection)
        returned = [
            (system, record)
            for system, record in connection.execute(
                "select system, record from ops.erasure_requests order by 1, 2"
            )
        ]
        people = {
            origin: [find_people(connection, records=[record]) for record in records]
            for origin, records in (("hubspot", vanished), ("ledger", returned))
            if records
        }
    if why_not:
        erased.notes.append(why_not)
    if people and warehouse.find_key() is None:
        # the others are no reason to go without a night
        erased.notes.append(
            f"{len(vanished) + len(returned):,} people were erased in HubSpot and are not erased "
            "here: the erasure ledger has no key. `smarketing erase` says how to set one"
        )
        return erased
    reasons = {
        "hubspot": "erased for privacy in HubSpot",
        "ledger": "an address in the ledger came with another record",
    }
    for origin, found in people.items():
        # whom we never held are no part of those whom we did
        for together in [found] if origin == "hubspot" else [[one] for one in found]:
            _erase(
                warehouse,
                together,
                erased,
                origin=origin,
                reason=reasons[origin],
                erased_by=origin,
            )
    if returned:
        with connect(warehouse.uri, "transformer") as connection, connection.cursor() as cursor:
            cursor.executemany(
                "delete from ops.erasure_requests where system = %s and record = %s", returned
            )
    return erased


def complete(warehouse: Warehouse) -> Erased:
    """Complete the erasures that were killed."""
    erased = Erased()
    with connect(warehouse.uri, "loader") as connection:
        # every table is looked into, also of a source that has told nothing yet
        create_raw_tables(connection)
    with connect(warehouse.uri, "transformer") as connection:
        begun = connection.execute(
            "select erasure_id, plan from ops.erasure_work order by 1"
        ).fetchall()
    for erasure_id, plan in begun:
        _carry_out(warehouse, erasure_id, Plan.from_json(plan), erased, again=True)
        erased.notes.append("An erasure that had been interrupted was completed.")
    return erased


def _named(warehouse: Warehouse, identifier: str) -> tuple[list[Record], list[str]]:
    """What an identifier names: a record, or an address."""
    with connect(warehouse.uri, "transformer") as connection:
        systems = {system for (system,) in connection.execute("select system from ops.systems")}
    system, separator, record = identifier.strip().partition(":")
    if separator and record and (system in systems or "@" not in identifier):
        if system not in systems:
            raise ErasureError(
                f"{identifier}: there is no system called {system!r}; there is "
                f"{', '.join(sorted(systems)) or 'none yet'}."
            )
        return [(system, record)], []
    address = normal_address(identifier)
    if address is None:
        raise ErasureError(
            f"{identifier}: neither an e-mail address (ann@example.com) nor the key of a record "
            "(hubspot:12345, as lead_id and record_key have it in the marts)."
        )
    with connect(warehouse.uri, "loader") as connection:
        if is_shared(connection, address):
            raise ErasureError(
                f"{identifier}: the agreement says that several people read this mailbox, so it is "
                "nobody's alone. Name the record instead, for example hubspot:12345."
            )
    return [], [address]


def _erase(
    warehouse: Warehouse,
    people: Sequence[Found],
    erased: Erased,
    *,
    origin: str,
    reason: str,
    erased_by: str,
) -> None:
    together = Found()
    for found in people:
        together.records |= found.records
        together.held |= found.held
        together.addresses |= found.addresses
    if not together.records and not together.addresses:
        return
    with connect(warehouse.uri, "loader") as connection:
        connection.execute("set transaction isolation level repeatable read")
        plan = make_plan(connection, together)
    erasure_id = _write_down(
        warehouse, plan, people=len(people), origin=origin, reason=reason, erased_by=erased_by
    )
    _carry_out(warehouse, erasure_id, plan, erased)


def _write_down(
    warehouse: Warehouse, plan: Plan, *, people: int, origin: str, reason: str, erased_by: str
) -> int:
    """Enter the ledger, and keep the plan: from here on nobody comes back, and nothing is lost."""
    with connect(warehouse.uri, "transformer") as connection:
        ledger, _ = open_ledger(connection, warehouse.find_key())
        if ledger is None:
            raise LedgerError(
                "Whoever is erased is kept away by a ledger, which needs a key that only you have. "
                "Set SMARKETING_ERASURE_KEY, and the password of the Airflow connection "
                "smarketing_erasure, to the same long random text, such as "
                '`python -c "import secrets; print(secrets.token_hex(32))"` prints; keep it as '
                "long as the warehouse."
            )
        row = connection.execute(
            "insert into ops.erasures"
            " (state, origin, erased_by, reason, person_count, record_count)"
            " values ('running', %s, %s, %s, %s, %s) returning erasure_id",
            (origin, erased_by, _anonymous(reason, plan), people, len(plan.held)),
        ).fetchone()
        assert row is not None
        [erasure_id] = row
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.erasure_ledger (entry, key_check, erasure_id)"
                " values (%s, %s, %s) on conflict do nothing",
                [(entry, ledger.check, erasure_id) for entry in _entries(ledger, plan)],
            )
        connection.execute(
            "insert into ops.erasure_work (erasure_id, plan) values (%s, %s::jsonb)",
            (erasure_id, plan.to_json()),
        )
    return int(erasure_id)


def _entries(ledger: Ledger, plan: Plan) -> set[bytes]:
    return {
        *map(ledger.address, plan.addresses),
        *(ledger.record(*record) for record in plan.records),
        *(ledger.foreign_record(record) for _, record in plan.records),
        *map(ledger.event, plan.events),
    }


def _anonymous(reason: str, plan: Plan) -> str:
    """A reason as it may be kept: people put into it whom it is about."""
    kept = _ADDRESS.sub(MASK, reason)
    for text in quoted_texts(plan):
        kept = re.sub(re.escape(text), MASK, kept, flags=re.IGNORECASE)
    return kept


def _carry_out(
    warehouse: Warehouse, erasure_id: int, plan: Plan, erased: Erased, *, again: bool = False
) -> None:
    """Do, or do again, all that an erasure has to do."""
    with connect(warehouse.uri, "loader") as connection:
        raw = erase_raw(connection, plan, datetime.now(UTC))
        empty_staging(connection, _SCHEMAS)
    with open_session(warehouse.uri) as connection:
        # nobody publishes or rolls back meanwhile
        connection.execute("select pg_advisory_xact_lock(hashtext('smarketing publish'))")
        models = erase_models(connection, plan)
        record = erase_record(connection, plan)
    erased.records += len(plan.held)
    erased.rows.update(raw | models | record)
    if plan.unlike:
        erased.notes.append(
            f"No stand-in for {', '.join(sorted(plan.unlike))} is sure to pass and fail the same "
            "rules as the value did: verdicts on it may change."
        )
    texts = quoted_texts(plan)
    files, out_of_reach = mask_files(warehouse.folders, texts) if texts else (0, [])
    erased.files += files
    erased.notes += [f"{file} could not be read or written; look into it." for file in out_of_reach]
    if warehouse.metadata and texts:
        erased.metadata_rows += mask_metadata(warehouse.metadata, pattern(plan))
    # what was killed may have left old rows anywhere
    busy = _overwrite(warehouse, _all_tables(warehouse) if again else {*raw, *models, *record})
    if busy:
        erased.notes.append(
            f"Somebody was reading {', '.join(busy)}: what was deleted there is out of everybody's "
            "sight, and leaves the disk when the next nights have replaced it."
        )
    with connect(warehouse.uri, "transformer") as connection:
        connection.execute("delete from ops.erasure_work where erasure_id = %s", (erasure_id,))
        connection.execute(
            "update ops.erasures set state = 'done', ended_at = clock_timestamp(),"
            " row_count = %s where erasure_id = %s",
            (sum((raw | models | record).values()), erasure_id),
        )
    _overwrite(warehouse, {"ops.erasure_work"})
    if warehouse.administrator:
        _forget_transactions(warehouse.administrator)


def _all_tables(warehouse: Warehouse) -> set[str]:
    """Every table that may have held somebody."""
    with connect(warehouse.uri, "transformer") as connection:
        rows = connection.execute(
            "select schemaname || '.' || tablename from pg_tables"
            " where schemaname in ('intermediate', 'ops') or schemaname like 'marts%'"
        ).fetchall()
    return {*BY_NAME, *(table for (table,) in rows)}


def _overwrite(warehouse: Warehouse, tables: Collection[str]) -> list[str]:
    """Write the tables anew, so that nothing of the old rows stays on the disk.

    Gives those that somebody was reading for too long.
    """
    busy = []
    with open_session(warehouse.uri, autocommit=True) as connection:
        connection.execute("select set_config('lock_timeout', %s, false)", (_READERS_PATIENCE,))
        for table in sorted(tables):
            try:
                _write_anew(connection, table)
            except psycopg.errors.LockNotAvailable:
                busy.append(table)
        connection.execute("reset role")
        # what the planner remembers of columns are values of theirs
        with suppress(psycopg.errors.LockNotAvailable):
            connection.execute("vacuum (full) pg_catalog.pg_statistic")
    return busy


def _forget_transactions(administrator: str) -> None:
    """Let the embedded server drop its log of past transactions; any other's is not ours."""
    with psycopg.connect(administrator, autocommit=True) as connection:
        # a segment that is used again keeps what it said until that is written over
        connection.execute("alter system set wal_recycle = off")
        connection.execute("select pg_reload_conf()")
        for _ in range(2):
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")


def _write_anew(connection: Connection[Any], table: str) -> None:
    schema, name = table.split(".")
    connection.execute("reset role")
    owner = connection.execute(
        "select tableowner from pg_tables where schemaname = %s and tablename = %s", (schema, name)
    ).fetchone()
    if owner is None:
        return
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(*owner)))
    connection.execute(sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(schema, name)))


def _vanished(connection: Connection[Any]) -> tuple[list[Record], str]:
    """Contacts that HubSpot does not know any more and never told to be archived: erased there.

    Too many at once are no people who asked for it, and what is erased does not come back: then
    nobody, and why.
    """
    vanished: list[Record] = connection.execute(
        """
        select deletions.system, deletions.record_id
        from raw_hubspot.deletions
        where
            deletions.kind = 'contacts'
            and deletions.how = 'vanished'
            and deletions._known_until is null
            and not starts_with(deletions.record_id, 'erased-')
            and exists (
                select from raw_hubspot.contacts
                where
                    contacts.system = deletions.system
                    and contacts.contact_id = deletions.record_id
            )
        order by 1, 2
        """
    ).fetchall()
    [(held,)] = connection.execute(
        "select count(*) from raw_hubspot.contacts where _known_until is null"
    ).fetchall()
    if len(vanished) > max(_MOST_VANISHED, _SHARE_VANISHED * held):
        return [], (
            f"{len(vanished):,} contacts vanished from HubSpot: too many to be taken for people "
            "who asked to be erased. They count as deleted; if they asked, run `smarketing erase`"
        )
    return vanished, ""
