"""Every row of sla_compliance says what arithmetic by hand says of the built-in company.

The expectations are computed from what the simulation planned for each person and from the text
of the agreement, in plain Python, one person and one clock at a time, after the arithmetic that
both teams signed. Nothing is shared with the models: no SQL, no calendar, no parser of theirs.

One night reads all deliveries at once, so that every value is the last one told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
import yaml
from smarketing.home import PROJECT
from smarketing.sandbox import company as sandbox
from smarketing.sandbox.crm import lead_changes
from smarketing.sandbox.imagine import stories
from smarketing.sandbox.market import Campaigns
from smarketing.sandbox.story import Opportunity, Story, Touch
from smarketing.warehouse.connection import connect

from tests.nights.conftest import LAST_NIGHT, Company, end_of

DAY = 86_400
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PATH = ("subscriber", "lead", "mql", "sal", "sql", "opportunity", "customer")
AS_OF = int(end_of(LAST_NIGHT).timestamp())

Verdict = Literal["met", "breached", "open", "excused", "undetermined"]


# When people work


class Calendar:
    """The opening windows of a calendar, as instants in seconds since 1970."""

    def __init__(self, clause: dict[str, Any]) -> None:
        import holidays

        self.zone = ZoneInfo(clause["zone"])
        public = clause.get("holidays")
        years = range(2023, 2029)
        feasts = (
            holidays.country_holidays(public["country"], public.get("subdivision"), years=years)
            if public
            else {}
        )
        self.windows: list[tuple[int, int, date]] = []
        day = date(2023, 1, 1)
        while day < date(2028, 6, 1):
            for text in self._hours(clause, day, feasts):
                opens, closes = (self._instant(day, each) for each in text.split("-"))
                self.windows.append((opens, closes, day))
            day += timedelta(days=1)
        self.days = list(dict.fromkeys(day for *_, day in self.windows))

    def _instant(self, day: date, clock: str) -> int:
        return int(datetime.combine(day, time.fromisoformat(clock), self.zone).timestamp())

    @staticmethod
    def _hours(clause: dict[str, Any], day: date, feasts: Any) -> list[str]:
        for exception, windows in clause.get("exceptions", {}).items():
            if exception == day:
                return list(windows)
        if day in clause.get("closed", []) or day in feasts:
            return []
        hours = clause["hours"]
        for season in clause.get("seasons", []):
            if season["first_day"] <= day <= season["last_day"]:
                hours = season["hours"]
        for weekdays, windows in hours.items():
            first, _, last = weekdays.partition("-")
            if WEEK.index(first) <= day.weekday() <= WEEK.index(last or first):
                return list(windows)
        return []

    def _from(self, at: int) -> int:
        """The index of the first window that is not over at an instant."""
        return bisect_right(self.windows, at, key=lambda window: window[1])

    def seconds(self, since: int, until: int) -> int:
        """Business time in ``[since, until)``."""
        total = 0
        for opens, closes, _ in self.windows[self._from(since) :]:
            if opens >= until:
                break
            total += min(closes, until) - max(opens, since)
        return total

    def due(self, since: int, target: int) -> int:
        """When so much business time has gone by."""
        for opens, closes, _ in self.windows[self._from(since) :]:
            begins = max(opens, since)
            if target <= closes - begins:
                return begins + target
            target -= closes - begins
        raise AssertionError("beyond the calendar")

    def due_in_days(self, since: int, days: int) -> int:
        """The end of business on so many business days after the day of a start."""
        day = self.days[self.days.index(self.windows[self._from(since)][2]) + days]
        return max(closes for _, closes, opened in self.windows if opened == day)


# What both teams signed


@dataclass(frozen=True, eq=False)
class Version:
    """One version of the agreement; ``starts`` and ``ends`` are instants."""

    clauses: dict[str, Any]
    starts: int
    ends: int

    @property
    def name(self) -> str:
        name: str = self.clauses["version"]
        return name

    @cache  # noqa: B019 (there are four of them)
    def calendar(self, name: str) -> Calendar:
        return Calendar(self.clauses["calendars"][name])

    @property
    def default_calendar(self) -> Calendar:
        return self.calendar(self.clauses["default_calendar"])

    def deadline(self, clock: str, calendar: Calendar, since: int) -> int:
        number, *unit = self.clauses["handoff"][clock]["within"].split(" ")
        match unit:
            case ["business", "hours"]:
                return calendar.due(since, int(number) * 3600)
            case ["business", "days"]:
                return calendar.due_in_days(since, int(number))
        raise AssertionError(unit)


ZONE = ZoneInfo("Europe/Madrid")


def local_start(day: date) -> int:
    return int(datetime.combine(day, time(), ZONE).timestamp())


def local_day(at: int) -> date:
    return datetime.fromtimestamp(at, ZONE).date()


@pytest.fixture(scope="module")
def versions() -> list[Version]:
    files = sorted((PROJECT / "agreements").glob("2*.yml"))
    signed = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    assert {each["zone"] for each in signed} == {ZONE.key}
    starts = [local_start(each["effective_from"]) for each in signed] + [2**40]
    return [
        Version(clauses, start, end)
        for clauses, (start, end) in zip(signed, pairwise(starts), strict=True)
    ]


def in_force(versions: Sequence[Version], at: int) -> Version:
    """The version in whose words an instant is read; before the first one, in those."""
    return next((each for each in reversed(versions) if each.starts <= at), versions[0])


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
        self.owners = [(each.at, each.owner_id) for each in story.ownerships]

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

    def owner(self, at: int) -> str:
        return next((owner for since, owner in reversed(self.owners) if since <= at), "")


@dataclass(frozen=True)
class Clock:
    verdict: Verdict
    ends: int | None


@dataclass
class Handoff:
    """A hand-over, judged by the version in force at it."""

    person: Person
    cycle: int
    at: int
    is_day: bool
    version: Version

    @cached_property
    def ends(self) -> int:
        """The start of the next cycle."""
        moves = self.person.story.moves
        return next((move.at for move in moves if move.cycle > self.cycle), 2**40)

    @cached_property
    def owner(self) -> str:
        """The sales owner at the hand-over, or else whoever of sales first held it after."""
        held = [self.person.owner(self.at)]
        held += [owner for at, owner in self.person.owners if self.at <= at < self.ends]
        return next((each for each in held if is_sales(each)), "")

    @cached_property
    def calendar(self) -> Calendar:
        clauses = self.version.clauses
        owner = self.person.owner(self.at)
        team = clauses["teams"].get(sandbox.OWNERS[owner].team) if is_sales(owner) else None
        region = clauses["regions"].get(self.person.dimensions["region"])
        for clause in (team, region):
            if clause and clause.get("calendar"):
                return self.version.calendar(clause["calendar"])
        return self.version.default_calendar

    @cached_property
    def later(self) -> list[Touch]:
        touches = self.person.story.touches
        return [each for each in touches if self.at <= each.at < self.ends]

    @cached_property
    def touches(self) -> list[int]:
        """When somebody of sales reached out."""
        counted = self.version.clauses["handoff"]["touches"]
        return [each.at for each in self.later if counts(each, counted) and is_attempt(each)]

    @cached_property
    def conversation(self) -> int | None:
        spoken = self.version.clauses["handoff"]["conversation"]
        return next((each.at for each in self.later if counts(each, spoken)), None)

    @cached_property
    def left(self) -> tuple[int, str] | None:
        """When and why the person left the funnel."""
        for move in self.person.story.moves:
            if move.cycle == self.cycle and move.at >= self.at and move.direction == "detour":
                return move.at, move.reason
        return None

    @cached_property
    def accepted(self) -> Entry | None:
        for move in self.person.story.moves:
            above = PATH.index(move.stage) > PATH.index("mql") if move.stage in PATH else False
            if move.cycle == self.cycle and move.at >= self.at and above:
                return Entry(move.at, move.uploaded is not None, False)
        return None

    def _clock(self, name: str, done: int | None, *, can_be_excused: bool = True) -> Clock:
        if self.is_day:
            return Clock("undetermined", None)
        due = self.version.deadline(name, self.calendar, self.at)
        excuses = self.version.clauses["handoff"]["excuses"]
        excused = self.left[0] if can_be_excused and self.left and self.left[1] in excuses else None
        # whatever comes first ends the clock
        if done is not None and done <= min(due, due if excused is None else excused):
            return Clock("met", done)
        if excused is not None and excused <= due:
            return Clock("excused", excused)
        return Clock("breached", due) if due < AS_OF else Clock("open", None)

    @cached_property
    def response(self) -> Clock:
        return self._clock("response", next(iter(self.touches), None))

    @cached_property
    def attempts(self) -> Clock:
        needed = self.version.clauses["handoff"]["attempts"]["touches"]
        nth = self.touches[needed - 1] if len(self.touches) >= needed else None
        done = [each for each in (nth, self.conversation) if each is not None]
        return self._clock("attempts", min(done, default=None))

    @cached_property
    def acceptance(self) -> Clock:
        decided = [self.accepted.at] if self.accepted else []
        decided += [self.left[0]] if self.left else []
        return self._clock("acceptance", min(decided, default=None), can_be_excused=False)


def is_sales(owner: str) -> bool:
    return owner in sandbox.OWNERS and sandbox.OWNERS[owner].is_sales


def counts(touch: Touch, kinds: dict[str, Any]) -> bool:
    outcomes = kinds.get(touch.kind)
    return outcomes == "any" or touch.outcome in (outcomes or [])


def is_attempt(touch: Touch) -> bool:
    return touch.direction == "outbound" and not touch.is_automated and is_sales(touch.owner_id)


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


def periods(kind: str, version: Version) -> Iterator[Period]:
    first = local_day(version.starts)
    if kind == "week":
        day, step = first - timedelta(days=first.weekday()), timedelta(days=7)
        starts = [day + step * number for number in range(400)]
    else:
        length = 1 if kind == "month" else 3
        starts = [
            date(year, month, 1) for year in range(2025, 2030) for month in range(1, 13, length)
        ]
    for start, end in pairwise(starts):
        if version.starts <= local_start(start) < min(version.ends, AS_OF):
            yield Period(start, end)


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
        return self.version.name, self.clause["id"], segment, self.period.first


def measures(versions: Sequence[Version]) -> Iterator[Measure]:
    for version in versions:
        for clause in version.clauses["commitments"]:
            for part in [clause, *clause.get("segments", [])]:
                names = ("persona", "region", "channel", "team")
                dimension = next((name for name in names if name in part), None)
                target = read_target(part.get("target") or part["objective"])
                for period in periods(clause["period"], version):
                    value = part[dimension] if dimension else None
                    yield Measure(version, clause, dimension, value, target, period)


def percentile(values: Sequence[Fraction], share: Fraction) -> Fraction:
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
    """Everybody, every hand-over, every deal and all the money spent."""

    def __init__(self, seed: int, leads: int, nights: int, versions: Sequence[Version]) -> None:
        company = sandbox.Company(seed=seed, leads=leads, nights=nights, ends=LAST_NIGHT)
        campaigns = Campaigns(company)
        self.persons = [Person(story, rng) for story, rng in stories(company, campaigns)]
        self.spend = [
            (campaign.channel, local_start(day), Fraction(f"{amount:.2f}"))
            for campaign, day, amount in campaigns.spend()
        ]
        self.handoffs = [
            Handoff(person, cycle, entry.at, entry.is_day, in_force(versions, entry.at))
            for person in self.persons
            for cycle, stages in person.entries.items()
            if (entry := stages.get("mql")) and not entry.is_inferred
        ]
        self.deals = [
            (person, deal) for person in self.persons for deal in person.story.opportunities
        ]

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

    def handed_over(self, measure: Measure) -> Iterator[Handoff]:
        for handoff in self.handoffs:
            if self._is_meant(handoff, measure) and handoff.at in measure.period:
                yield handoff

    @staticmethod
    def _is_meant(handoff: Handoff, measure: Measure) -> bool:
        if not handoff.person.is_in(measure.period):
            return False
        if measure.dimension == "team":
            owner = sandbox.OWNERS.get(handoff.owner)
            return owner is not None and owner.team == measure.value
        return measure.dimension is None or (
            handoff.person.dimensions[measure.dimension] == measure.value
        )

    def measure(self, measure: Measure) -> Measured:
        found: Callable[[Measure], Measured] = getattr(self, f"_{measure.clause['metric']}")
        return found(measure)

    def _volume(self, measure: Measure) -> Measured:
        entered = self.cycles(measure, measure.clause["stage"])
        count = sum(not entry.is_inferred for *_, entry in entered)
        return Measured(count, Fraction(count))

    def _value(self, measure: Measure) -> Measured:
        table = measure.version.clauses["lead_values"]
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
            for rule in measure.version.clauses["qualification"]
            if rule["severity"] == "critical"
        }
        assert critical == {("email", "phone"), ("persona",), ("channel",)}
        passed = [
            bool(
                (handoff.person.email or handoff.person.phone)
                and handoff.person.dimensions["persona"]
                and handoff.person.dimensions["channel"]
            )
            for handoff in self.handed_over(measure)
        ]
        return Measured(len(passed), Fraction(sum(passed), len(passed)) if passed else None)

    def _by_clock(self, measure: Measure, clock: str) -> Measured:
        verdicts = [getattr(each, clock).verdict for each in self.handed_over(measure)]
        met, breached = verdicts.count("met"), verdicts.count("breached")
        is_open = verdicts.count("open")
        share = Fraction(met, met + breached) if met + breached else None
        return Measured(met + breached, share, is_open, not is_open)

    def _response(self, measure: Measure) -> Measured:
        return self._by_clock(measure, "response")

    def _attempts(self, measure: Measure) -> Measured:
        return self._by_clock(measure, "attempts")

    def _acceptance(self, measure: Measure) -> Measured:
        return self._by_clock(measure, "acceptance")

    def _worked(self, measure: Measure) -> Measured:
        count = sum(
            bool(handoff.touches) and handoff.touches[0] in measure.period
            for handoff in self.handoffs
            if self._is_meant(handoff, measure)
        )
        return Measured(count, Fraction(count))

    def _conversion(self, measure: Measure) -> Measured:
        within = days_of(measure.clause["within"])
        reached, final = [], True
        for person, cycle, start in self.cycles(measure, measure.clause["from"]):
            ends = person.arrivals(cycle, measure.clause["to"])
            durations = [days for end in ends if (days := days_between(start, end)) is not None]
            reached.append(any(days <= within for days in durations))
            if start.is_day:
                final &= (local_day(AS_OF) - local_day(start.at)).days > within
            else:
                final &= start.at + within * DAY <= AS_OF
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
        spent = [amount for _, at, amount in self.spend if at in measure.period]
        back = sum((amount for _, amount in won), Fraction())
        total = sum(spent, Fraction())
        return Measured(len(won) + len(spent), (back - total) / total if total else None)


@dataclass(frozen=True)
class Row:
    """What sla_compliance says of a measure; numbers have six decimals."""

    status: str
    sample: int
    open: int
    actual: float | None
    expected: float | None
    forecast: float | None


def rounded(number: Fraction | None) -> float | None:
    return None if number is None else float(round(number, 6))


def judged(measure: Measure, measured: Measured) -> Row:
    target, actual, period = measure.target, measured.actual, measure.period
    calendar = measure.version.default_calendar
    seconds = calendar.seconds(period.starts, period.ends)
    elapsed = calendar.seconds(period.starts, min(period.ends, AS_OF))
    adds_up = target.unit not in ("", "calendar days")
    expected, forecast = target.number, actual
    if adds_up and actual is not None:
        expected = target.number * elapsed / seconds
        forecast = actual * seconds / elapsed if elapsed else None
    sample_needed = max(measure.clause.get("minimum_sample", 0), 1)

    def reaches(number: Fraction, bar: Fraction) -> bool:
        return number >= bar if target.is_floor else number <= bar

    nearly = target.number * Fraction(9, 10) if target.is_floor else target.number / Fraction(9, 10)
    is_over = period.ends <= AS_OF
    if elapsed == 0 and not is_over:
        status = "pending"
    elif is_over and not measured.is_final:
        status = "maturing"
    elif not adds_up and (actual is None or measured.sample < sample_needed):
        status = "insufficient_sample"
    elif actual is None or forecast is None:
        raise AssertionError(measure)
    elif is_over:
        status = "met" if reaches(actual, target.number) else "missed"
    elif reaches(forecast, target.number):
        status = "on_track"
    else:
        status = "at_risk" if reaches(forecast, nearly) else "off_track"
    return Row(
        status,
        measured.sample,
        measured.open,
        rounded(actual),
        rounded(expected),
        rounded(forecast),
    )


def check(company: Company, world: World, versions: Sequence[Version]) -> None:
    expected = {each.key: judged(each, world.measure(each)) for each in measures(versions)}
    with connect(company.warehouse, "reader") as connection:
        rows = connection.execute(
            """
            select
                agreement_version, commitment_id, segment, period_start_date,
                status, sample_size, open_count,
                actual::float, expected_to_date::float, forecast::float
            from marts.sla_compliance
            """
        ).fetchall()
    found = {row[:4]: Row(*row[4:]) for row in rows}
    assert found.keys() == expected.keys()
    differing = {
        key: (found[key], expected[key]) for key in sorted(found) if found[key] != expected[key]
    }
    assert not differing


@pytest.mark.parametrize("seed", [3])
def test_every_promise_is_judged_as_by_hand(
    company: Callable[..., Company], versions: list[Version], seed: int, tmp_path: Path
) -> None:
    founded = company(seed=seed, leads=1500, nights=3)
    founded.run_night(LAST_NIGHT, until="publish")
    check(founded, World(seed, 1500, 3, versions), versions)
