"""Spec §5 and §2 in plain Python: what became of each handoff, told from what really happened.

The agreement is read as text, a calendar is a list of openings that is walked from the first to the
last, and nothing is shared with the project. It knows the built-in company: one system, no shared
activities, touches that all have a time.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SYSTEM = "crm"

Row = dict[str, str]


def read_rows(*files: Path) -> list[Row]:
    rows: list[Row] = []
    for file in files:
        with file.open(newline="", encoding="utf-8") as lines:
            rows += csv.DictReader(lines)
    return rows


def instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def key(identifier: str) -> str | None:
    return f"{SYSTEM}:{identifier}" if identifier else None


# calendars ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opening:
    opens: datetime
    closes: datetime
    day: date


def hours_on(day: date, weeks: Mapping[str, list[str]]) -> list[str]:
    number = day.weekday()
    for days, hours in weeks.items():
        first, _, last = days.partition("-")
        if WEEKDAYS.index(first) <= number <= WEEKDAYS.index(last or first):
            return hours
    return []


def openings(rule: dict[str, Any], first: date, last: date) -> list[Opening]:
    from holidays import country_holidays

    zone = ZoneInfo(rule["zone"])
    told = rule.get("holidays", {})
    public = country_holidays(told["country"], subdiv=told.get("subdivision"))
    found = []
    for day in (first + number * DAY for number in range((last - first).days)):
        if day in rule.get("exceptions", {}):
            hours = rule["exceptions"][day]
        elif day in rule.get("closed", []) or day in public:
            hours = []
        else:
            summer = [s for s in rule.get("seasons", []) if s["first_day"] <= day <= s["last_day"]]
            hours = hours_on(day, summer[0]["hours"] if summer else rule["hours"])
        for span in hours:
            opens, closes = (
                datetime.combine(day, time.fromisoformat(at), zone).astimezone(UTC)
                for at in span.split("-")
            )
            found.append(Opening(opens, closes, day))
    return sorted(found, key=lambda opening: opening.opens)


@dataclass(frozen=True)
class Calendar:
    openings: list[Opening]

    def seconds(self, start: datetime, end: datetime) -> float:
        return sum(
            max((min(end, each.closes) - max(start, each.opens)).total_seconds(), 0)
            for each in self.openings
        )

    def after(self, start: datetime) -> Iterator[Opening]:
        return (each for each in self.openings if each.closes > start)

    def due(self, start: datetime, within: str) -> datetime:
        number, *unit = within.split()
        if unit == ["business", "hours"]:
            return self._after_time(start, timedelta(hours=int(number)))
        assert unit == ["business", "days"]
        days = list(dict.fromkeys(each.day for each in self.after(start)))
        return max(each.closes for each in self.openings if each.day == days[int(number)])

    def _after_time(self, start: datetime, left: timedelta) -> datetime:
        for each in self.after(start):
            since = max(start, each.opens)
            if each.closes - since >= left:
                return since + left
            left -= each.closes - since
        raise AssertionError("the calendar is too short")


# the agreement ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    text: dict[str, Any]
    calendars: dict[str, Calendar]

    @property
    def starts(self) -> datetime:
        zone = ZoneInfo(self.text["zone"])
        return datetime.combine(self.text["effective_from"], time(), zone)

    def is_sales(self, team: str) -> bool:
        return bool(self.text["teams"].get(team, {}).get("party") == "sales")

    def is_listed(self, clause: str, touch: Row) -> bool:
        outcomes = self.text["handoff"][clause].get(touch["kind"], [])
        return outcomes == "any" or touch["outcome"] in outcomes


def read_versions(folder: Path, first: date, last: date) -> list[Version]:
    texts = [yaml.safe_load(file.read_text()) for file in sorted(folder.glob("*.yml"))]
    return [
        Version(
            text,
            {
                name: Calendar(openings(rule, first, last))
                for name, rule in text["calendars"].items()
            },
        )
        for text in texts
    ]


# handoffs -----------------------------------------------------------------------------------------


def verdict(
    due: datetime | None, answered: datetime | None, excused: datetime | None, as_of: datetime
) -> str:
    if due is None:
        return "undetermined"
    if answered and answered <= due and not (excused and excused < answered):
        return "met"
    if excused and excused <= due:
        return "excused"
    return "breached" if due < as_of else "open"


@dataclass(frozen=True)
class Company:
    """The truth about a company, and its agreement."""

    folder: Path
    as_of: datetime
    versions: list[Version]

    def handoffs(self) -> Iterator[tuple[Any, ...]]:
        """Every handoff, in the order of ``COLUMNS``."""
        truth = self.folder / "truth"
        starts: dict[tuple[str, int], datetime] = {}
        days = set()
        for row in read_rows(truth / "stages.csv"):
            cycle, entered = (row["person_id"], int(row["cycle_number"])), instant(row["entered"])
            assert entered
            starts[cycle] = min(entered, starts.get(cycle, entered))
            if row["stage"] == "mql" and row["is_date_only"] == "true":
                days.add((*cycle, entered))
        people = {
            record: row["person_id"]
            for row in read_rows(truth / "persons.csv")
            for record in row["record_ids"].split(";")
        }
        touches: defaultdict[str, list[Row]] = defaultdict(list)
        for row in read_rows(*sorted(self.folder.glob("touches_*.csv"))):
            touches[people[row["lead_id"]]].append(row)
        leads = read_rows(*sorted(self.folder.glob("leads_*.csv")))
        regions = {people[row["lead_id"]]: row["region"] for row in leads}
        owners = read_rows(*sorted(self.folder.glob("owners_*.csv")))
        teams = {row["owner_id"]: row["team"] for row in owners}
        for row in read_rows(truth / "handoffs.csv"):
            person, cycle_number = row["person_id"], int(row["cycle_number"])
            at = instant(row["handed_off"])
            yield self._handoff(
                row,
                is_day=(person, cycle_number, at) in days,
                until=starts.get((person, cycle_number + 1)),
                touches=sorted(touches[person], key=lambda touch: touch["occurred"]),
                region=regions[person],
                teams=teams,
            )

    def _handoff(
        self,
        row: Row,
        *,
        is_day: bool,
        until: datetime | None,
        touches: list[Row],
        region: str,
        teams: dict[str, str],
    ) -> tuple[Any, ...]:
        at, assigned = instant(row["handed_off"]), instant(row["assigned"])
        assert at
        # what was before the first version is read in its words
        version = [self.versions[0], *(each for each in self.versions if each.starts <= at)][-1]
        handoff = version.text["handoff"]
        team = teams[row["owner_id"]] if row["owner_id"] else None
        name = version.text["regions"][region]["calendar"]
        if team and assigned == at:
            name = version.text["teams"][team]["calendar"]
        calendar = version.calendars[name]

        counted: list[tuple[datetime, Row]] = []
        conversations: list[datetime] = []
        for touch in touches:
            touched = instant(touch["occurred"])
            assert touched
            if touched < at or (until and touched >= until) or touch["is_automated"] == "true":
                continue
            is_sales = version.is_sales(teams.get(touch["owner_id"], ""))
            is_outward = touch["direction"] == "outbound"
            if is_sales and is_outward and version.is_listed("touches", touch):
                counted.append((touched, touch))
            is_reply = not touch["owner_id"] and touch["direction"] == "inbound"
            if (is_sales or is_reply) and version.is_listed("conversation", touch):
                conversations.append(touched)
        first, first_touch = counted[0] if counted else (None, {"touch_id": "", "owner_id": ""})
        assert (first, first_touch["touch_id"]) == (
            instant(row["first_touch"]),
            row["first_touch_id"],
        )

        response_due, attempts_due, acceptance_due = (
            None if is_day else calendar.due(at, handoff[clock]["within"])
            for clock in ("response", "attempts", "acceptance")
        )
        touches_due = handoff["attempts"]["touches"]
        done = [touched for touched, _ in counted[touches_due - 1 :][:1]] + conversations[:1]
        accepted, left = instant(row["accepted"]), instant(row["left"])
        is_excuse = row["reason"] in handoff["excuses"]
        excused = left if is_excuse else None
        decided = [
            (moment, decision)
            for moment, decision in (
                (accepted, "accepted"),
                (left, "excused" if is_excuse else "rejected"),
            )
            if moment
        ]
        decided_at, decision = min(decided, key=lambda each: each[0], default=(None, None))
        response = routing = None
        if not is_day:
            response = None if first is None else calendar.seconds(at, first)
            routed = min((moment for moment in (assigned, first) if moment), default=None)
            routing = None if routed is None else calendar.seconds(at, routed)
        return (
            key(row["person_id"]),
            int(row["cycle_number"]),
            version.text["version"],
            name,
            key(row["owner_id"]),
            team,
            is_day,
            at,
            until,
            assigned,
            first,
            key(first_touch["touch_id"]),
            key(first_touch["owner_id"]),
            response,
            routing,
            None if response is None or routing is None else response - routing,
            response_due,
            verdict(response_due, first, excused, self.as_of),
            touches_due,
            len(counted),
            sum(attempts_due is not None and touched <= attempts_due for touched, _ in counted),
            min(conversations, default=None),
            min(done, default=None),
            attempts_due,
            verdict(attempts_due, min(done, default=None), excused, self.as_of),
            accepted,
            left,
            row["reason"] or None,
            None if left is None else is_excuse or row["reason"] in handoff["rejection_reasons"],
            decision,
            acceptance_due,
            verdict(
                acceptance_due,
                None if decision == "excused" else decided_at,
                excused if decision == "excused" else None,
                self.as_of,
            ),
        )


COLUMNS = (
    "lead_id", "cycle_number", "agreement_version", "calendar", "owner_key", "team",
    "is_date_only", "handed_off_at", "next_cycle_at", "assigned_at",
    "first_touch_at", "first_touch_key", "first_touch_owner_key",
    "response_business_seconds", "routing_business_seconds", "owner_business_seconds",
    "response_due_at", "response_status",
    "touches_due", "touch_count", "attempt_count", "conversation_at", "attempts_done_at",
    "attempts_due_at", "attempts_status",
    "accepted_at", "rejected_at", "rejection_reason", "is_rejection_reason_agreed", "decision",
    "acceptance_due_at", "acceptance_status",
)  # fmt: skip
