"""HubSpot at one night: what there is to read, and what vanished without a word."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from smarketing.sources.api.drift import VendorField, decide
from smarketing.sources.api.streams import (
    Count,
    Cursor,
    CursorError,
    Held,
    Page,
    Stream,
    instant_in,
)
from smarketing.sources.api.tables import Row, Table
from smarketing.sources.hubspot.api import ASSOCIATED, Api, Told
from smarketing.sources.hubspot.records import (
    ENGAGEMENTS,
    IDS,
    KINDS,
    MERGED_IDS,
    Reading,
    fixed_columns,
    followed_columns,
)
from smarketing.sources.hubspot.settings import Settings
from smarketing.sources.hubspot.tables import TABLES

# an association leaves no trace on the record: those of the last days are read again
_ASSOCIATED_LATE: Final = timedelta(days=3)
# what was created within it may be in one count and not in the other
_IN_FLIGHT: Final = timedelta(minutes=1)
_DESCRIBED: Final = ("contacts", "companies", "deals")
# what a cursor says of the properties
_DESCRIPTION: Final = ("types", "plan")

# how long HubSpot keeps what was archived, and may bring it back, with some days to spare
_IN_THE_BIN: Final = timedelta(days=95)


class HubSpotSource:
    """One HubSpot account, read as of ``known_at``."""

    schema = "raw_hubspot"
    tables: Sequence[Table] = TABLES

    def __init__(self, settings: Settings, api: Api, known_at: datetime) -> None:
        self.system = settings.system
        self._api = api
        self._known_at = known_at
        self._records = [_Records(kind, settings, api, known_at) for kind in KINDS]
        self._look_back = timedelta(minutes=settings.look_back_minutes)

    def streams(self) -> Sequence[Stream]:
        """Everything, each kind of record by itself."""
        night = (self._api, self._known_at)
        return [
            *self._records,
            *(_Archived(kind, *night) for kind in KINDS),
            _Whole("owners", self._owners),
            _Whole("stages", self._stages),
            # money that is no longer told was not spent; a campaign is still what a lead names
            _Whole("campaigns", self._campaigns, ("spend",)),
            _Submissions(*night, self._look_back),
            _EmailEvents(*night, self._look_back),
        ]

    def settle(self, held: Held) -> Iterator[Page | Count]:
        """Compare counts; where they differ, look for what vanished and what was missed.

        A record erased for privacy is in no list any more, nor is one that was merged; a search
        knows a record only after a while.
        """
        for records in self._records:
            kind = records.kind
            yield from self._restored(held, records)
            live = _Live(held, kind, self._known_at - _IN_FLIGHT)
            at_vendor = self._api.count(kind, live.until)
            if at_vendor != live.count():
                ours, present = live.ids(), set(self._all_ids(kind))
                yield from self._vanished(kind, sorted(ours - present))
                yield from records.missed(sorted(present - _Live(held, kind, None).ids()))
            yield Count(kind, at_vendor, live.count())

    def _restored(self, held: Held, records: _Records) -> Iterator[Page]:
        """What is known as deleted, and is back: nothing else tells of it."""
        recently = self._known_at - _IN_THE_BIN
        gone = held.values(
            "deletions", "record_id", "kind = %s and deleted_at > %s", records.kind, recently
        )
        present = self._api.present_ids(records.kind, sorted(gone))
        back = [one for one, now in present if one == now]
        if back:
            yield Page({}, {}, ended={"deletions": [(records.kind, one) for one in back]})
            yield from records.missed(back)

    def _all_ids(self, kind: str) -> Iterator[str]:
        after: str | None = None
        while True:
            ids, after = self._api.ids(kind, after)
            yield from ids
            if after is None:
                return

    def _vanished(self, kind: str, ids: Sequence[str]) -> Iterator[Page]:
        at = self._known_at
        gone: list[Row] = []
        merged: list[Row] = []
        for one, present in self._api.present_ids(kind, ids):
            if present is None:
                gone.append({"kind": kind, "record_id": one, "deleted_at": at, "how": "vanished"})
            elif present != one:
                merged.append(
                    {"kind": kind, "merged_id": one, "surviving_id": present, "merged_at": at}
                )
        yield Page({"deletions": gone, "merges": merged}, {})

    def _owners(self) -> dict[str, list[Row]]:
        rows: list[Row] = []
        for is_archived in (False, True):
            for owner in self._api.owners(archived=is_archived):
                teams = owner.get("teams") or ()
                primary = [team["name"] for team in teams if team.get("primary")]
                user = owner.get("userId") or owner.get("userIdIncludingInactive")
                rows.append(
                    {
                        "owner_id": owner["id"],
                        "user_id": user,
                        "email": owner.get("email"),
                        "name": " ".join(
                            filter(None, (owner.get("firstName"), owner.get("lastName")))
                        ),
                        "team": primary[0] if primary else None,
                        "is_active": not is_archived,
                        "created_at": owner["createdAt"],
                        "updated_at": owner["updatedAt"],
                    }
                )
        return {"owners": rows}

    def _stages(self) -> dict[str, list[Row]]:
        rows: list[Row] = [
            {
                "kind": kind,
                "pipeline": pipeline["id"],
                "stage": stage["id"],
                "label": stage["label"],
                "position": stage["displayOrder"],
                "is_closed": stage["metadata"].get("isClosed"),
                "probability": stage["metadata"].get("probability"),
            }
            for kind in ("contacts", "deals")
            for pipeline in self._api.pipelines(kind)
            for stage in pipeline["stages"]
        ]
        return {"stages": rows}

    def _campaigns(self) -> dict[str, list[Row]]:
        campaigns: list[Row] = []
        spend: list[Row] = []
        for campaign in self._api.campaigns():
            told = campaign["properties"]
            campaigns.append(
                {
                    "campaign_id": campaign["id"],
                    "name": told.get("hs_name"),
                    "channel": told.get("hs_utm"),
                    "started_on": told.get("hs_start_date"),
                    "ended_on": told.get("hs_end_date"),
                    "created_at": campaign["createdAt"],
                    "updated_at": campaign["updatedAt"],
                }
            )
            budget = self._api.budget(campaign["id"])
            spend += [
                {
                    "campaign_id": campaign["id"],
                    "item_id": item["id"],
                    "name": item["name"],
                    "amount": item["amount"],
                    "currency": budget["currencyCode"],
                    "booked_at": item["createdAt"],
                }
                for item in budget["spendItems"]
            ]
        return {"campaigns": campaigns, "spend": spend}


class _Live:
    """The records of a kind, created before an instant, that are neither deleted nor merged."""

    def __init__(self, held: Held, kind: str, until: datetime | None) -> None:
        self.until = until or datetime.max.replace(tzinfo=UTC)
        self._held = held
        self._table = "engagements" if kind in ENGAGEMENTS else kind
        self._id = IDS[kind]
        self._where = (
            f"created_at < %s and {self._id} not in ("
            " select record_id from raw_hubspot.deletions"
            " where _known_until is null and system = %s and kind = %s"
            " union all select merged_id from raw_hubspot.merges"
            " where _known_until is null and system = %s and kind = %s)"
        )
        self._given = [self.until, *(held.system, kind) * 2]
        if kind in ENGAGEMENTS:
            self._where += " and kind = %s"
            self._given.append(kind)

    def count(self) -> int:
        """How many there are."""
        return self._held.count(self._table, self._where, *self._given)

    def ids(self) -> set[str]:
        """Their ids."""
        return self._held.values(self._table, self._id, self._where, *self._given)


class _Records:
    """One kind of record: at first all of them, then every night what changed."""

    def __init__(self, kind: str, settings: Settings, api: Api, known_at: datetime) -> None:
        self.kind = kind
        self._settings = settings
        self._api = api
        self._known_at = known_at
        self._look_back = timedelta(minutes=settings.look_back_minutes)
        if kind in ASSOCIATED:
            self._look_back = max(self._look_back, _ASSOCIATED_LATE)

    @property
    def name(self) -> str:
        """The kind of record."""
        return self.kind

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """The rest of the first load, if it has not ended; then what has changed since."""
        for name in ("since", "begun"):
            instant_in(cursor, name, self._known_at)
        if not str(cursor.get("after") or "0").isdecimal():
            raise CursorError(f"after: {cursor['after']!r}")
        reading, described = self._describe(cursor)
        kept = described.cursor
        yield described
        if "since" not in kept:
            for page in self._all(reading, kept):
                yield page
                kept = page.cursor
        if datetime.fromisoformat(kept["since"]) < self._known_at:
            yield from self._changed(reading, kept)

    def missed(self, ids: Sequence[str]) -> Iterator[Page]:
        """Records that no search has told."""
        if ids:
            reading, _ = self._describe({})
            records = self._api.read(self.kind, ids, reading.properties, reading.histories)
            yield Page(reading.rows(records), {})

    def _all(self, reading: Reading, cursor: Cursor) -> Iterator[Page]:
        begun = cursor.get("begun") or self._known_at.isoformat()
        kept = {name: cursor[name] for name in cursor if name in _DESCRIPTION}
        after = cursor.get("after")
        while True:
            records, after = self._api.records(
                self.kind, reading.properties, reading.histories, after
            )
            if after is None:
                yield Page(reading.rows(records), {**kept, "since": begun})
                return
            yield Page(reading.rows(records), {**kept, "begun": begun, "after": after})

    def _changed(self, reading: Reading, cursor: Cursor) -> Iterator[Page]:
        kept = {name: cursor[name] for name in cursor if name in (*_DESCRIPTION, "since")}
        until = self._known_at.isoformat()
        after = cursor.get("after", "0") if cursor.get("until") == until else "0"
        since = datetime.fromisoformat(cursor["since"]) - self._look_back
        while ids := self._api.changed(self.kind, since, after):
            records = self._api.read(self.kind, ids, reading.properties, reading.histories)
            after = ids[-1]
            yield Page(reading.rows(records), {**kept, "until": until, "after": after})
        yield Page({}, {**kept, "since": until})

    def _describe(self, cursor: Cursor) -> tuple[Reading, Page]:
        """Which properties to read, by what the account has today; and where to go on."""
        columns = fixed_columns(self.kind)
        if self.kind == "contacts":
            columns |= self._settings.contacts
        if self.kind not in _DESCRIBED:
            return Reading(self.kind, columns), Page({}, cursor)
        others: list[str] = []
        if self.kind == "contacts":
            others = [name for name in self._settings.history if name not in columns.values()]
        followed = followed_columns(self.kind, columns) | {name: name for name in others}
        properties = self._api.properties(self.kind)
        known = cursor.get("types")
        decision = decide(
            f"HubSpot {self.kind}",
            map(_field, properties),
            columns=followed | columns,
            never=self._settings.never,
            known=known if isinstance(known, dict) else None,
        )
        merged_ids = next((one["name"] for one in properties if one["label"] == MERGED_IDS), "")
        own = tuple(name for name in (*decision.own, *others) if name != merged_ids)
        reading = Reading(self.kind, columns, own, followed, merged_ids)
        asked = {*reading.properties, *reading.histories}
        rows = [
            {
                "kind": self.kind,
                "name": one["name"],
                "label": one["label"],
                "type": one["type"],
                "is_own": not one["hubspotDefined"],
                "is_read": one["name"] in asked,
            }
            for one in properties
        ]
        description = {"types": dict(decision.types), "plan": reading.plan}
        notes = list(decision.notes)
        kept = {name: cursor[name] for name in cursor if name not in _DESCRIPTION}
        if kept and cursor.get("plan") != reading.plan:
            # the records of before have other properties in these columns, or none
            notes.append(f"HubSpot {self.kind}: the mapping is another, all are read again")
            kept = {}
        return reading, Page({"properties": rows}, kept | description, notes)


class _Archived:
    """The recycle bin of one kind: searches and lists of live records never show it."""

    def __init__(self, kind: str, api: Api, known_at: datetime) -> None:
        self.name = f"archived {kind}"
        self._kind = kind
        self._api = api
        self._until = known_at.isoformat()

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """All of it, every night: there is no other way to learn what is new in it."""
        after = cursor.get("after") if cursor.get("until") == self._until else None
        while True:
            records, after = self._api.archived(self._kind, after)
            rows = [
                {
                    "kind": self._kind,
                    "record_id": record["id"],
                    "deleted_at": record.get("archivedAt"),
                    "how": "archived",
                }
                for record in records
            ]
            yield Page({"deletions": rows}, {"until": self._until, "after": after})
            if after is None:
                return


class _Whole:
    """What is small, and is read as a whole every night."""

    def __init__(
        self,
        name: str,
        read: Callable[[], Mapping[str, Sequence[Row]]],
        whole: Collection[str] = (),
    ) -> None:
        self.name = name
        self._read = read
        self._whole = whole

    def pages(self, _: Cursor) -> Iterator[Page]:
        """The one page."""
        yield Page(self._read(), {}, whole=self._whole)


class _Submissions:
    """Forms and what was filled in. Latest first, without a filter: read back to what is known."""

    name = "form_submissions"

    def __init__(self, api: Api, known_at: datetime, look_back: timedelta) -> None:
        self._api = api
        self._known_at = known_at
        self._until = known_at.isoformat()
        self._look_back = look_back

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Form by form; a run that was killed goes on with the form it was at."""
        begins = instant_in(cursor, "since", self._known_at)
        since = cursor.get("since")
        position = cursor if cursor.get("until") == self._until else {}
        forms = sorted(self._api.forms(), key=lambda form: str(form["id"]))
        rows = [
            {
                "form_id": form["id"],
                "name": form["name"],
                "created_at": form["createdAt"],
                "updated_at": form["updatedAt"],
            }
            for form in forms
        ]
        yield Page({"forms": rows}, cursor)
        oldest = (begins - self._look_back).timestamp() * 1000 if begins else 0.0
        for form in forms:
            if form["id"] < position.get("form", ""):
                continue
            is_resumed = form["id"] == position.get("form")
            yield from self._of_form(
                form["id"], since, oldest, position.get("after") if is_resumed else None
            )
        yield Page({}, {"since": self._until})

    def _of_form(
        self, form: str, since: str | None, oldest: float, after: str | None
    ) -> Iterator[Page]:
        while True:
            told, after = self._api.submissions(form, after)
            rows = [_submission(form, one) for one in told]
            cursor = {"since": since, "until": self._until, "form": form, "after": after}
            yield Page({"form_submissions": rows}, cursor)
            if after is None or (told and told[-1]["submittedAt"] < oldest):
                return


