"""Business time in SQL, as dbt compiles it: golden cases, and a clock on the wall that is walked.

The walk shares no code with the project: it reads the rule of a calendar as plain text, asks of
every minute what the wall clock shows, and counts.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from smarketing.agreement import load_agreement, read_agreement
from smarketing.agreement.calendars import Calendar
from smarketing.agreement.hours import opening_windows
from smarketing.home import PROJECT
from smarketing.warehouse.build import run_models
from smarketing.warehouse.connection import connect

from tests.conftest import dbt_workdir, new_warehouse
from tests.wall_clock import CLOCK_CHANGES, MINUTE, shown

GOLDEN = PROJECT / "tests" / "golden" / "business_time.csv"
ORIGIN = PROJECT.parent / "shared" / "golden" / "business_time.csv"

GOLDEN_CALENDARS = """\
calendars:
  madrid_split:
    zone: Europe/Madrid
    hours:
      mon-thu: ["09:00-14:00", "15:00-18:00"]
      fri: ["09:00-15:00"]
    closed: [2025-12-25, 2026-01-01, 2026-01-06, 2026-05-01, 2026-10-12]
    exceptions:
      2025-12-24: ["09:00-13:00"]
      2025-12-31: ["09:00-13:00"]
  new_york:
    zone: America/New_York
    hours: {mon-fri: ["08:30-17:30"]}
    closed: [2025-11-27, 2026-07-03]
    exceptions: {2025-11-28: ["08:30-12:00"]}
  sao_paulo_sat:
    zone: America/Sao_Paulo
    hours: {mon-fri: ["09:00-18:00"], sat: ["09:00-13:00"]}
    closed: [2018-02-13, 2018-11-15]
  always:
    zone: UTC
    hours: 24x7
  night_shift:
    zone: Europe/London
    hours: {mon-fri: ["22:00-06:00"]}
  kolkata:
    zone: Asia/Kolkata
    hours: {mon-fri: ["09:00-18:00"], sat: ["10:00-14:00"]}
    closed: [2026-01-26]
  lord_howe:
    zone: Australia/Lord_Howe
    hours: {mon-fri: ["09:00-18:00"]}
"""

# how a model asks
QUESTIONS = """
select
    {{ business_seconds('cases.start_at', 'starts', 'cases.end_at', 'ends') }} as business_seconds,
    {{ due_at('cases.start_at', 'starts', 'cases.target_seconds',
        ref('int_business_windows')) }} as due_at,
    deadlines.ends_at as due_at_business_days
from cases
left join {{ ref('int_business_clocks') }} as starts
    on
        cases.version = starts.version
        and cases.calendar = starts.calendar
        and {{ utc_day('cases.start_at') }} = starts.utc_day
left join {{ ref('int_business_clocks') }} as ends
    on
        cases.version = ends.version
        and cases.calendar = ends.calendar
        and {{ utc_day('cases.end_at') }} = ends.utc_day
left join {{ ref('int_business_days') }} as deadlines
    on
        starts.version = deadlines.version
        and starts.calendar = deadlines.calendar
        and {{ business_day('cases.start_at', 'starts') }} + cases.target_business_days
        = deadlines.business_day
