"""What is odd in an agreement that is sound: clauses that both sides may not mean as they stand.

A warning has the form of a fault, and stops nothing. Only versions that are in force or will be
are looked at: what is past cannot be put right.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import permutations
from zoneinfo import ZoneInfo

from smarketing.agreement.commitments import Commitment, Dimension, Period
from smarketing.agreement.contract import REVIEWED_WITHIN, Contract
from smarketing.agreement.document import Node
from smarketing.agreement.faults import Fault, in_order
from smarketing.agreement.history import History, Judged, Measure, Outcome
from smarketing.agreement.qualification import QualificationRule
from smarketing.agreement.quantities import Duration, Target
from smarketing.agreement.reading import Agreement, Version

# what is attainable shows in as many periods, or in those that there are; in fewer than four
# weeks, months or quarters best and worst say nothing
PERIODS = 12
FEWEST_PERIODS = 4
# fewer leads than this may all pass, or all fail, by chance
FEWEST_LEADS = 30

_HOURS = 3600


def lint(agreement: Agreement, night: datetime, history: History | None) -> list[Fault]:
    """Every warning, in the order of files and lines, as of ``night`` (an aware instant).

    Without a ``history`` nothing is said of what is attainable, and of rules that all leads pass.
    """
    current = [version for version in agreement.versions if not _is_past(version, night)]
    warnings = [warning for version in current for warning in _of_version(version)]
    if in_force := _in_force(agreement, night):
        warnings += _review(in_force, night)
    if history:
        warnings += [each for version in current for each in _attainable(version, history)]
        if judged_by := _in_force(agreement, history.as_of):
            judged = {rule.name: rule for rule in judged_by.contract.qualification}
            warnings += [each for version in current for each in _rules(version, history, judged)]
    return in_order(warnings)


def _of_version(version: Version) -> Iterator[Fault]:
    yield from _stages(version)
    yield from _clocks(version)
    yield from _lead_values(version)
    yield from _same_measure(version)
    for commitment, place in _commitments(version):
        yield from _segments(version, commitment, place)
        yield from _statement(version, commitment, place)


def _today(version: Version, instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(version.contract.zone)).date()


def _is_past(version: Version, night: datetime) -> bool:
    return version.effective_until is not None and version.effective_until <= _today(version, night)


def _in_force(agreement: Agreement, instant: datetime) -> Version | None:
    return next(
        (
            version
            for version in reversed(agreement.versions)
            if version.contract.effective_from <= _today(version, instant)
        ),
        None,
    )


def _commitments(version: Version) -> Iterator[tuple[Commitment, Node]]:
    places = version.document.items("commitments")
    return zip(version.contract.commitments, places, strict=True)


def _stages(version: Version) -> Iterator[Fault]:
    contract = version.contract
    stages = [*contract.stages.path, *contract.stages.detours]
    places = [
        place for kind in ("path", "detours") for place in version.document.items("stages", kind)
    ]
    mapped = {stage for words in contract.mappings.values() for stage in words if words[stage]}
    labels: dict[str, str] = {}
    for stage, place in zip(stages, places, strict=True):
        if stage.stage not in mapped:
            yield place.fault(
                version.file,
                f"the stage '{stage.stage}', to which no word of a system leads",
                "words for it under 'mappings'",
                "map what the systems call it, or remove the stage",
            )
        first = labels.setdefault(stage.label.casefold(), stage.stage)
        if first != stage.stage:
            yield (place.get("label") or place).fault(
                version.file,
                f"the label '{stage.label}', as of the stage '{first}'",
                "a label of its own for each stage",
                "tell the two apart, or make them one",
            )


def _clocks(version: Version) -> Iterator[Fault]:
    """What is due after the first answer comes too early if it is due before it."""
    handoff = version.contract.handoff
    if handoff.response is None:
        return
    first = handoff.response.within
    for name, clock in (("attempts", handoff.attempts), ("acceptance", handoff.acceptance)):
        if clock and _is_earlier(clock.within, first):
            place = version.document.nearest(("handoff", name, "within"))
            yield place.fault(
                version.file,
                f"'{clock.within}', due before the first answer is ({first})",
                "more time than for the first answer",
                "give it more, or the first answer less",
            )


def _is_earlier(one: Duration, other: Duration) -> bool:
    """Whether ``one`` is over before ``other`` can be, wherever on the calendar both start."""
    if one.unit == other.unit == "business days":
        return one.amount < other.amount
    if one.seconds is None:
        return False
    if other.seconds is None:
        # the last of N business days is N days away at least, and may close early
        return not one.is_business_time and one.seconds <= (other.amount - 1) * 24 * _HOURS
    if one.is_business_time == other.is_business_time:
        return one.seconds < other.seconds
    # business time stands still at night: at best it is as fast as the clock
    return other.is_business_time and one.seconds <= other.seconds


def _lead_values(version: Version) -> Iterator[Fault]:
    values = version.contract.lead_values
    if values is None or values.otherwise:
        return
    names = [each.persona for each in version.contract.personas]
    if without := [name for name in names if name not in values.by_persona]:
        yield version.document.nearest(("lead_values",)).fault(
            version.file,
            f"no value for {_and(without)}",
            "a value for every lead",
            "add them under 'by_persona', or 'otherwise:' for everybody else",
        )


def _same_measure(version: Version) -> Iterator[Fault]:
    first: dict[tuple[Measure, str], tuple[str, int]] = {}
    for commitment, place in _commitments(version):
        # a floor and a ceiling for the same measure are a corridor
        measured = (Measure.of(commitment), commitment.promised.direction)
        identifier, line = first.setdefault(measured, (commitment.id, place.line))
        if identifier != commitment.id:
            yield place.fault(
                version.file,
                f"what '{identifier}' measures (line {line})",
                "each measure promised once, or the same leads are counted twice",
                "make the two one, or change what one of them measures",
            )


def _segments(version: Version, commitment: Commitment, place: Node) -> Iterator[Fault]:
    whole = commitment.promised
    for dimension, names in _parts(version.contract).items():
        cut = [each for each in commitment.segments if each.dimension == dimension]
        if len(cut) < 2:
            continue
        known = {each.value.lower() for each in cut}
        segments = place.get("segments") or place
        if left_out := [name for name in names if name.lower() not in known]:
            yield segments.fault(
                version.file,
                f"a number for {_and([each.value for each in cut])}, and none for {_and(left_out)}",
                f"every {dimension} or one of them",
                "add what is left out, unless it is on purpose",
            )
        elif names and whole.unit in ("leads", "money") and whole.direction == "at_least":
            amounts = (each.promised.amount for each in cut)
            total = replace(whole, amount=sum(amounts, Decimal(0)))
            if total.amount != whole.amount:
                yield segments.fault(
                    version.file,
                    f"parts by {dimension} that come to {total.quantity}",
                    f"{whole.quantity}, as the whole promises",
                    "correct the parts or the whole",
                )


def _parts(contract: Contract) -> dict[Dimension, list[str]]:
    """The parts that the agreement names; of what it does not name nobody knows all."""
    return {
        "persona": [each.persona for each in contract.personas],
        "region": list(contract.regions),
        "channel": list(contract.channels),
        "team": [name for name, team in contract.teams.items() if team.party == "sales"],
    }


# a number by itself or before a percent sign: not the 2 of B2B
_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:[\s’']\d{3})+|\d+(?:[.,]\d+)*)(?!\w|[.,]\d)")


def _statement(version: Version, commitment: Commitment, place: Node) -> Iterator[Fault]:
    """Words that give numbers, and not one of those that are promised."""
    said = [_readings(match) for match in _NUMBER.findall(commitment.statement)]
    numbers = set().union(*said)
    # "9 in 10" is a share too
    numbers |= {
        one * 100 / other
        for some, others in permutations(said, 2)
        for one in some
        for other in others
        if other
    }
    if said and numbers.isdisjoint(_promised_numbers(version.contract, commitment)):
        yield (place.get("statement") or place).fault(
            version.file,
            f"'{commitment.statement}'",
            f"the number that is promised: {commitment.promised}",
            "let words and number say the same",
        )


def _readings(number: str) -> set[Decimal]:
    """What a number may mean: 1,100, 1.100 and 1 100 are thousands, 2.5 and 2,5 decimals."""
    readings = {Decimal(re.sub(r"[.,\s’']", "", number))}
    if len(re.findall("[.,]", number)) == 1:
        readings.add(Decimal(number.replace(",", ".")))
    return readings


def _promised_numbers(contract: Contract, commitment: Commitment) -> Iterator[Decimal]:
    for promise in (commitment, *commitment.segments):
        amount = promise.promised.amount
        yield amount * 100 if promise.promised.unit in ("share", "ratio") else amount
        if promise.promised.unit == "money":
            # as in "250 thousand" and "1.5 million"
            yield amount / 1000
            yield amount / 1_000_000
    if days := Measure.of(commitment).within_days:
        yield Decimal(days)
    handoff = contract.handoff
    clocks = {
        "response": handoff.response,
        "attempts": handoff.attempts,
        "acceptance": handoff.acceptance,
    }
    if clock := clocks.get(commitment.metric):
        yield Decimal(clock.within.amount)
    if commitment.metric == "attempts" and handoff.attempts:
        yield Decimal(handoff.attempts.touches)


def _review(version: Version, night: datetime) -> Iterator[Fault]:
    contract = version.contract
    months = REVIEWED_WITHIN[contract.review.growth]
    due = _months_after(contract.effective_from, months)
    if _today(version, night) > due:
        yield version.document.nearest(("review", "growth")).fault(
            version.file,
            f"a version in force since {contract.effective_from}, and none after it by {due}",
            f"the next one within {months} months, as '{contract.review.growth}' growth has it",
            "look at the agreement together, and write the next version",
        )


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _attainable(version: Version, history: History) -> Iterator[Fault]:
    """Targets that none of the last periods reached, or that each of them did."""
    for commitment, place in _commitments(version):
        for measure, promised, target in _promises(commitment, place):
            outcomes = history.outcomes.get(measure, ())[:PERIODS]
            if len(outcomes) < FEWEST_PERIODS:
                continue
            ranked = sorted(outcomes, key=lambda outcome: outcome.actual)
            worst, best = ranked[0], ranked[-1]
            is_beyond, is_below = promised.amount > best.actual, promised.amount < worst.actual
            if promised.direction == "at_most":
                worst, best, is_beyond, is_below = best, worst, is_below, is_beyond
            periods = f"the last {len(outcomes)} {commitment.period}s"
            figures = " and ".join(
                f"{name} {_figure(outcome, promised)} in {_named(commitment.period, outcome.start)}"
                for name, outcome in (("best", best), ("worst", worst))
            )
            if is_beyond:
                yield target.fault(
                    version.file,
                    f"'{promised}', which none of {periods} reached ({figures})",
                    "a target within reach",
                    "ask for less, or agree on what will be done differently",
                )
            if is_below:
                yield target.fault(
                    version.file,
                    f"'{promised}', which each of {periods} reached ({figures})",
                    "a target that can be missed",
                    "ask for more, unless it is meant as a safety net",
                )


def _promises(commitment: Commitment, place: Node) -> Iterator[tuple[Measure, Target, Node]]:
    def promised(clause: Node) -> Node:
        return clause.get("target") or clause.get("objective") or clause

    yield Measure.of(commitment), commitment.promised, promised(place)
    clauses = iter(place.items("segments"))
    for segment in commitment.segments:
        yield Measure.of(commitment, segment), segment.promised, promised(next(clauses))


def _figure(outcome: Outcome, promised: Target) -> str:
    places = Decimal("0.001") if promised.unit in ("share", "ratio") else Decimal("0.1")
    return replace(promised, amount=outcome.actual.quantize(places)).quantity


def _named(period: Period, start: date) -> str:
    match period:
        case "week":
            return f"the week of {start}"
        case "month":
            return f"{start:%b %Y}"
        case "quarter":
            return f"Q{(start.month + 2) // 3} {start.year}"


def _rules(
    version: Version, history: History, judged: dict[str, QualificationRule]
) -> Iterator[Fault]:
    """A rule that says the same of every lead. The figures are of the rules of the last night."""
    told: set[tuple[object, ...]] = set()
    places = version.document.items("qualification")
    for rule, place in zip(version.contract.qualification, places, strict=True):
        figures = history.rules.get(rule.name, Judged(0, 0))
        asks = (rule.stage, rule.field, rule.test)
        known = judged.get(rule.name)
        # what is asked with two allowances is told once
        if known is None or (known.stage, known.field, known.test) != asks or asks in told:
            continue
        if figures.leads < FEWEST_LEADS or 0 < figures.failing < figures.leads:
            continue
        told.add(asks)
        passes = "all pass" if figures.failing == 0 else "none passes"
        yield place.fault(
            version.file,
            f"'{rule.name}', a rule that of {figures.leads:,} leads {passes}",
            f"one that tells leads apart (night of {_today(version, history.as_of)})",
            "ask for more, unless it is a safeguard"
            if figures.failing == 0
            else "check what it asks, and whether the systems fill the field",
        )


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
