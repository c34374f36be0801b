"""The agreement in the warehouse: schema ``agreement``, as of a night."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, LiteralString, get_args
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from smarketing.agreement.commitments import Commitment
from smarketing.agreement.contract import Contract, content_hash
from smarketing.agreement.difference import differences
from smarketing.agreement.faults import AgreementError, Fault
from smarketing.agreement.handoff import Handoff
from smarketing.agreement.hours import OpeningWindow, opening_windows
from smarketing.agreement.qualification import (
    LeadField,
    QualificationRule,
    RulePoints,
    ScoreThreshold,
)
from smarketing.agreement.reading import Agreement

# so that the days around the start of a version can be placed in its calendars.
LEAD_IN = timedelta(days=31)
# what happened before the first version is read in its words, its clocks too: five years hold what
# the systems still tell of touches and owners, and two years to compare year on year, and cost
# some 2,600 windows for a calendar with split days.
HISTORY = timedelta(days=5 * 366)

Row = tuple[Any, ...]
# what stays of a version's calendars, by the version's and the calendar's name
_Published = Mapping[tuple[str, str], "_LaidOut"]
_TableRow = tuple[LiteralString, Row]


@dataclass(frozen=True)
class Loaded:
    """What a load left behind: the rows that the agreement comes to, and how many it wrote."""

    rows: int
    written: int


# the tables below agreement.versions, parents before children; version is always first.
_TABLES: dict[LiteralString, tuple[LiteralString, ...]] = {
    "stages": ("version", "stage", "kind", "rank", "label", "definition"),
    "systems": ("version", "system", "precedence"),
    "stage_mappings": ("version", "system", "source_value", "stage"),
    "shared_mailboxes": ("version", "local_part"),
    "teams": ("version", "team", "party", "calendar"),
    "regions": ("version", "region", "calendar"),
    "handoff_clocks": ("version", "clock", "touches", "kind", "seconds", "business_days"),
    "touch_kinds": ("version", "kind", "outcomes"),
    "conversation_kinds": ("version", "kind", "outcomes"),
    "leaving_reasons": ("version", "reason", "is_excuse"),
    "qualification_rules": (
        "version",
        "rule",
        "stage",
        "test",
        "field",
        "operands",
        "severity",
        "share_allowed",
        "statement",
        "position",
    ),
    "rule_points": ("version", "rule", "kind", "points"),
    "score_thresholds": ("version", "stage", "kind", "points"),
    "ideal_customer_rules": ("version", "rule"),
    "lead_values": ("version", "stage", "persona", "amount", "currency"),
    "commitments": (
        "version",
        "commitment_id",
        "party",
        "owner",
        "statement",
        "metric",
        "stage",
        "from_stage",
        "to_stage",
        "within_days",
        "statistic",
        "judged_by",
        "only_qualified",
        "direction",
        "unit",
        "currency",
        "period",
        "minimum_sample",
        "position",
    ),
    "commitment_segments": (
        "version",
        "commitment_id",
        "segment",
        "dimension",
        "value",
        "target",
    ),
    "opening_windows": (
        "version",
        "calendar",
        "opens_at",
        "closes_at",
        "local_date",
        "seconds_before",
        "business_day",
    ),
}


@dataclass(frozen=True)
class _LaidOut:
    """The windows of a calendar that open before the local date ``until``, as they are stored."""

    windows: list[OpeningWindow]
    until: date


@dataclass(frozen=True)
class _Known:
    """A version as the warehouse has it."""

    version: str
    effective_from: date
    effective_until: date | None
    zone: str
    content_hash: str
    content: dict[str, Any]
    first_in_force_at: datetime | None

    def is_signed(self, as_of: datetime) -> bool:
        """In force at ``as_of``, or seen in force by an earlier load for a later night."""
        return self.first_in_force_at is not None or _has_started(
            self.effective_from, self.zone, as_of
        )


def _has_started(effective_from: date, zone: str, as_of: datetime) -> bool:
    return datetime.combine(effective_from, time(), ZoneInfo(zone)) <= as_of


def require_in_force(agreement: Agreement, as_of: datetime) -> None:
    """Raise ``AgreementError`` if no version has started by ``as_of``: nothing is promised yet.

    What happened before the first version is read in its words, but not before it is in force.
    """
    first = agreement.versions[0].contract
    if not _has_started(first.effective_from, first.zone, as_of):
        raise AgreementError(
            [
                Fault(
                    agreement.versions[0].file,
                    None,
                    "effective_from",
                    f"{first.effective_from}, as the first day of the first version",
                    f"a version in force on the night of {as_of:%Y-%m-%d %H:%M} UTC",
                    "run a later night, or let the first version start earlier",
                )
            ]
        )


def expanded_until(as_of: datetime) -> date:
    """How far a night expands calendars: to the end of ``dim_dates``, a year or more beyond it.

    No target in an agreement is longer.
    """
    return date(as_of.year + 2, 1, 1)


def load_agreement(
    agreement: Agreement,
    connection: Connection[Any],
    *,
    as_of: datetime,
    until: date,
    published_until: datetime | None = None,
    schema: str = "agreement",
) -> Loaded:
    """Make ``schema`` say what the files say, in one transaction.

    Calendars are expanded to the windows that open from 31 days before each version starts (five
    years before the first one) to ``until``, a local date, included; windows loaded for later dates
    stay. A load that finds nothing new writes nothing. Within a transaction of the caller's it is a
    savepoint of that.

    Windows of a signed version that open before the local date of ``published_until``, the newest
    night published, or on it if the calendar had opened by then, stay as they are, whatever public
    holidays and time zones have become: what was judged by them is published.

    A version that has started by ``as_of`` (an aware instant), of this load or of one before, is
    signed: raises ``AgreementError``, and changes nothing, if its content changed or its file is
    gone; or if a new version, or one that moves, would start by ``published_until``; or if
    PostgreSQL cannot read the condition or the regular expression of a rule.
    """
    contents = {
        version.contract.version: version.contract.content() for version in agreement.versions
    }
    if published_until is not None:
        until = max(until, published_until.astimezone(UTC).date())
    with connection.transaction():
        versions = sql.Identifier(schema, "versions")
        connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(versions))
        known = _known_versions(connection, versions)
        _refuse_rewriting(agreement, contents, known, as_of)
        _refuse_backdating(agreement, known, published_until)
        _refuse_unreadable(agreement, connection)
        stored = {table: _stored_rows(connection, schema, table, until) for table in _TABLES}
        published = _published_windows(
            agreement, known, stored["opening_windows"], as_of, published_until
        )
        wanted = _wanted_rows(agreement, until, published)
        stale = _stale_versions(contents, known, wanted, stored)
        connection.execute(
            sql.SQL("delete from {} where version = any(%s)").format(versions), [stale]
        )
        kept = known.keys() - stale
        written = _write_versions(connection, versions, agreement, contents, known, kept, as_of)
        for table, rows in wanted.items():
            missing = [row for row in rows if row[0] not in kept or row not in stored[table]]
            _insert(connection, schema, table, missing)
            written += len(missing)
    return Loaded(len(agreement.versions) + sum(map(len, wanted.values())), written)


def _known_versions(connection: Connection[Any], versions: sql.Identifier) -> dict[str, _Known]:
    rows = connection.execute(
        sql.SQL(
            "select version, effective_from, effective_until, zone, content_hash, content,"
            " first_in_force_at from {}"
        ).format(versions)
    )
    return {row[0]: _Known(*row) for row in rows}


def _refuse_rewriting(
    agreement: Agreement,
    contents: dict[str, dict[str, Any]],
    known: dict[str, _Known],
    as_of: datetime,
) -> None:
    files = {version.contract.version: version.file for version in agreement.versions}
    faults: list[Fault] = []
    for name, version in known.items():
        if not version.is_signed(as_of):
            continue
        if name not in contents:
            faults.append(_vanished(version, agreement.folder))
        elif content_hash(contents[name]) != version.content_hash:
            faults += _edited(version, contents[name], files[name])
    if faults:
        raise AgreementError(faults)


def _refuse_backdating(
    agreement: Agreement, known: dict[str, _Known], published_until: datetime | None
) -> None:
    """Periods that were judged and published stay judged by the version that they were judged by.

    That a version is known lets it start there only on the day for which it is known. A warehouse
    that is built anew knows no version yet, and takes them all.
    """
    if published_until is None or not known:
        return
    starts = {name: version.effective_from for name, version in known.items()}
    faults = [
        Fault(
            version.file,
            None,
            "effective_from",
            str(version.contract.effective_from),
            f"a day after {published_until:%Y-%m-%d}: the nights until then are published",
            "give the new version a later date, and name its file after it",
        )
        for version in agreement.versions
        if starts.get(version.contract.version) != version.contract.effective_from
        and _has_started(version.contract.effective_from, version.contract.zone, published_until)
    ]
    if faults:
        raise AgreementError(faults)


def _refuse_unreadable(agreement: Agreement, connection: Connection[Any]) -> None:
    """What only PostgreSQL can read is tried on a lead of whom nothing is known.

    A rule that is broken would stop every night at the models, which say less of it.
    """
    faults: list[Fault] = []
    for version in agreement.versions:
        for place, rule in enumerate(version.contract.qualification):
            for clause in ("sql", "matches", "not_matching"):
                text = getattr(rule, clause)
                if text and (reason := _unreadable(clause, text, connection)):
                    faults.append(
                        Fault(
                            version.file,
                            None,
                            f"qualification[{place}].{clause}",
                            f"what PostgreSQL cannot read ({reason})",
                            "a condition on the fields of 'leads'"
                            if clause == "sql"
                            else "a regular expression of PostgreSQL's",
                            "correct it: try it on any database of yours",
                        )
                    )
    if faults:
        raise AgreementError(faults)


def _unreadable(clause: str, text: str, connection: Connection[Any]) -> str:
    """Why PostgreSQL cannot read it; empty if it can."""
    if clause == "sql":
        fields = sql.SQL(", ").join(
            sql.SQL("null::{} as {}").format(
                sql.SQL("bigint" if field == "score" else "text"), sql.Identifier(field)
            )
            for field in get_args(LeadField)
        )
        query = sql.SQL("select from (select {}) as leads where ({})").format(
            fields,
            sql.SQL(text),  # the author's own, as the models have it
        )
    else:
        query = sql.SQL("select '' ~* {}").format(text)
    try:
        with connection.transaction():
            connection.execute(query)
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    return ""


def _vanished(signed: _Known, folder: Path) -> Fault:
    return Fault(
        folder / f"{signed.effective_from}.yml",
        None,
        "",
        f"no version '{signed.version}'",
        f"every version once in force (this one since {signed.effective_from})",
        "put the file back, under the same version name",
    )


def _edited(signed: _Known, content: dict[str, Any], file: Path) -> Iterator[Fault]:
    for difference in differences(signed.content, content):
        yield Fault(
            file,
            None,
            difference.path,
            f"a change ({difference.change})",
            f"no change to version '{signed.version}', in force since {signed.effective_from}",
            "restore the clause, and write the change as a new version with a later date",
        )


def _stale_versions(
    contents: dict[str, dict[str, Any]],
    known: dict[str, _Known],
    wanted: dict[LiteralString, list[Row]],
    stored: dict[LiteralString, set[Row]],
) -> list[str]:
    """The versions to be written anew: withdrawn, changed, or stored in other words than now."""
    stale = {
        name
        for name, version in known.items()
        if name not in contents or content_hash(contents[name]) != version.content_hash
    }
    for table in _TABLES:
        stale |= {row[0] for row in stored[table].difference(wanted[table])}
    return sorted(stale)


def _write_versions(
    connection: Connection[Any],
    versions: sql.Identifier,
    agreement: Agreement,
    contents: dict[str, dict[str, Any]],
    known: dict[str, _Known],
    kept: Set[str],
    as_of: datetime,
) -> int:
    written = 0
    for version in agreement.versions:
        contract = version.contract
        before = known.get(contract.version)
        signed_at = before.first_in_force_at if before else None
        if signed_at is None and _has_started(contract.effective_from, contract.zone, as_of):
            signed_at = as_of
        if before is None or contract.version not in kept:
            connection.execute(
                sql.SQL(
                    "insert into {} (version, name, effective_from, effective_until,"
                    " zone, marketing_party, sales_party, content_hash, content, handoff_stage,"
                    " default_calendar, first_in_force_at)"
                    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                ).format(versions),
                [
                    contract.version,
                    contract.name,
                    contract.effective_from,
                    version.effective_until,
                    contract.zone,
                    contract.parties.marketing.name,
                    contract.parties.sales.name,
                    content_hash(contents[contract.version]),
                    Jsonb(contents[contract.version]),
                    contract.handoff.stage,
                    contract.default_calendar,
                    signed_at,
                ],
            )
        elif (before.effective_until, before.first_in_force_at) != (
            version.effective_until,
            signed_at,
        ):
            connection.execute(
                sql.SQL(
                    "update {} set effective_until = %s, first_in_force_at = %s where version = %s"
                ).format(versions),
                [version.effective_until, signed_at, contract.version],
            )
        else:
            continue
        written += 1
    return written


def _stored_rows(
    connection: Connection[Any], schema: str, table: LiteralString, until: date
) -> set[Row]:
    query = sql.SQL("select {} from {}").format(_columns(table), sql.Identifier(schema, table))
    if table == "opening_windows":
        query += sql.SQL(" where local_date <= {}").format(until)
    return {tuple(map(_comparable, row)) for row in connection.execute(query)}


def _comparable(value: Any) -> Any:
    if isinstance(value, datetime):
        # in the session's zone, a time that a clock shows twice equals no other (PEP 495)
        return value.astimezone(UTC)
    return tuple(value) if isinstance(value, list) else value


def _storable(value: Any) -> Any:
    # psycopg takes a list for an array, but a tuple for a row
    return list(value) if isinstance(value, tuple) else value


def _insert(
    connection: Connection[Any], schema: str, table: LiteralString, rows: list[Row]
) -> None:
    query = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(schema, table), _columns(table)
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for row in rows:
            copy.write_row([*map(_storable, row)])


def _columns(table: LiteralString) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, _TABLES[table]))


def _published_windows(
    agreement: Agreement,
    known: dict[str, _Known],
    stored: set[Row],
    as_of: datetime,
    published_until: datetime | None,
) -> _Published:
    if published_until is None:
        return {}
    windows: dict[tuple[str, str], list[OpeningWindow]] = defaultdict(list)
    for version, calendar, *window in stored:
        windows[version, calendar].append(OpeningWindow(*window))
    published: dict[tuple[str, str], _LaidOut] = {}
    for version in agreement.versions:
        name = version.contract.version
        if name not in known or not known[name].is_signed(as_of):
            continue
        for calendar, rule in version.contract.calendars.items():
            laid_out = windows[name, calendar]
            day = published_until.astimezone(ZoneInfo(rule.zone)).date()
            # of the night's own day nothing was read if the calendar had not opened yet
            if any(w.opens_at < published_until and w.local_date == day for w in laid_out):
                day += timedelta(days=1)
            earlier = sorted(w for w in laid_out if w.local_date < day)
            if earlier:
                published[name, calendar] = _LaidOut(earlier, day)
    return published


def _wanted_rows(
    agreement: Agreement, until: date, published: _Published
) -> dict[LiteralString, list[Row]]:
    wanted: dict[LiteralString, list[Row]] = {table: [] for table in _TABLES}
    lead_in = HISTORY
    for version in agreement.versions:
        first = version.contract.effective_from - lead_in
        for table, row in chain(
            _rows(version.contract), _window_rows(version.contract, first, until, published)
        ):
            wanted[table].append(row)
        lead_in = LEAD_IN
    return wanted


def _rows(contract: Contract) -> Iterator[_TableRow]:
    yield from _funnel_rows(contract)
    for local_part in contract.shared_mailboxes:
        yield "shared_mailboxes", (contract.version, local_part)
    for team, details in contract.teams.items():
        yield "teams", (contract.version, team, details.party, details.calendar)
    for region, place in contract.regions.items():
        yield "regions", (contract.version, region, place.calendar)
    yield from _clock_rows(contract.version, contract.handoff)
    yield from _protocol_rows(contract.version, contract.handoff)
    for position, rule in enumerate(contract.qualification, start=1):
        yield "qualification_rules", _rule_row(contract.version, position, rule)
    yield from _score_rows(contract)
    yield from _value_rows(contract)
    for position, commitment in enumerate(contract.commitments, start=1):
        yield "commitments", _commitment_row(contract.version, position, commitment)
        yield from _segment_rows(contract.version, commitment)


def _funnel_rows(contract: Contract) -> Iterator[_TableRow]:
    name = contract.version
    for rank, stage in enumerate(contract.stages.path, start=1):
        yield "stages", (name, stage.stage, "path", rank, stage.label, stage.definition)
    for stage in contract.stages.detours:
        yield "stages", (name, stage.stage, "detour", None, stage.label, stage.definition)
    for precedence, system in enumerate(contract.systems, start=1):
        yield "systems", (name, system, precedence)
    for system, mapping in contract.mappings.items():
        for mapped, values in mapping.items():
            for value in values:
                yield "stage_mappings", (name, system, value, mapped)


def _clock_rows(version: str, handoff: Handoff) -> Iterator[_TableRow]:
    touches = handoff.attempts.touches if handoff.attempts else None
    for name, clock, count in (
        ("response", handoff.response, None),
        ("attempts", handoff.attempts, touches),
        ("acceptance", handoff.acceptance, None),
    ):
        if clock is None:
            continue
        time = clock.within
        kind = "business_time" if time.is_business_time else "clock_time"
        if time.seconds is None:
            row: Row = (name, count, "business_days", None, time.amount)
        else:
            row = (name, count, kind, time.seconds, None)
        yield "handoff_clocks", (version, *row)


def _protocol_rows(version: str, handoff: Handoff) -> Iterator[_TableRow]:
    for table, kinds in (
        ("touch_kinds", handoff.touches),
        ("conversation_kinds", handoff.conversation),
    ):
        for kind, outcomes in kinds.items():
            yield table, (version, kind, None if outcomes == "any" else outcomes)
    if handoff.forward_move_counts:
        yield "touch_kinds", (version, "forward move", None)
    for reasons, is_excuse in ((handoff.rejection_reasons, False), (handoff.excuses, True)):
        # two spellings of one reason are one
        for reason in sorted({reason.lower() for reason in reasons}):
            yield "leaving_reasons", (version, reason, is_excuse)


def _rule_row(version: str, position: int, rule: QualificationRule) -> Row:
    test, operands = rule.test
    return (
        version,
        rule.name,
        rule.stage,
        test,
        rule.field,
        operands,
        rule.severity,
        rule.allowed,
        rule.statement,
        position,
    )


def _score_rows(contract: Contract) -> Iterator[_TableRow]:
    for rule in contract.qualification:
        for kind, points in _by_kind(rule.points):
            yield "rule_points", (contract.version, rule.name, kind, points)
    for threshold in contract.scores:
        for kind, points in _by_kind(threshold):
            yield "score_thresholds", (contract.version, threshold.stage, kind, points)
    if contract.ideal_customer:
        for name in dict.fromkeys(contract.ideal_customer.rules):
            yield "ideal_customer_rules", (contract.version, name)


def _by_kind(brought: RulePoints | ScoreThreshold | None) -> Iterator[tuple[str, int]]:
    if brought is not None:
        for kind, points in (("fit", brought.fit), ("engagement", brought.engagement)):
            if points is not None:
                yield kind, points


def _value_rows(contract: Contract) -> Iterator[_TableRow]:
    values = contract.lead_values
    if values is None:
        return
    tables = [*values.by_persona.items(), (None, values.otherwise)]
    for persona, worth in tables:
        for stage, amount in worth.items():
            yield "lead_values", (contract.version, stage, persona, amount, values.currency)


def _segment_rows(version: str, commitment: Commitment) -> Iterator[_TableRow]:
    whole = ("all", None, None, commitment.promised.amount)
    yield "commitment_segments", (version, commitment.id, *whole)
    for segment in commitment.segments:
        label = f"{segment.dimension}: {segment.value}"
        part = (label, segment.dimension, segment.value, segment.promised.amount)
        yield "commitment_segments", (version, commitment.id, *part)


def _commitment_row(version: str, position: int, commitment: Commitment) -> Row:
    def said(clause: str) -> Any:
        return getattr(commitment, clause, None)

    promised = commitment.promised
    return (
        version,
        commitment.id,
        commitment.party,
        commitment.owner,
        commitment.statement,
        commitment.metric,
        said("stage"),
        said("from_"),
        said("to"),
        said("within"),
        said("statistic"),
        said("judged_by"),
        said("only_qualified") or False,
        promised.direction,
        promised.unit,
        promised.currency,
        commitment.period,
        # a count or a sum has no sample to be too small: few leads are the finding itself
        said("minimum_sample") or 0,
        position,
    )


def _window_rows(
    contract: Contract, first: date, until: date, published: _Published
) -> Iterator[_TableRow]:
    for name, calendar in contract.calendars.items():
        laid_out = published.get((contract.version, name), _LaidOut([], first))
        windows = opening_windows(
            calendar.windows_on,
            ZoneInfo(calendar.zone),
            laid_out.until,
            until,
            after=laid_out.windows[-1] if laid_out.windows else None,
        )
        for window in chain(laid_out.windows, windows):
            yield "opening_windows", (contract.version, name, *window)