order by cases.position
"""

MODELS = ("int_business_windows", "int_business_days", "int_business_clocks")

Connection = psycopg.Connection[Any]
Answer = tuple[float | None, datetime | None, datetime | None]


@dataclass(frozen=True)
class Case:
    """A question in the words of the golden cases."""

    calendar: str
    start_at: datetime
    end_at: datetime
    target_seconds: int
    target_business_days: int


@dataclass(frozen=True)
class Calculator:
    """A warehouse whose calendars are laid out, and what dbt made of models and questions."""

    connection: Connection
    models: dict[str, str]
    questions: str

    def build(self) -> None:
        """Build the models anew."""
        for model, query in self.models.items():
            self.connection.execute(f"truncate intermediate.{model}")
            self.connection.execute(f"insert into intermediate.{model} {query}")

    def answers(self, version: str, cases: list[Case]) -> list[Answer]:
        """What SQL says of each case."""
        cursor = self.connection.cursor()
        cursor.execute(
            "create temporary table cases (position integer, version text, calendar text,"
            " start_at timestamptz, end_at timestamptz, target_seconds integer,"
            " target_business_days integer) on commit drop"
        )
        with cursor.copy("copy cases from stdin") as copy:
            for position, case in enumerate(cases):
                copy.write_row(
                    (
                        position,
                        version,
                        case.calendar,
                        case.start_at,
                        case.end_at,
                        case.target_seconds,
                        case.target_business_days,
                    )
                )
        return cursor.execute(self.questions).fetchall()


@pytest.fixture(scope="module")
def calculator(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calculator]:
    """Olist's agreement, which reaches back far enough, with the golden calendars added to it."""
    folder = tmp_path_factory.mktemp("agreements")
    (file,) = (PROJECT / "examples" / "olist" / "agreements").glob("*.yml")
    text = file.read_text(encoding="utf-8")
    assert text.count("calendars:\n") == 1
    (folder / file.name).write_text(text.replace("calendars:\n", GOLDEN_CALENDARS))
    agreement = read_agreement(folder)
    # as of an early day, so that no calendar reaches further than it is laid out
    early = datetime(2011, 1, 1, tzinfo=UTC)
    with new_warehouse(postgres) as uri:
        with connect(uri, "loader") as connection:
            load_agreement(agreement, connection, as_of=early, until=date(2027, 12, 31))
        run = partial(run_models, uri, dbt_workdir(uri, folder), as_of=early, known_at=early)
        ancestors = [f"+{model}" for model in MODELS]
        built = run("run", "--quiet", "--select", *ancestors)
        (asked,) = run("compile", "--quiet", "--inline", QUESTIONS)
        queries = {result.node.name: result.node.compiled_code for result in built}
        # administrator: agreement, models and a table of cases in one transaction
        with psycopg.connect(uri, autocommit=True) as session:
            models = {model: queries[model] for model in MODELS}
            yield Calculator(session, models, asked.node.compiled_code)


# the golden cases ---------------------------------------------------------------------------------


def golden_cases() -> list[dict[str, str]]:
    with GOLDEN.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def golden_answers(calculator: Calculator) -> list[Answer]:
    cases = [
        Case(
            case["calendar"],
            datetime.fromisoformat(case["start_at"]),
            datetime.fromisoformat(case["end_at"]),
            int(case["target_seconds"]),
            int(case["target_business_days"]),
        )
        for case in golden_cases()
    ]
    with calculator.connection.transaction():
        return calculator.answers("olist-2017", cases)


@pytest.mark.parametrize("number", range(200))
def test_golden_case(number: int, golden_answers: list[Answer]) -> None:
    case = golden_cases()[number]
    assert golden_answers[number] == (
        int(case["business_seconds"]),
        datetime.fromisoformat(case["due_at"]),
        datetime.fromisoformat(case["due_at_business_days"]),
    )


@pytest.mark.skipif(not ORIGIN.exists(), reason="the golden cases' origin is not on this machine")
def test_the_golden_cases_are_as_they_were_given() -> None:
    assert GOLDEN.read_bytes() == ORIGIN.read_bytes()


# the walk -----------------------------------------------------------------------------------------

DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

BEFORE, AFTER = 9, 6


@dataclass(frozen=True)
class Span:
    """The days around a clock change, and what the wall clock shows at each minute of them."""

    start: datetime
    days: tuple[date, ...]
    shown: tuple[datetime, ...]

    def at(self, minute: float) -> datetime:
        return self.start + minute * MINUTE


@cache
def span_of(change: tuple[str, date]) -> Span:
    zone, changed = ZoneInfo(change[0]), change[1]
    days = tuple(changed + number * DAY for number in range(-BEFORE, AFTER + 1))
    start = datetime.combine(days[0] - DAY, time(), UTC)
    return Span(start, days, tuple(shown(zone, start, (len(days) + 4) * 24 * 60)))


