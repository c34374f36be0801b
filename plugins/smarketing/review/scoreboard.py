"""The scoreboard: what a published night says of both sides of the agreement.

One model for every way of showing it. Whatever is a judgement (a streak, the last verdict, what is
to be celebrated) is made here; the page and the terminal only choose its form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, takewhile
from operator import attrgetter
from typing import Literal
from zoneinfo import ZoneInfo

from smarketing.progress import StepRecord

Tone = Literal["good", "warn", "bad", "idle"]

# what each status of sla_compliance is called on the page, and how it feels
STATUSES: dict[str, tuple[str, Tone]] = {
    "met": ("met", "good"),
    "on_track": ("on track", "good"),
    "at_risk": ("at risk", "warn"),
    "off_track": ("off track", "bad"),
    "missed": ("missed", "bad"),
    "pending": ("not begun", "idle"),
    "maturing": ("maturing", "idle"),
    "insufficient_sample": ("too few to judge", "idle"),
    "undetermined": ("undetermined", "idle"),
}

# what the metrics are called that say it all by themselves
_TOPICS = {
    "response": "answered in time",
    "attempts": "tried often enough",
    "acceptance": "decided in time",
    "worked": "leads worked",
    "revenue": "revenue won",
    "pipeline": "pipeline opened",
    "roi": "return on spend",
}

# what becomes of a promise, in the order in which the summary counts it
STANDINGS: dict[Tone, str] = {
    "good": "kept",
    "warn": "at risk",
    "bad": "broken",
    "idle": "no verdict yet",
}

_NBSP = "\N{NO-BREAK SPACE}"
_PERIODS_SHOWN = 12
# from here on a target is beaten, and not just met
_BEATEN = Decimal("1.2")
_STREAK_TO_CELEBRATE = 3


@dataclass(frozen=True)
class Period:
    """One row of ``sla_compliance``, as far as the scoreboard shows it."""

    agreement_version: str
    commitment_id: str
    commitment_position: int
    segment: str
    party: str
    accountable: str
    statement: str
    metric: str
    stage: str | None
    from_stage: str | None
    to_stage: str | None
    statistic: str | None
    judged_by: str | None
    only_qualified: bool
    within_days: int | None
    dimension: str | None
    dimension_value: str | None
    unit: str
    currency: str | None
    direction: str
    period_kind: str
    period_start_date: date
    period_end_date: date
    business_seconds: int
    elapsed_business_seconds: int
    target: Decimal
    actual: Decimal | None
    expected_to_date: Decimal | None
    forecast: Decimal | None
    attainment: Decimal | None
    sample_size: int
    open_count: int
    error_budget: Decimal | None
    error_budget_spent: int | None
    minimum_sample: int
    status: str
    status_reason: str | None
    is_over: bool

    @property
    def label(self) -> str:
        """The period in words: ``Oct 2026``, ``week of 12 Oct 2026``, ``Q4 2026``."""
        if self.period_kind == "week":
            return f"{self.short_label} {self.period_start_date:%Y}"
        return self.short_label

    @property
    def short_label(self) -> str:
        """The same where the year goes without saying: ``week of 12 Oct``."""
        start = self.period_start_date
        if self.period_kind == "week":
            return f"week of {start.day} {start:%b}"
        if self.period_kind == "quarter":
            return f"Q{(start.month + 2) // 3} {start:%Y}"
        return f"{start:%b %Y}"

    @property
    def within(self) -> str:
        """The period as a part of a sentence: ``in Oct 2026``, ``in the week of 12 Oct 2026``."""
        return f"in {'the ' if self.period_kind == 'week' else ''}{self.label}"

    @property
    def topic(self) -> str:
        """What is measured, in a few words: the statement's headline."""
        match self.metric:
            case "volume" | "value":
                qualified = "qualified " if self.only_qualified else ""
                topic = f"{qualified}{_stage(self.stage)} {self.metric}"
            case "conversion":
                topic = f"{self._way} within {self.within_days} days"
            case "cycle_time":
                topic = f"{self._way}, {'median' if self.statistic == 'median' else '9 in 10'}"
            case "quality":
                topic = f"quality by {self.judged_by}"
            case _:
                topic = _TOPICS[self.metric]
        return topic[:1].upper() + topic[1:]

    @property
    def _way(self) -> str:
        return f"{_stage(self.from_stage)} to {_stage(self.to_stage)}"

    @property
    def part(self) -> str:
        """Which part of the leads this is about; empty for all of them."""
        return (self.dimension_value or "").replace("_", " ")

    @property
    def verdict(self) -> str:
        """The status in words."""
        return STATUSES[self.status][0]

    @property
    def tone(self) -> Tone:
        """How the status feels."""
        return STATUSES[self.status][1]

    @property
    def is_told(self) -> bool:
        """Whether the night can tell anything of it."""
        return self.status != "undetermined"

    @property
    def is_judged(self) -> bool:
        """Whether the last word on it has been spoken."""
        return self.status in ("met", "missed")

    @property
    def is_beaten(self) -> bool:
        """Whether the target was not only met but left well behind."""
        return self.status == "met" and self.attainment is not None and self.attainment >= _BEATEN

    @property
    def is_adding_up(self) -> bool:
        """Whether it grows with the period, as counts and sums of money do."""
        return self.unit in ("leads", "money")

    @property
    def failures(self) -> str:
        """Of a share, how many failures its objective leaves room for are used up: ``8 of 12``."""
        if self.error_budget is None or not self.sample_size:
            return ""
        return f"{self.error_budget_spent:,} of {int(self.error_budget):,}"

    @property
    def is_reached_early(self) -> bool:
        """A count or a sum that is there already while its period still runs."""
        return (
            self.is_adding_up
            and self.direction == "at_least"
            and not self.is_over
            and self.actual is not None
            and self.actual >= self.target
        )

    @property
    def elapsed_share(self) -> float | None:
        """How much of the period's business time is gone."""
        if not self.business_seconds:
            return None
        return self.elapsed_business_seconds / self.business_seconds

    @property
    def target_in_words(self) -> str:
        """The target with its direction: ``≥ 240``."""
        return f"{'≤' if self.direction == 'at_most' else '≥'}{_NBSP}{self.quantity(self.target)}"

    def quantity(self, value: Decimal | None) -> str:
        """A value of this commitment with its unit.

        One decimal, or none for counts; more where that would round a value onto the target
        which it is not: 7.04 days do not keep a promise of 7.0 days, and must not look so.
        """
        if value is None:
            return "–"
        decimals = 0 if self.unit in ("leads", "money") else 1
        while (
            value != self.target
            and decimals < 4
            and self._at(value, decimals) == self._at(self.target, decimals)
        ):
            decimals += 1
        return self._at(value, decimals)

    def _at(self, value: Decimal, decimals: int) -> str:
        if self.unit in ("share", "ratio"):
            return f"{value * 100:.{decimals}f}%"
        if self.unit == "days":
            return f"{value:,.{decimals}f}{_NBSP}days"
        if self.unit == "money":
            return f"{value:,.{decimals}f}{_NBSP}{self.currency}"
        return f"{value:,.{decimals}f}"


