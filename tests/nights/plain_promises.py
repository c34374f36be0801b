"""Spec §7 in plain Python: every row of sla_compliance, from what happened to each person.

The expectations are computed from what the simulation planned and from the text of the agreement,
one person and one promise at a time. Nothing is shared with the models: no SQL, no calendar, no
parser of theirs. A night that reads all deliveries at once is told the last value of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from smarketing.home import PROJECT
from smarketing.sandbox import company as sandbox
from smarketing.sandbox.crm import lead_changes
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import Opportunity, Story

from tests.nights import plain_handoffs
from tests.nights.plain_handoffs import Version, read_versions

DAY = 86_400
ZONE = ZoneInfo("Europe/Madrid")
COLUMNS = (
    "agreement_version", "commitment_id", "segment", "period_start_date", "status",
    "sample_size", "open_count", "actual", "expected_to_date", "forecast",
)  # fmt: skip

Row = tuple[str, str, str, date, str, int, int, float | None, float | None, float | None]


def local_start(day: date) -> int:
    return int(datetime.combine(day, time(), ZONE).timestamp())


def local_day(at: int) -> date:
    return datetime.fromtimestamp(at, ZONE).date()


def utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


# What happened


@dataclass(frozen=True)
class Entry:
    at: int
    is_day: bool
    is_inferred: bool


class Person:
    """What the simulation planned for somebody, as the systems tell it at the end."""

    def __init__(self, story: Story, score_rng: Any) -> None:
        self.story = story
        away = story.merged_away()
        surviving = [index for index in range(len(story.records)) if index not in away]
        surviving.sort(
            key=lambda index: (story.records[index].created, story.records[index].lead_id)
        )
        last = []
        for index in range(len(story.records)):
            values = {"phone": story.prospect.phone}
            values |= {name: value for _, name, value in lead_changes(score_rng, story, index)}
            last.append(values)

        def first(values: Iterator[str]) -> str | None:
            return next((value for value in values if value), None)

        self.dimensions: dict[str, str | None] = {
            "persona": story.prospect.persona or None,
            "region": story.prospect.account.region or None,
            "channel": first(story.records[index].channel for index in surviving),
        }
        self.email = first(story.records[index].email for index in surviving)
        self.phone = first(last[index]["phone"].strip() for index in surviving)
        deleted = {deletion.record: deletion.at for deletion in story.deletions}
        is_deleted = all(index in deleted for index in surviving)
        self.deleted = max(deleted[index] for index in surviving) if is_deleted else None
        self.key = plain_handoffs.key(story.records[story.canonical()].lead_id)

    @cached_property
    def entries(self) -> dict[int, dict[str, Entry]]:
        """The first observed entry of each cycle to each stage, or else the inferred one."""
        found: dict[int, dict[str, Entry]] = {}
        for move in self.story.moves:
            cycle = found.setdefault(move.cycle, {})
            for stage in move.inferred:
                cycle.setdefault(stage, Entry(move.at, move.uploaded is not None, True))
            known = cycle.get(move.stage)
            if known is None or known.is_inferred:
                cycle[move.stage] = Entry(move.at, move.uploaded is not None, False)
        return found

    def arrivals(self, cycle: int, stage: str) -> list[Entry]:
        """All entries of a cycle to a stage, in order."""
        return [
            Entry(move.at, move.uploaded is not None, stage != move.stage)
            for move in self.story.moves
            if move.cycle == cycle and (stage == move.stage or stage in move.inferred)
        ]

    def is_in(self, period: Period) -> bool:
        """Whether the person was still there when the period was over."""
        return self.deleted is None or self.deleted >= period.ends


# What was promised


@dataclass(frozen=True)
class Period:
    """Local days ``[first, until)``, as instants ``[starts, ends)``."""

    first: date
    until: date

    @property
    def starts(self) -> int:
        return local_start(self.first)

    @property
    def ends(self) -> int:
        return local_start(self.until)

    def __contains__(self, at: int) -> bool:
        return self.starts <= at < self.ends


def periods(kind: str, starts: int, ends: int) -> Iterator[Period]:
    """Those that begin in ``[starts, ends)``."""
    if kind == "week":
        monday = local_day(starts) - timedelta(days=local_day(starts).weekday())
        firsts = [monday + timedelta(days=7 * number) for number in range(400)]
    else:
        length = 1 if kind == "month" else 3
        firsts = [
            date(year, month, 1) for year in range(2025, 2030) for month in range(1, 13, length)
        ]
    for first, until in pairwise(firsts):
        if starts <= local_start(first) < ends:
            yield Period(first, until)


@dataclass(frozen=True)
class Target:
    number: Fraction
    is_floor: bool
    unit: str


def read_target(text: str) -> Target:
    """Read "at least 9%", "at most 14 calendar days" or "at least 45,000 EUR"."""
    _, direction, number, *unit = text.split(" ")
    value = Fraction(number.replace(",", "").removesuffix("%"))
    is_share = number.endswith("%")
    return Target(value / 100 if is_share else value, direction == "least", " ".join(unit))


def days_of(text: str) -> int:
    return int(text.removesuffix(" calendar days"))


# The arithmetic


@dataclass
class Measured:
    """What a period comes to; ``actual`` is none where there is nothing to take it of."""

    sample: int
    actual: Fraction | None
    open: int = 0
    is_final: bool = True


@dataclass(frozen=True)
class Measure:
    """One promise, for everybody or a part, over one period."""

    version: Version
    clause: dict[str, Any]
    dimension: str | None
    value: str | None
    target: Target
    period: Period

    @property
    def key(self) -> tuple[str, str, str, date]:
        segment = f"{self.dimension}: {self.value}" if self.dimension else "all"
        return self.version.text["version"], self.clause["id"], segment, self.period.first


def measures(versions: Sequence[Version], as_of: int) -> Iterator[Measure]:
    starts = [int(version.starts.timestamp()) for version in versions]
    for version, start, end in zip(versions, starts, [*starts[1:], as_of], strict=True):
        for clause in version.text["commitments"]:
            for part in [clause, *clause.get("segments", [])]:
                names = ("persona", "region", "channel", "team")
                dimension = next((name for name in names if name in part), None)
                value = part[dimension] if dimension else None
                target = read_target(part.get("target") or part["objective"])
                for period in periods(clause["period"], start, min(end, as_of)):
                    yield Measure(version, clause, dimension, value, target, period)


def percentile(values: Sequence[Fraction | int], share: Fraction) -> Fraction:
    """Interpolate between the two nearest ranks (what PostgreSQL calls percentile_cont)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def days_between(start: Entry, end: Entry) -> Fraction | None:
    if start.is_day or end.is_day:
        days = (local_day(end.at) - local_day(start.at)).days
        return Fraction(days) if days >= 0 else None
    return Fraction(end.at - start.at, DAY) if end.at >= start.at else None