def windows_of(rule: dict[str, Any], day: date) -> list[str]:
    """The windows that a rule has on a day, by the precedence that contracts promise."""
    if str(day) in rule["exceptions"]:
        return list(rule["exceptions"][str(day)])
    if day in rule["closed"]:
        return []
    weeks = [s["hours"] for s in rule["seasons"] if s["first_day"] <= day <= s["last_day"]]
    (week,) = weeks or [rule["hours"]]
    return list(week.get(WEEKDAYS[day.weekday()], ()))


@dataclass(frozen=True)
class Walk:
    """A calendar, minute by minute: the date whose window is open, or None."""

    span: Span
    open_for: tuple[date | None, ...]
    minutes_before: tuple[int, ...]
    days: tuple[date, ...]

    @classmethod
    def along(cls, span: Span, rule: dict[str, Any]) -> Walk:
        open_for: list[date | None] = [None] * len(span.shown)
        for day in span.days:
            midnight = datetime.combine(day, time())
            for window in windows_of(rule, day):
                opens, closes = (
                    midnight + timedelta(hours=int(at[:2]), minutes=int(at[3:]))
                    for at in window.split("-")
                )
                closes += DAY if closes < opens else 0 * DAY
                for minute in range(
                    bisect_left(span.shown, opens), bisect_left(span.shown, closes)
                ):
                    # where two days claim a minute, it belongs to the earlier
                    open_for[minute] = open_for[minute] or day
        before = accumulate((day is not None for day in open_for), initial=0)
        days = dict.fromkeys(day for day in open_for if day is not None)
        return cls(span, tuple(open_for), tuple(before), tuple(days))

    def edges(self) -> list[int]:
        """The minutes at which the calendar opens or closes, or one day's business ends."""
        return [
            minute
            for minute in range(1, len(self.open_for))
            if self.open_for[minute] != self.open_for[minute - 1]
        ]

    def seconds_until(self, at: datetime) -> float:
        minute, rest = divmod(at - self.span.start, MINUTE)
        running = rest.total_seconds() if self.open_for[minute] else 0
        return self.minutes_before[minute] * 60 + running

    def answer(self, case: Case) -> Answer:
        seconds = self.seconds_until(case.end_at) - self.seconds_until(case.start_at)
        return (
            round(max(seconds, 0), 6),
            self._due_at(case.start_at, case.target_seconds),
            self._due_at_business_days(case.start_at, case.target_business_days),
        )

    def _due_at(self, start: datetime, target: int) -> datetime | None:
        needed = self.seconds_until(start) + target
        # the last minute before which less had gone by
        minute = bisect_left(self.minutes_before, needed / 60) - 1
        if minute == len(self.open_for):
            return None
        missing = needed - self.minutes_before[minute] * 60
        return self.span.at(minute) + timedelta(microseconds=round(missing * 1_000_000))

    def _due_at_business_days(self, start: datetime, target: int) -> datetime | None:
        minute = (start - self.span.start) // MINUTE
        following = [day for day in self.open_for[minute:] if day is not None]
        if not following or self.days.index(following[0]) + target >= len(self.days):
            return None
        day = self.days[self.days.index(following[0]) + target]
        last = max(number for number, open_for in enumerate(self.open_for) if open_for == day)
        return self.span.at(last + 1)


@st.composite
def window_texts(draw: st.DrawFn) -> str:
    opens = draw(st.integers(0, 24 * 60 - 1))
    closes = (opens + draw(st.integers(1, 24 * 60 - 1))) % (24 * 60)
    return f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"


# three openings of a day are columns, further ones are not
some_windows = st.lists(window_texts(), max_size=2) | st.lists(
    st.integers(1, 20).map(lambda hour: f"{hour:02}:10-{hour:02}:50"), max_size=8, unique=True
)
weeks = st.dictionaries(st.sampled_from(WEEKDAYS), some_windows, min_size=2)


@st.composite
def rules(draw: st.DrawFn, days: tuple[date, ...]) -> dict[str, Any]:
    """The rule of a calendar, as the contract says it and YAML reads it."""
    exceptions = draw(st.dictionaries(st.sampled_from(days).map(str), some_windows, max_size=3))
    closed = draw(st.lists(st.sampled_from(days), max_size=3, unique=True))
    season = sorted(draw(st.tuples(st.sampled_from(days), st.sampled_from(days))))
    summer = {"first_day": season[0], "last_day": season[1], "hours": draw(weeks)}
    return {
        "hours": draw(weeks),
        "exceptions": exceptions,
        "closed": [day for day in closed if str(day) not in exceptions],
        "seasons": draw(st.sampled_from([[], [summer]])),
    }