@dataclass(frozen=True)
class Streak:
    """The newest verdict, and how many periods before it had the same, without a gap."""

    last: Period
    length: int
    is_up_to_date: bool

    @property
    def tone(self) -> Tone:
        """How it feels."""
        return self.last.tone

    @property
    def evidence(self) -> str:
        """The figures of the newest verdict."""
        figures = _against_target(self.last)
        return figures if self.length == 1 else f"last: {figures}"

    def __str__(self) -> str:
        """``met 5 months in a row``; where later periods have no verdict yet, up to which."""
        if self.length == 1:
            return f"{self.last.verdict} {self.last.within}"
        until = "" if self.is_up_to_date else f", up to {self.last.label}"
        return f"{self.last.verdict} {self.length} {self.last.period_kind}s in a row{until}"


@dataclass(frozen=True)
class Line:
    """A target for all leads or a part of them: its newest period, and those before it.

    ``before`` is whole, oldest first; ``today`` is the night's date on the agreement's clocks.
    """

    now: Period
    before: Sequence[Period]
    today: date

    @property
    def name(self) -> str:
        """What it is called where its statement is not beside it."""
        return f"{self.now.topic}, {self.now.part}" if self.now.part else self.now.topic

    @property
    def recent(self) -> Sequence[Period]:
        """The last periods before the newest, as many as are shown."""
        return self.before[-_PERIODS_SHOWN:]

    @property
    def last_verdict(self) -> Period | None:
        """The newest period on which the last word has been spoken."""
        return next((each for each in reversed([*self.before, self.now]) if each.is_judged), None)

    @property
    def streak(self) -> Streak | None:
        """The newest verdict and its like before it; a period without verdict ends the row."""
        last = self.last_verdict
        if last is None:
            return None
        periods = [*self.before, self.now]
        until = periods.index(last)
        same = takewhile(lambda each: each.status == last.status, reversed(periods[: until + 1]))
        over = [each for each in periods if each.is_over]
        return Streak(last, length=len(list(same)), is_up_to_date=over[-1] == last)

    @property
    def caveat(self) -> str:
        """Why the newest period cannot be judged, or not yet in full; empty if it can."""
        now = self.now
        if now.status == "pending":
            return f"No working hour of this {now.period_kind} has passed yet."
        if not now.is_told:
            return f"{(now.status_reason or '').capitalize()}."
        if now.status == "insufficient_sample" and now.metric == "roi":
            return "Nothing was spent, so there is no return on it."
        if now.status == "insufficient_sample":
            return f"{now.sample_size:,} so far; a verdict needs {max(now.minimum_sample, 1):,}."
        if now.open_count:
            return f"{now.open_count:,} more are still open, and not counted yet."
        if now.within_days is None or now.is_judged:
            return ""
        ripe = timedelta(days=now.within_days)
        if self.today <= now.period_start_date + ripe and not now.is_over:
            return (
                f"Early: nobody counted here has had the full {now.within_days} days yet, so the "
                "share can still grow."
            )
        return f"Still growing; final by {_day(now.period_end_date + ripe)}."

    @property
    def praise(self) -> str:
        """What is to be celebrated, in a sentence; empty if nothing is."""
        reasons = []
        if self.now.is_reached_early:
            actual, target = self.now.quantity(self.now.actual), self.now.quantity(self.now.target)
            reasons.append(f"{actual} already, of {target} promised for the {self.now.period_kind}")
        streak = self.streak
        if streak and streak.tone == "good" and streak.length >= _STREAK_TO_CELEBRATE:
            reasons.append(str(streak))
        if streak and streak.last.is_beaten:
            reasons.append(f"beaten {streak.last.within}: {_against_target(streak.last)}")
        return "; ".join(reasons)

    @property
    def concern(self) -> str:
        """What calls for attention, in a sentence; empty if nothing does."""
        reasons = []
        if self.now.tone in ("warn", "bad") and not self.now.is_judged:
            reasons.append(f"{self.now.verdict} {self.now.within}: {_outlook(self.now)}")
        streak = self.streak
        if streak and streak.tone == "bad":
            reasons.append(f"{streak} ({streak.evidence})")
        return "; ".join(reasons)


