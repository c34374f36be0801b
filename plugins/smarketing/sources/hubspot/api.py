"""HubSpot's endpoints, by what they tell. The paths with dates and the legacy ones alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from smarketing.sources.api.client import Client
from smarketing.sources.errors import SourceError, UnreachableError

Told = Mapping[str, Any]

_DATED: Final = "2026-09"
_PAGE: Final = 100
_PAGE_WITH_HISTORY: Final = 50
_SEARCH_PAGE: Final = 200
# HubSpot's own limit is not told; servers commonly refuse above 8 KB
_LONGEST_QUERY: Final = 6_000

ASSOCIATED: Final = {
    "contacts": ("companies",),
    "deals": ("contacts", "companies"),
    "calls": ("contacts", "companies", "deals"),
    "emails": ("contacts", "companies", "deals"),
    "meetings": ("contacts", "companies", "deals"),
    "tasks": ("contacts", "companies", "deals"),
    "communications": ("contacts", "companies", "deals"),
    "notes": ("contacts", "companies", "deals"),
}
"""The kinds whose associations are read, from each kind."""


class Api:
    """What an extraction asks of HubSpot."""

    def __init__(self, client: Client, *, is_dated: bool) -> None:
        self._client = client
        self._is_dated = is_dated

    def records(
        self,
        kind: str,
        properties: Sequence[str],
        histories: Sequence[str],
        after: str | None,
    ) -> tuple[list[Told], str | None]:
        """A page of the live records by id, with histories and associations; and the next page."""
        names = {"properties": ",".join(properties)}
        if histories:
            names["propertiesWithHistory"] = ",".join(histories)
        if associated := ASSOCIATED.get(kind):
            names["associations"] = ",".join(associated)
        limit = _PAGE_WITH_HISTORY if histories else _PAGE
        cursor = {"after": after} if after else {}
        if len(urlencode(names)) <= _LONGEST_QUERY:
            page = self._get(self._objects(kind), {**names, **cursor, "limit": limit})
            results = [self._with_all_associations(kind, record) for record in page["results"]]
            return results, _next(page)
        # too many properties for a URL
        page = self._get(
            self._objects(kind), {"properties": "hs_object_id", **cursor, "limit": limit}
        )
        ids = [record["id"] for record in page["results"]]
        return self.read(kind, ids, properties, histories), _next(page)

    def changed(self, kind: str, since: datetime, after: str) -> list[str]:
        """The ids of records changed since an instant, by id, above ``after``; none at the end.

        A search finds 10,000 records at most, so it is made anew for each page: by id, which
        never changes, while a record's time of change may while pages are read.
        """
        modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        found = self._search(
            kind,
            [
                {"propertyName": modified, "operator": "GTE", "value": _ms(since)},
                {"propertyName": "hs_object_id", "operator": "GT", "value": after},
            ],
            limit=_SEARCH_PAGE,
        )
        ids = [str(record["id"]) for record in found["results"]]
        if found["total"] and not ids:
            # an end that is none would lose changes for good
            raise UnreachableError(
                f"HubSpot finds {found['total']} changed {kind} and tells none of them. Nothing is "
                "lost: the next run asks again."
            )
        return ids

    def count(self, kind: str, until: datetime) -> int:
        """How many live records were created before an instant, as HubSpot counts them."""
        created = "createdate" if kind in ("contacts", "companies", "deals") else "hs_createdate"
        wish = {"propertyName": created, "operator": "LT", "value": _ms(until)}
        return int(self._search(kind, [wish], limit=1)["total"])

    def read(
        self,
        kind: str,
        ids: Sequence[str],
        properties: Sequence[str],
        histories: Sequence[str],
    ) -> list[Told]:
        """Records by id, with histories and associations; those that are gone are left out."""
        records: list[Told] = []
        most = _PAGE_WITH_HISTORY if histories else _PAGE
        for start in range(0, len(ids), most):
            records += self._read_batch(kind, ids[start : start + most], properties, histories)
        present = [str(record["id"]) for record in records]
        associated = {to: self._associated(kind, to, present) for to in ASSOCIATED.get(kind, ())}
        return [
            {
                **record,
                "associations": {
                    to: {"results": [{"id": one} for one in found.get(record["id"], ())]}
                    for to, found in associated.items()
                },
            }
            for record in records
        ]

    def present_ids(self, kind: str, ids: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """The record that each id means by now: another one after a merge; None: it is gone."""
        for start in range(0, len(ids), _PAGE):
            asked = ids[start : start + _PAGE]
            found = {str(record["id"]) for record in self._read_batch(kind, asked)}
            is_one_merged = not found <= set(asked)
            for one in asked:
                if one in found:
                    yield one, one
                elif is_one_merged and len(asked) > 1:
                    # an answer does not say which of the ids it is for
                    yield from self.present_ids(kind, [one])
                else:
                    yield one, next(iter(found), None) if len(asked) == 1 else None

    def ids(self, kind: str, after: str | None) -> tuple[list[str], str | None]:
        """A page of the ids of live records; and the next page."""
        cursor = {"after": after} if after else {}
        page = self._get(
            self._objects(kind), {"properties": "hs_object_id", **cursor, "limit": _PAGE}
        )
        return [record["id"] for record in page["results"]], _next(page)

    def archived(self, kind: str, after: str | None) -> tuple[list[Told], str | None]:
        """A page of the records in the recycle bin; and the next page."""
        cursor = {"after": after} if after else {}
        page = self._get(
            self._objects(kind),
            {"properties": "hs_object_id", "archived": "true", **cursor, "limit": _PAGE},
        )
        return list(page["results"]), _next(page)

    def properties(self, kind: str) -> list[Told]:
        """All properties of a kind of record."""
        dated, legacy = f"/crm/properties/{_DATED}/{kind}", f"/crm/v3/properties/{kind}"
        return list(self._get(self._path(dated, legacy), {})["results"])

    def pipelines(self, kind: str) -> list[Told]:
        """The pipelines of a kind of record, with their stages."""
        dated, legacy = f"/crm/pipelines/{_DATED}/{kind}", f"/crm/v3/pipelines/{kind}"
        return list(self._get(self._path(dated, legacy), {})["results"])

    def owners(self, *, archived: bool) -> Iterator[Told]:
        """All owners, or all who were archived."""
        path = self._path(f"/crm/owners/{_DATED}", "/crm/v3/owners")
        yield from self._all(path, {"archived": str(archived).lower(), "limit": _PAGE})

    def campaigns(self) -> Iterator[Told]:
        """All marketing campaigns."""
        names = "hs_name,hs_start_date,hs_end_date,hs_utm,hs_currency_code"
        yield from self._all(self._campaigns(), {"properties": names, "limit": _PAGE})

    def budget(self, campaign: str) -> Told:
        """What was planned and spent for a campaign."""
        told: Told = self._get(f"{self._campaigns()}/{campaign}/budget/totals", {})
        return told

    def forms(self) -> Iterator[Told]:
        """All forms. There is no dated path yet."""
        yield from self._all("/marketing/v3/forms", {"limit": _PAGE})

    def submissions(self, form: str, after: str | None) -> tuple[list[Told], str | None]:
        """A page of what was filled in, latest first; and the next page. No dated path yet."""
        cursor = {"after": after} if after else {}
        page = self._get(f"/form-integrations/v1/submissions/forms/{form}", {**cursor, "limit": 50})
        return list(page["results"]), _next(page)

    def email_events(
        self, since: datetime | None, until: datetime, offset: str | None
    ) -> tuple[list[Told], str | None]:
        """A page of the events of marketing e-mails; and the next page. No dated path yet."""
        wish = {"endTimestamp": _ms(until), "limit": 1000}
        if since:
            wish["startTimestamp"] = _ms(since)
        if offset:
            wish["offset"] = offset
        page = self._get("/email/public/v1/events", wish)
        return list(page["events"]), page["offset"] if page.get("hasMore") else None

    def _read_batch(
        self,
        kind: str,
        ids: Sequence[str],
        properties: Sequence[str] = (),
        histories: Sequence[str] = (),
    ) -> list[Told]:
        wish = {"properties": list(properties), "propertiesWithHistory": list(histories)}
        inputs = [{"id": one} for one in ids]
        path = f"{self._objects(kind)}/batch/read"
        return self._batch(path, inputs, lambda record: str(record["id"]), wish)

    def _associated(self, kind: str, to: str, ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        path = self._path(
            f"/crm/associations/{_DATED}/{kind}/{to}/batch/read",
            f"/crm/v4/associations/{kind}/{to}/batch/read",
        )
        for start in range(0, len(ids), _PAGE):
            inputs = [{"id": one} for one in ids[start : start + _PAGE]]
            while inputs:
                answers = self._batch(path, inputs, _source, {})
                for told in answers:
                    others = found.setdefault(_source(told), [])
                    others += [str(one["toObjectId"]) for one in told["to"]]
                nexts = {_source(told): _next(told) for told in answers}
                inputs = [{"id": one, "after": after} for one, after in nexts.items() if after]
        return found

    def _batch(
        self,
        path: str,
        inputs: Sequence[Mapping[str, str]],
        id_of: Callable[[Told], str],
        wish: Mapping[str, Any],
    ) -> list[Told]:
        """What a batch tells of its inputs. What is passed over without a word is asked again."""
        found: dict[str, Told] = {}
        for _ in range(2):
            answer = self._post(path, {**wish, "inputs": list(inputs)})
            found |= {id_of(told): told for told in _results(answer)}
            explained = found.keys() | set(_missing(answer))
            inputs = [one for one in inputs if one["id"] not in explained]
            if not inputs:
                break
        return list(found.values())

    def _with_all_associations(self, kind: str, record: Told) -> Told:
        """A record whose associations are on more than one page gets the rest of them."""
        told = record.get("associations") or {}
        if not any(_next(one) for one in told.values()):
            return record
        complete = {
            to: {"results": [{"id": one} for one in found]}
            for to in ASSOCIATED[kind]
            for found in self._associated(kind, to, [record["id"]]).values()
        }
        return {**record, "associations": complete}

    def _all(self, path: str, wish: dict[str, Any]) -> Iterator[Told]:
        after: str | None = None
        while True:
            page = self._get(path, {**wish, "after": after} if after else wish)
            yield from page["results"]
            if not (after := _next(page)):
                return

    def _search(self, kind: str, filters: list[dict[str, str]], *, limit: int) -> Any:
        return self._post(
            f"{self._objects(kind)}/search",
            {
                "filterGroups": [{"filters": filters}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": ["hs_object_id"],
                "limit": limit,
            },
        )

    def _objects(self, kind: str) -> str:
        return self._path(f"/crm/objects/{_DATED}/{kind}", f"/crm/v3/objects/{kind}")

    def _campaigns(self) -> str:
        return self._path(f"/marketing/campaigns/{_DATED}", "/marketing/v3/campaigns")

    def _path(self, dated: str, legacy: str) -> str:
        return dated if self._is_dated else legacy

    def _get(self, path: str, wish: Mapping[str, Any]) -> Any:
        return self._client.json("GET", path, params=dict(wish))

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._client.json("POST", path, json=dict(body))


def _results(answer: Told) -> list[Told]:
    """What a batch found. What it did not find is no error: it may have been deleted since."""
    others = [
        error.get("message", "no message")
        for error in answer.get("errors", ())
        if error.get("category") != "OBJECT_NOT_FOUND"
    ]
    if others:
        raise SourceError([f"HubSpot refuses a part of a batch: {'; '.join(others)[:300]}"])
    return list(answer["results"])


def _source(told: Told) -> str:
    return str(told["from"]["id"])


def _missing(answer: Told) -> Iterator[str]:
    """The ids of which a batch says that there is nothing."""
    for error in answer.get("errors", ()):
        for named in (error.get("context") or {}).values():
            yield from map(str, named)


def _next(page: Told) -> str | None:
    after = page.get("paging", {}).get("next", {}).get("after")
    return None if after is None else str(after)


def _ms(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))