class World:
    """Everybody, every hand-over, every deal and all the money spent, in files and as planned."""

    def __init__(self, exports: Path, company: sandbox.Company) -> None:
        self.as_of = company.ends_at
        first, last = date(2025, 1, 1), date(2027, 2, 1)
        self.versions = read_versions(PROJECT / "agreements", first, last)
        campaigns = Campaigns(company)
        self.persons = [Person(story, rng) for story, rng in stories(company, campaigns)]
        self.spend = [
            (local_start(day), Fraction(f"{amount:.2f}")) for _, day, amount in campaigns.spend()
        ]
        self.deals = [
            (person, deal) for person in self.persons for deal in person.story.opportunities
        ]
        by_key = {person.key: person for person in self.persons}
        told = plain_handoffs.Company(exports, utc(self.as_of), self.versions).handoffs()
        rows = (dict(zip(plain_handoffs.COLUMNS, row, strict=True)) for row in told)
        self.handoffs = [(by_key[row["lead_id"]], row) for row in rows]

    def rows(self) -> set[Row]:
        """What sla_compliance should say, in the order of ``COLUMNS``; six decimals."""
        return {
            (*measure.key, *self._judged(measure, self._measure(measure)))
            for measure in measures(self.versions, self.as_of)
        }

    def cycles(self, measure: Measure, stage: str) -> Iterator[tuple[Person, int, Entry]]:
        """Those whose first entry to a stage lies in the period, of the part that is meant."""
        for person in self.persons:
            if not person.is_in(measure.period):
                continue
            if measure.dimension and person.dimensions[measure.dimension] != measure.value:
                continue
            for cycle, stages in person.entries.items():
                entry = stages.get(stage)
                if entry and entry.at in measure.period:
                    yield person, cycle, entry

    def handed_over(self, measure: Measure, column: str) -> Iterator[tuple[Person, dict[str, Any]]]:
        """The hand-overs of which something happened in the period, of the part that is meant."""
        for person, handoff in self.handoffs:
            parts = person.dimensions | {"team": handoff["team"]}
            if (
                person.is_in(measure.period)
                and (measure.dimension is None or parts[measure.dimension] == measure.value)
                and handoff[column]
                and int(handoff[column].timestamp()) in measure.period
            ):
                yield person, handoff

    def _measure(self, measure: Measure) -> Measured:
        found: Callable[[Measure], Measured] = getattr(self, f"_{measure.clause['metric']}")
        return found(measure)

    def _volume(self, measure: Measure) -> Measured:
        entered = self.cycles(measure, measure.clause["stage"])
        count = sum(not entry.is_inferred for *_, entry in entered)
        return Measured(count, Fraction(count))

    def _value(self, measure: Measure) -> Measured:
        table = measure.version.text["lead_values"]
        stage = measure.clause["stage"]
        worth = [
            table["by_persona"].get(person.dimensions["persona"], table["otherwise"])[stage]
            for person, _, entry in self.cycles(measure, stage)
            if not entry.is_inferred
        ]
        return Measured(len(worth), Fraction(sum(worth)))

    def _quality(self, measure: Measure) -> Measured:
        if measure.clause["judged_by"] == "acceptance":
            raise AssertionError("no such promise is signed")
        critical = {
            tuple(rule["any_of"])
            for rule in measure.version.text["qualification"]
            if rule["severity"] == "critical"
        }
        assert critical == {("email", "phone"), ("persona",), ("channel",)}
        passed = [
            bool(
                (person.email or person.phone)
                and person.dimensions["persona"]
                and person.dimensions["channel"]
            )
            for person, _ in self.handed_over(measure, "handed_off_at")
        ]
        return Measured(len(passed), Fraction(sum(passed), len(passed)) if passed else None)

    def _by_clock(self, measure: Measure) -> Measured:
        status = f"{measure.clause['metric']}_status"
        verdicts = [row[status] for _, row in self.handed_over(measure, "handed_off_at")]
        met, breached = verdicts.count("met"), verdicts.count("breached")
        is_open = verdicts.count("open")
        share = Fraction(met, met + breached) if met + breached else None
        return Measured(met + breached, share, is_open, not is_open)

    _response = _attempts = _acceptance = _by_clock

    def _worked(self, measure: Measure) -> Measured:
        count = len([*self.handed_over(measure, "first_touch_at")])
        return Measured(count, Fraction(count))

    def _conversion(self, measure: Measure) -> Measured:
        within = days_of(measure.clause["within"])
        reached, final = [], True
        for person, cycle, start in self.cycles(measure, measure.clause["from"]):
            ends = person.arrivals(cycle, measure.clause["to"])
            durations = [days for end in ends if (days := days_between(start, end)) is not None]
            reached.append(any(days <= within for days in durations))
            if start.is_day:
                final &= (local_day(self.as_of) - local_day(start.at)).days > within
            else:
                final &= start.at + within * DAY <= self.as_of
        share = Fraction(sum(reached), len(reached)) if reached else None
        return Measured(len(reached), share, is_final=final)

    def _cycle_time(self, measure: Measure) -> Measured:
        share = {"median": Fraction(1, 2), "p90": Fraction(9, 10)}[measure.clause["statistic"]]
        durations = []
        for person, cycle, end in self.cycles(measure, measure.clause["to"]):
            start = person.entries[cycle].get(measure.clause["from"])
            if start and not start.is_inferred:
                days = days_between(start, end)
                durations += [days] if days is not None else []
        return Measured(len(durations), percentile(durations, share) if durations else None)

    def _deals(
        self, measure: Measure, at: Callable[[Opportunity], int | None]
    ) -> list[tuple[Opportunity, Fraction]]:
        found = []
        for person, deal in self.deals:
            moment = at(deal)
            is_meant = measure.dimension is None or (
                person.dimensions[measure.dimension] == measure.value
            )
            if is_meant and person.is_in(measure.period) and moment and moment in measure.period:
                cents = deal.quoted if deal.closed is None else deal.agreed
                found.append((deal, Fraction(cents, 100)))
        return found

    def _won(self, measure: Measure) -> list[tuple[Opportunity, Fraction]]:
        return self._deals(measure, lambda deal: deal.closed if deal.status == "won" else None)

    def _revenue(self, measure: Measure) -> Measured:
        won = self._won(measure)
        return Measured(len(won), sum((amount for _, amount in won), Fraction()))

    def _pipeline(self, measure: Measure) -> Measured:
        opened = self._deals(measure, lambda deal: deal.opened)
        return Measured(len(opened), sum((amount for _, amount in opened), Fraction()))

    def _roi(self, measure: Measure) -> Measured:
        won = self._won(measure)
        spent = [amount for at, amount in self.spend if at in measure.period]
        back = sum((amount for _, amount in won), Fraction())
        total = sum(spent, Fraction())
        return Measured(len(won) + len(spent), (back - total) / total if total else None)

    def _judged(
        self, measure: Measure, measured: Measured
    ) -> tuple[str, int, int, float | None, float | None, float | None]:
        target, actual, period = measure.target, measured.actual, measure.period
        version = measure.version
        calendar = version.calendars[version.text["default_calendar"]]
        until = min(period.ends, self.as_of)
        seconds = Fraction(calendar.seconds(utc(period.starts), utc(period.ends)))
        elapsed = Fraction(calendar.seconds(utc(period.starts), utc(until)))
        adds_up = target.unit not in ("", "calendar days")
        expected, forecast = target.number, actual
        if adds_up and actual is not None:
            expected = target.number * elapsed / seconds
            forecast = actual * seconds / elapsed if elapsed else None

        def reaches(number: Fraction, bar: Fraction) -> bool:
            return number >= bar if target.is_floor else number <= bar

        nearly = target.number * Fraction(9, 10)
        if not target.is_floor:
            nearly = target.number / Fraction(9, 10)
        is_over = period.ends <= self.as_of
        if elapsed == 0 and not is_over:
            status = "pending"
        elif is_over and not measured.is_final:
            status = "maturing"
        elif not adds_up and (
            actual is None or measured.sample < max(measure.clause.get("minimum_sample", 0), 1)
        ):
            status = "insufficient_sample"
        elif actual is None or forecast is None:
            raise AssertionError(measure)
        elif is_over:
            status = "met" if reaches(actual, target.number) else "missed"
        elif reaches(forecast, target.number):
            status = "on_track"
        else:
            status = "at_risk" if reaches(forecast, nearly) else "off_track"
        counts = measured.sample, measured.open
        return (status, *counts, rounded(actual), rounded(expected), rounded(forecast))


def rounded(number: Fraction | None) -> float | None:
    """To six decimals; halves are rounded away from nothing."""
    if number is None:
        return None
    half = Fraction(1, 2) if number >= 0 else Fraction(-1, 2)
    return int(number * 10**6 + half) / 10**6