@dataclass(frozen=True)
class Promise:
    """One commitment: the target for everybody, and those for parts."""

    whole: Line
    parts: Sequence[Line]

    @property
    def lines(self) -> Sequence[Line]:
        """All targets of the promise, the one for everybody first."""
        return [self.whole, *self.parts]


@dataclass(frozen=True)
class Side:
    """One party of the agreement and what it promises the other."""

    name: str
    head: str
    promises: Sequence[Promise]

    @property
    def lines(self) -> Sequence[Line]:
        """All targets of this side, promise by promise."""
        return [line for promise in self.promises for line in promise.lines]

    @property
    def told(self) -> Sequence[Promise]:
        """The promises that the night has figures for."""
        return [each for each in self.promises if each.whole.now.is_told]

    @property
    def undetermined(self) -> Sequence[Promise]:
        """Those of which nothing can be told tonight."""
        return [each for each in self.promises if not each.whole.now.is_told]

    @property
    def standing(self) -> Mapping[Tone, int]:
        """How many promises are kept, at risk, broken, without verdict now."""
        return _count(promise.whole.now.tone for promise in self.promises)

    @property
    def standing_of_parts(self) -> Mapping[Tone, int]:
        """The same for the targets that promises set for parts of the leads."""
        return _count(line.now.tone for promise in self.promises for line in promise.parts)

    @property
    def parts_in_words(self) -> str:
        """``3 kept, 1 broken``: the standing of the parts; empty where there are none."""
        counts = self.standing_of_parts
        return ", ".join(f"{counts[tone]} {STANDINGS[tone]}" for tone in counts if counts[tone])

    @property
    def last_verdicts(self) -> Sequence[Period]:
        """The newest verdict on each promise that has had one."""
        verdicts = (promise.whole.last_verdict for promise in self.promises)
        return [verdict for verdict in verdicts if verdict]

    @property
    def verdicts_in_words(self) -> str:
        """``4 met, 1 missed``: the last verdicts, counted."""
        counts = Counter(period.status for period in self.last_verdicts)
        words = [f"{counts[status]} {status}" for status in ("met", "missed") if counts[status]]
        return ", ".join(words) or "none yet"

    @property
    def praises(self) -> Sequence[Line]:
        """What is to be celebrated: promises before parts, the longest streak first."""
        return sorted((line for line in self.lines if line.praise), key=_weight)

    @property
    def concerns(self) -> Sequence[Line]:
        """What calls for attention: promises before parts, the worst now first."""
        tones: list[Tone] = ["bad", "warn", "good", "idle"]
        return sorted(
            (line for line in self.lines if line.concern),
            key=lambda line: (bool(line.now.part), tones.index(line.now.tone), _weight(line)),
        )