@st.composite
def calendars_at_a_clock_change(
    draw: st.DrawFn,
) -> tuple[tuple[str, date], list[tuple[dict[str, Any], Walk]]]:
    change = draw(st.sampled_from(CLOCK_CHANGES))
    span = span_of(change)
    drawn = draw(st.lists(rules(span.days), min_size=1, max_size=8))
    walks = [(rule, Walk.along(span, rule)) for rule in drawn]
    return change, [(rule, walk) for rule, walk in walks if walk.days]


def plain(value: Any) -> Any:
    """As YAML is handed to the contract: lists are tuples."""
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    return tuple(map(plain, value)) if isinstance(value, list) else value


def lay_out(connection: Connection, zone: str, days: tuple[date, ...], rules: list[Any]) -> None:
    """Lay the calendars 0, 1, 2 ... of a version 'drawn' out over the days."""
    connection.execute(
        "insert into agreement.versions"
        " (version, name, effective_from, zone, marketing_party, sales_party, content_hash,"
        " content, handoff_stage, default_calendar)"
        " values ('drawn', '', '2100-01-01', 'UTC', '', '', '', '{}', '', '')"
    )
    with connection.cursor().copy(
        "copy agreement.opening_windows (version, calendar, opens_at, closes_at, local_date,"
        " seconds_before, business_day) from stdin"
    ) as copy:
        for number, rule in enumerate(rules):
            calendar = Calendar.model_validate(plain({"zone": zone, **rule}))
            for window in opening_windows(calendar.windows_on, ZoneInfo(zone), days[0], days[-1]):
                copy.write_row(("drawn", str(number), *window))


# an example asks PostgreSQL many times: to make a failing one smaller would take minutes
@settings(max_examples=25, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(calendars_at_a_clock_change(), st.data())
def test_sql_counts_as_the_clock_on_the_wall(
    calculator: Calculator,
    drawn: tuple[tuple[str, date], list[tuple[dict[str, Any], Walk]]],
    data: st.DataObject,
) -> None:
    change, calendars = drawn
    if not calendars:
        return
    span = span_of(change)
    edges = [edge for _, walk in calendars for edge in walk.edges()]
    # the calendars are laid out from the first opening to the last closing of any of them
    first, last = span.at(min(edges)), span.at(max(edges))
    instants = st.datetimes(first.replace(tzinfo=None), last.replace(tzinfo=None)).map(
        lambda instant: instant.replace(tzinfo=UTC)
    )
    targets = st.tuples(st.sampled_from([1, 60, 900, 14_400, 28_800, 200_000]), st.integers(1, 4))
    cases: list[tuple[Walk, Case]] = []
    for number, (_, walk) in enumerate(calendars):
        free = data.draw(st.lists(st.tuples(instants, instants, targets), max_size=4))
        at_edges = [
            (span.at(edge) + off * timedelta(seconds=1), span.at(other), targets)
            for edge, other, targets, off in data.draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(walk.edges()),
                        st.sampled_from(walk.edges()),
                        targets,
                        st.sampled_from([-1, 0, 1]),
                    ),
                    max_size=6,
                )
            )
        ]
        cases += [
            (walk, Case(str(number), start, end, *targets))
            for start, end, targets in free + at_edges
            if first <= start <= last
        ]
    with calculator.connection.transaction(force_rollback=True):
        calculator.connection.execute("delete from agreement.versions")
        lay_out(calculator.connection, change[0], span.days, [rule for rule, _ in calendars])
        calculator.build()
        answers = calculator.answers("drawn", [case for _, case in cases])
    for (walk, case), (seconds, due_at, due_at_business_days) in zip(cases, answers, strict=True):
        assert seconds is not None
        assert (round(seconds, 6), due_at, due_at_business_days) == walk.answer(case)
