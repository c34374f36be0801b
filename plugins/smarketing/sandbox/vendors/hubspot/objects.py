"""HubSpot's records over HTTP: lists, reads, search, merges, erasure, associations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

import orjson

from smarketing.sandbox.vendors.clock import SECOND, as_text
from smarketing.sandbox.vendors.hubspot import schema
from smarketing.sandbox.vendors.hubspot.call import (
    DATED,
    Call,
    Endpoint,
    batch,
    error,
    inputs,
    kind_of_path,
    page,
    whole_number,
    within,
)
from smarketing.sandbox.vendors.hubspot.errors import RefusedError, invalid
from smarketing.sandbox.vendors.hubspot.records import Account, Record
from smarketing.sandbox.vendors.hubspot.search import search

# how long the search index takes to see a change ("a few moments": HubSpot, search guide)
INDEX_LAG = 8 * SECOND
MOST_FOUND = 10_000
LONGEST_SEARCH = 3_000
BATCH = 100


class Objects:
    """The endpoints of an account's records."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._found: tuple[object, list[Record]] = (None, [])

    def endpoints(self) -> list[Endpoint]:
        """All of them, in the order in which a path is looked up."""
        objects = ("/crm/v3/objects/{kind}", f"/crm/objects/{DATED}/{{kind}}")

        def at(rest: str) -> tuple[str, ...]:
            return tuple(f"{base}/{rest}" for base in objects)

        batch_read = "{kind}/{to}/batch/read"
        return [
            ("GET", self._list, objects),
            ("GET", self._read, at("{number}")),
            ("DELETE", self._archive, at("{number}")),
            ("POST", self._search, at("search")),
            ("POST", self._batch_read, at("batch/read")),
            ("POST", self._merge, at("merge")),
            ("POST", self._erase, at("gdpr-delete")),
            (
                "POST",
                self._batch_associations,
                (f"/crm/v4/associations/{batch_read}", f"/crm/associations/{DATED}/{batch_read}"),
            ),
            (
                "GET",
                self._associations,
                ("/crm/v4/objects/{kind}/{number}/associations/{to}",),
            ),
        ]

    async def _list(self, call: Call) -> Any:
        """Pages in the order of ids: what comes into being under the cursor is not seen."""
        histories = call.names("propertiesWithHistory")
        most = 50 if histories else 100
        limit = within(call.whole_number("limit", 10), most)
        after = call.whole_number("after", 0)
        found = self._account.since(call.kind, after, call.now, archived=call.wants_archived)
        records = list(islice(found, limit + 1))
        told: dict[str, Any] = {"results": [self._told(call, record) for record in records[:limit]]}
        if len(records) > limit:
            told["paging"] = call.paging(records[limit - 1].id)
        return told

    async def _read(self, call: Call) -> Any:
        record = self._find(call, call.kind, call.number)
        return self._told(call, record, is_complete=True)

    async def _batch_read(self, call: Call) -> Any:
        body = await call.body()
        names, histories = body.get("properties") or [], body.get("propertiesWithHistory") or []
        wanted = inputs(body, 50 if histories else BATCH)
        found: dict[int, Record] = {}
        missing = []
        for text in wanted:
            try:
                record = self._find(call, call.kind, int(text) if text.isdigit() else -1)
                found[record.id] = record
            except RefusedError:
                missing.append(text)
        kind = schema.SINGULAR[call.kind].upper()
        errors = [
            error(
                "OBJECT_NOT_FOUND",
                f"Could not get some {kind} objects, they may be deleted or not exist.",
                ids=missing,
            )
        ]
        results = [self._as_json(record, call.now, names, histories) for record in found.values()]
        return batch(call, results, errors if missing else [])

    async def _search(self, call: Call) -> Any:
        """What the index knows: a while behind, without the archived, 10,000 of it at most."""
        if len((await call.request.body()).decode()) > LONGEST_SEARCH:
            raise invalid(f"the body is longer than {LONGEST_SEARCH} characters")
        body = await call.body()
        limit = within(whole_number("limit", body.get("limit", 10)), 200)
        after = whole_number("after", body.get("after") or 0)
        if after >= MOST_FOUND:
            raise invalid(f"paging past {MOST_FOUND} results is not supported")
        at = call.now - INDEX_LAG
        found = self._look_up(call, body, at)
        ends = min(after + limit, MOST_FOUND)
        names = body.get("properties") or []
        told: dict[str, Any] = {
            "total": len(found),
            "results": [self._as_json(record, at, names, ()) for record in found[after:ends]],
        }
        if ends < len(found):
            told["paging"] = {"next": {"after": str(ends)}}
        return told

    def _look_up(self, call: Call, body: dict[str, Any], at: int) -> list[Record]:
        """The records that a search finds; those of the last one are kept for its next page."""
        wish = {name: body.get(name) for name in ("filterGroups", "sorts", "query")}
        key = (call.kind, at, self._account.revision, orjson.dumps(wish))
        if self._found[0] != key:
            indexed = self._account.since(call.kind, 0, at)
            live = (record for record in indexed if record.is_live(call.now))
            self._found = (
                key,
                search(live, call.kind, self._account.properties[call.kind], body, at),
            )
        return self._found[1]

    async def _merge(self, call: Call) -> Any:
        body = await call.body()
        primary, other = (
            self._find(call, call.kind, whole_number(name, body.get(name)))
            for name in ("primaryObjectId", "objectIdToMerge")
        )
        if primary is other or primary.ended or other.ended:
            raise invalid("these records cannot be merged")
        merged = self._account.merge(primary, other, call.now, self._account.fresh_id())
        return self._as_json(merged, call.now, (), ())

    async def _erase(self, call: Call) -> Any:
        number = whole_number("objectId", (await call.body()).get("objectId"))
        if record := self._account.find(call.kind, number, call.now):
            self._account.erase(record, call.now)

    async def _archive(self, call: Call) -> Any:
        if record := self._account.find(call.kind, call.number, call.now):
            self._account.archive(record, call.now)

    def _find(self, call: Call, kind: str, number: int) -> Record:
        record = self._account.find(kind, number, call.now)
        if record is None or record.is_archived(call.now) != call.wants_archived:
            raise RefusedError(404, "OBJECT_NOT_FOUND", f"Object not found. objectId: {number}")
        return record

    def _told(self, call: Call, record: Record, *, is_complete: bool = False) -> dict[str, Any]:
        told = self._as_json(
            record,
            call.now,
            call.names("properties"),
            call.names("propertiesWithHistory"),
            is_complete=is_complete,
        )
        associations = {}
        for name in call.names("associations"):
            kind = kind_of_path(name)
            if others := record.linked(kind, call.now):
                way = f"{schema.SINGULAR[record.kind]}_to_{schema.SINGULAR[kind]}"
                results = [{"id": str(other.id), "type": way} for other in others]
                associations[kind] = {"results": results}
        return told | {"associations": associations} if associations else told

    def _as_json(
        self,
        record: Record,
        at: int,
        names: Sequence[str],
        histories: Sequence[str],
        *,
        is_complete: bool = True,
    ) -> dict[str, Any]:
        known = self._account.properties[record.kind]
        return _as_json(record, at, names, histories, known, is_complete=is_complete)

    async def _batch_associations(self, call: Call) -> Any:
        to = kind_of_path(call.request.path_params["to"])
        results, errors = [], []
        for text in inputs(await call.body(), BATCH):
            number = int(text) if text.isdigit() else -1
            record = self._account.find(call.kind, number, call.now)
            others = record.linked(to, call.now) if record and record.is_live(call.now) else []
            if record and others:
                told = [_association(record, other) for other in others]
                results.append({"from": {"id": str(record.id)}, "to": told})
            else:
                message = f"No {to} is associated with {call.kind} {text}."
                errors.append(error("OBJECT_NOT_FOUND", message, ids=[text]))
        return batch(call, results, errors)

    async def _associations(self, call: Call) -> Any:
        record = self._find(call, call.kind, call.number)
        others = record.linked(kind_of_path(call.request.path_params["to"]), call.now)
        return page(call, [_association(record, other) for other in others], default=500, most=500)