class _EmailEvents:
    """What became of marketing e-mails, in the window that is new."""

    name = "email_events"

    def __init__(self, api: Api, known_at: datetime, look_back: timedelta) -> None:
        self._api = api
        self._known_at = known_at
        self._look_back = look_back

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """The events since the last night, or all of them."""
        until = self._known_at.isoformat()
        since = cursor.get("since")
        offset = cursor.get("offset") if cursor.get("until") == until else None
        latest = instant_in(cursor, "since", self._known_at)
        begins = latest - self._look_back if latest else None
        while True:
            events, offset = self._api.email_events(begins, self._known_at, offset)
            rows = [
                {
                    "event_id": event["id"],
                    "type": event["type"],
                    "happened_at": event["created"],
                    "recipient": event.get("recipient"),
                    "mailing_id": event.get("emailCampaignId"),
                }
                for event in events
            ]
            if offset is None:
                yield Page({"email_events": rows}, {"since": until})
                return
            yield Page({"email_events": rows}, {"since": since, "until": until, "offset": offset})


def _field(told: Told) -> VendorField:
    return VendorField(
        told["name"],
        told["type"],
        is_own=not told["hubspotDefined"],
        # "non_sensitive", "sensitive" or "highly_sensitive"
        is_sensitive=told.get("dataSensitivity", "non_sensitive") != "non_sensitive",
    )


def _submission(form: str, told: Told) -> dict[str, Any]:
    typed = {value["name"]: value["value"] for value in told.get("values", ())}
    return {
        "form_id": form,
        "submission_id": told["conversionId"],
        "submitted_at": told["submittedAt"],
        "email": typed.get("email"),
    }