@dataclass(frozen=True)
class Finding:
    """A check that found something: how many of how many, what it means, and for whom.

    ``is_tolerated``: fewer than the check allows, so that it passed all the same.
    """

    severity: str
    meaning: str
    concerns: str
    evaluated: int | None
    failing: int | None
    is_tolerated: bool = False
    is_not_run: bool = False

    @property
    def tone(self) -> Tone:
        """How it feels."""
        if self.is_tolerated:
            return "idle"
        return "bad" if self.severity == "critical" or self.is_not_run else "warn"

    @property
    def word(self) -> str:
        """The same in a word."""
        if self.is_not_run:
            return "not run"
        return "tolerated" if self.is_tolerated else self.severity


@dataclass(frozen=True)
class Agreement:
    """The version of the agreement that is in force on the night."""

    name: str
    version: str
    zone: str
    effective_from: date
    effective_until: date | None

    @property
    def in_force(self) -> str:
        """Since when, and until when if that is known."""
        until = f" until {_day(self.effective_until)}" if self.effective_until else ""
        return f"in force since {_day(self.effective_from)}{until}"


@dataclass(frozen=True)
class Scoreboard:
    """Everything that is shown of a published night.

    ``rows_kept`` and ``rows_rejected`` count every row that was read from the sources so far;
    ``checks_passed`` and ``checks`` are tonight's.
    """

    company: str
    agreement: Agreement
    as_of: datetime
    known_at: datetime
    build_id: int
    sides: Sequence[Side]
    findings: Sequence[Finding]
    checks: int
    checks_passed: int
    steps: Sequence[StepRecord]
    rows_kept: int
    rows_rejected: int

    @property
    def local_as_of(self) -> str:
        """The instant of the night on the clocks of the agreement."""
        return local_instant(self.as_of, self.agreement.zone)

    @property
    def restated(self) -> str:
        """The later instant whose knowledge went in, if this night is a restatement."""
        return (
            local_instant(self.known_at, self.agreement.zone) if self.known_at != self.as_of else ""
        )

    @property
    def rows_read(self) -> int:
        """All rows that were read from the sources so far."""
        return self.rows_kept + self.rows_rejected


def _stage(stage: str | None) -> str:
    """A stage as a word in a headline: abbreviations are short."""
    word = (stage or "").replace("_", " ")
    return word.upper() if len(word) <= 3 else word


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}".replace(" ", _NBSP)


def local_instant(instant: datetime, zone: str) -> str:
    """An instant on the clocks of a zone, in words."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {_day(local)}, {local:%H:%M}"


def _against_target(period: Period) -> str:
    return f"{period.quantity(period.actual)}, target {period.target_in_words}"


def _outlook(period: Period) -> str:
    if not period.is_adding_up:
        return f"{period.quantity(period.actual)} so far, target {period.target_in_words}"
    return f"heading for {period.quantity(period.forecast)}, target {period.target_in_words}"


def _count(tones: Iterable[Tone]) -> Mapping[Tone, int]:
    counts = Counter(tones)
    return {tone: counts[tone] for tone in STANDINGS}


def _weight(line: Line) -> tuple[bool, int]:
    """Orders lines of one kind: promises before parts, long streaks before short ones."""
    streak = line.streak
    return bool(line.now.part), -(streak.length if streak else 0)


def group_promises(
    periods: Iterable[Period], version: str, today: date
) -> Mapping[str, Sequence[Promise]]:
    """The promises of each party that stand on ``today``, in the order of the contract.

    A promise that a new version of the agreement repeats keeps its history. One that it dropped
    stays only while its last period is still to be judged.
    """
    by_target = attrgetter("party", "commitment_id", "segment")
    targets = (
        _line(list(group), today)
        for _, group in groupby(
            sorted(periods, key=lambda each: (*by_target(each), each.period_start_date)), by_target
        )
    )
    standing = [
        line for line in targets if line.now.agreement_version == version or _is_open(line.now)
    ]
    # a part that a later version dropped keeps the place of its promise, and not its own old one
    places = {
        (line.now.party, line.now.commitment_id): line.now.commitment_position
        for line in sorted(standing, key=lambda line: line.now.period_start_date)
        if line.now.segment == "all"
    }
    standing.sort(
        key=lambda line: (
            line.now.party,
            places.get((line.now.party, line.now.commitment_id), line.now.commitment_position),
            line.now.commitment_id,
            line.now.segment != "all",
            line.now.segment,
        )
    )
    promises: dict[str, list[Promise]] = {}
    for (party, _), group in groupby(
        standing, key=lambda line: (line.now.party, line.now.commitment_id)
    ):
        whole, *parts = group
        promises.setdefault(party, []).append(Promise(whole, parts))
    return promises


def _line(periods: Sequence[Period], today: date) -> Line:
    """A target's periods in order, without those in which its name stood for another measure."""
    *before, now = periods
    measure = attrgetter("metric", "unit", "direction", "period_kind")
    return Line(now, [each for each in before if measure(each) == measure(now)], today)


def _is_open(period: Period) -> bool:
    return not period.is_over or period.status == "maturing"