def _as_json(
    record: Record,
    at: int,
    names: Sequence[str],
    histories: Sequence[str],
    known: Collection[str],
    *,
    is_complete: bool,
) -> dict[str, Any]:
    """A record as HubSpot tells it: every value is text, and unknown names are passed over.

    A property without a value is left out, or null where the answer is ``complete``.
    """
    kind = record.kind
    values = record.values(at)
    always = ("hs_object_id", schema.CREATED[kind], schema.MODIFIED[kind])
    properties: dict[str, str | None] = {}
    for name in (*always, *(names or schema.DEFAULTS.get(kind, ()))):
        if name not in known:
            continue
        if value := values.get(name):
            properties[name] = value
        elif is_complete:
            properties[name] = None
    told: dict[str, Any] = {
        "id": str(record.id),
        "properties": properties,
        "createdAt": as_text(record.created),
        "updatedAt": as_text(record.modified(at)),
        "archived": record.is_archived(at),
    }
    if record.archived is not None and record.is_archived(at):
        told["archivedAt"] = as_text(record.archived)
    if histories:
        told["propertiesWithHistory"] = {
            name: [
                {
                    "value": change.value,
                    "timestamp": as_text(change.at),
                    "sourceType": change.source,
                }
                for change in record.history(name, at)
            ]
            for name in histories
            if name in known
        }
    return told


def _association(record: Record, other: Record) -> dict[str, Any]:
    types = schema.ASSOCIATIONS[record.kind, other.kind]
    return {
        "toObjectId": str(other.id),
        "associationTypes": [
            {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}
            for type_id, label in types
        ],
    }
