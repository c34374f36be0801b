"""Loading into a real PostgreSQL: what arrives, what repeats, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from smarketing.agreement import (
    AgreementError,
    Loaded,
    calendars,
    load_agreement,
    loading,
    read_agreement,
)
from smarketing.warehouse.connection import connect

from tests.plugins.smarketing.agreement.conftest import EVERY_CLAUSE

TABLES = (
    "versions",
    "stages",
    "systems",
    "stage_mappings",
    "shared_mailboxes",
    "teams",
    "regions",
    "handoff_clocks",
    "touch_kinds",
    "conversation_kinds",
    "leaving_reasons",
    "qualification_rules",
    "rule_points",
    "score_thresholds",
    "ideal_customer_rules",
    "lead_values",
    "commitments",
    "commitment_segments",
    "opening_windows",
)
BEFORE = datetime(2025, 3, 31, 21, 59, 59, tzinfo=UTC)
START = datetime(2025, 3, 31, 22, 0, tzinfo=UTC)
UNTIL = date(2025, 6, 30)

WriteVersion = Callable[..., Path]
Connection = psycopg.Connection[Any]


def load(
    folder: Path,
    connection: Connection,
    *,
    as_of: datetime = START,
    until: date = UNTIL,
    published_until: datetime | None = None,
) -> Loaded:
    return load_agreement(
        read_agreement(folder),
        connection,
        as_of=as_of,
        until=until,
        published_until=published_until,
    )


def everything(connection: Connection) -> dict[str, list[Any]]:
    """All rows with the transaction and place that wrote them: any write at all shows."""
    return {
        table: connection.execute(
            f"select xmin::text, ctid::text, t.* from agreement.{table} as t order by ctid"
        ).fetchall()
        for table in TABLES
    }


def rows(connection: Connection, query: str) -> list[Any]:
    return connection.execute(query).fetchall()


def test_the_clauses_arrive(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    loaded = load(folder, connection)
    stored = everything(connection)
    assert loaded.rows == loaded.written == sum(map(len, stored.values()))
    assert rows(
        connection,
        "select version, effective_from, effective_until, zone, marketing_party, handoff_stage,"
        " default_calendar, content -> 'stages' -> 'path' -> 0 ->> 'stage' from agreement.versions",
    ) == [("v1", date(2025, 4, 1), None, "Europe/Madrid", "Marketing", "mql", "office", "lead")]
    assert rows(connection, "select stage, kind, rank from agreement.stages order by rank") == [
        ("lead", "path", 1),
        ("mql", "path", 2),
        ("sql", "path", 3),
        ("customer", "path", 4),
        ("lost", "detour", None),
    ]
    assert rows(
        connection, "select system, source_value, stage from agreement.stage_mappings order by 1, 2"
    ) == [
        ("crm", "closed lost", "lost"),
        ("crm", "lead", "lead"),
        ("crm", "marketing qualified", "mql"),
        ("crm", "open", "lead"),
        ("forms", "lead", "lead"),
    ]
    assert rows(connection, "select * from agreement.systems order by precedence") == [
        ("v1", "crm", 1),
        ("v1", "forms", 2),
    ]
    assert rows(connection, "select local_part from agreement.shared_mailboxes order by 1") == [
        ("info",),
        ("sales",),
    ]
    assert rows(connection, "select team, party from agreement.teams") == [("Sales EMEA", "sales")]
    assert rows(
        connection,
        "select rule, stage, operands, severity, share_allowed, statement"
        " from agreement.qualification_rules order by position",
    ) == [
        ("mql_reachable", "mql", ["email", "phone"], "warning", Decimal(0), "Reachable."),
        ("mql_persona", "mql", ["persona"], "critical", Decimal("0.025"), "Known."),
    ]
    assert rows(
        connection,
        "select commitment_id, stage, from_stage, to_stage, within_days, statistic, direction,"
        " unit, period, minimum_sample from agreement.commitments order by position",
    ) == [
        ("mql_volume", "mql", None, None, None, None, "at_least", "leads", "month", 0),
        ("mql_to_sql", None, "mql", "sql", 30, None, "at_least", "share", "quarter", 20),
        ("sql_to_customer", None, "sql", "customer", None, "median", "at_most", "days", "week", 10),
    ]
    assert rows(
        connection,
        "select commitment_id, segment, dimension, value, target"
        " from agreement.commitment_segments order by 1, 2",
    ) == [
        ("mql_to_sql", "all", None, None, Decimal("0.25")),
        ("mql_volume", "all", None, None, Decimal(200)),
        ("mql_volume", "persona: IT leader", "persona", "IT leader", Decimal(60)),
        ("mql_volume", "region: APAC", "region", "APAC", Decimal(12)),
        ("sql_to_customer", "all", None, None, Decimal(45)),
    ]
    assert rows(
        connection,
        "select calendar, min(local_date), max(local_date) from agreement.opening_windows"
        " group by calendar order by calendar",
    ) == [
        # five years before the first version: 28 March 2020 is a Saturday
        ("always", date(2020, 3, 28), UNTIL),
        ("night shift", date(2020, 3, 30), UNTIL),
        ("office", date(2020, 3, 30), UNTIL),
    ]


def test_points_thresholds_and_worth_arrive(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version(
        (
            "    statement: Reachable.\n",
            "    statement: Reachable.\n    points: {fit: 20, engagement: 5}\n",
        ),
        (
            "commitments:\n",
            "scores:\n  - {stage: mql, fit: 20}\n"
            "ideal_customer: {description: Large., rules: [mql_persona, mql_reachable]}\n"
            "personas:\n  - {persona: IT leader, description: Decides.}\n"
            "lead_values:\n"
            "  currency: EUR\n"
            "  by_persona:\n    IT leader: {mql: 220, sql: 700}\n"
            "  otherwise: {mql: 150}\n"
            "commitments:\n",
        ),
    )
    load(folder, connection)
    assert rows(connection, "select * from agreement.rule_points order by kind") == [
        ("v1", "mql_reachable", "engagement", 5),
        ("v1", "mql_reachable", "fit", 20),
    ]
    assert rows(connection, "select * from agreement.score_thresholds") == [
        ("v1", "mql", "fit", 20)
    ]
    assert rows(connection, "select rule from agreement.ideal_customer_rules order by 1") == [
        ("mql_persona",),
        ("mql_reachable",),
    ]
    assert rows(
        connection,
        "select stage, persona, amount, currency from agreement.lead_values order by amount",
    ) == [
        ("mql", None, Decimal(150), "EUR"),
        ("mql", "IT leader", Decimal(220), "EUR"),
        ("sql", "IT leader", Decimal(700), "EUR"),
    ]
    assert load(folder, connection).written == 0


def test_every_clause_arrives(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version(*EVERY_CLAUSE)
    load(folder, connection)
    assert rows(connection, "select team, party, calendar from agreement.teams order by 1") == [
        ("Sales EMEA", "sales", None),
        ("Sales nights", "sales", "night shift"),
    ]
    assert rows(connection, "select region, calendar from agreement.regions order by 1") == [
        ("APAC", "always"),
        ("EMEA", None),
    ]
    assert rows(
        connection,
        "select clock, touches, kind, seconds, business_days from agreement.handoff_clocks"
        " order by clock",
    ) == [
        ("acceptance", None, "business_days", None, 2),
        ("attempts", 5, "clock_time", 172_800, None),
        ("response", None, "business_time", 14_400, None),
    ]
    assert rows(connection, "select kind, outcomes from agreement.touch_kinds order by 1") == [
        ("call", None),
        ("email", None),
        ("forward move", None),
        ("meeting", ["held"]),
    ]
    assert rows(connection, "select kind, outcomes from agreement.conversation_kinds") == [
        ("call", ["connected"])
    ]
    assert rows(
        connection, "select reason, is_excuse from agreement.leaving_reasons order by reason"
    ) == [
        ("duplicate", True),
        ("no budget", False),
        ("not a fit", False),
        ("test", True),
    ]
    assert rows(
        connection,
        "select rule, test, field, operands, share_allowed from agreement.qualification_rules"
        " order by position",
    ) == [
        ("mql_reachable", "any_of", None, ["email", "phone"], Decimal(0)),
        ("mql_persona", "any_of", None, ["persona"], Decimal("0.025")),
        ("mql_market", "one_of", "country", ["ES", "IN"], Decimal("0.1")),
        ("mql_score", "between", "score", ["20", "100"], Decimal(0)),
    ]
    assert rows(
        connection,
        "select metric, stage, judged_by, only_qualified, direction, unit, currency,"
        " minimum_sample from agreement.commitments"
        " where metric not in ('volume', 'conversion', 'cycle_time') order by position",
    ) == [
        ("value", "mql", None, True, "at_least", "money", "EUR", 0),
        ("quality", None, "acceptance", False, "at_least", "share", None, 30),
        ("response", None, None, False, "at_least", "share", None, 30),
        ("attempts", None, None, False, "at_least", "share", None, 30),
        ("acceptance", None, None, False, "at_least", "share", None, 30),
        ("worked", None, None, False, "at_least", "leads", None, 0),
        ("revenue", None, None, False, "at_least", "money", "EUR", 0),
        ("pipeline", None, None, False, "at_least", "money", "EUR", 0),
        ("roi", None, None, False, "at_least", "ratio", None, 0),
    ]
    assert rows(
        connection,
        "select commitment_id, segment, target from agreement.commitment_segments"
        " where commitment_id like 'other%' order by 1, 2",
    ) == [
        ("other_acceptance", "all", Decimal("0.9")),
        ("other_attempts", "all", Decimal("0.8")),
        ("other_pipeline", "all", Decimal(250000)),
        ("other_quality", "all", Decimal("0.6")),
        ("other_response", "all", Decimal("0.9")),
        ("other_response", "owner: Zoë", Decimal("0.95")),
        ("other_response", "team: Sales EMEA", Decimal("0.92")),
        ("other_revenue", "all", Decimal(90000)),
        ("other_roi", "all", Decimal("1.5")),
        ("other_roi", "channel: referral", Decimal(4)),
        ("other_value", "all", Decimal("1234.5")),
        ("other_worked", "all", Decimal(300)),
    ]


def test_a_second_load_writes_nothing(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    first = load(folder, connection)
    stored = everything(connection)
    assert load(folder, connection) == Loaded(first.rows, written=0)
    assert everything(connection) == stored


def test_the_zone_of_the_session_does_not_matter(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    connection.execute("set timezone to 'Europe/Madrid'")
    after_the_clocks_change = date(2025, 10, 31)
    load(folder, connection, until=after_the_clocks_change)
    assert load(folder, connection, until=after_the_clocks_change).written == 0


def test_a_later_night_appends_windows_and_an_earlier_one_takes_none_away(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection)
    stored = everything(connection)
    assert load(folder, connection, until=date(2025, 7, 1)).written == 4
    later = everything(connection)
    assert set(stored["opening_windows"]) < set(later["opening_windows"])
    assert load(folder, connection).written == 0
    assert everything(connection) == later
    assert rows(
        connection,
        """
        select count(*) from (
            select
                seconds_before,
                sum(extract(epoch from closes_at - opens_at)) over (
                    partition by calendar order by opens_at
                ) - extract(epoch from closes_at - opens_at) as recomputed,
                business_day,
                dense_rank() over (partition by calendar order by local_date) as recounted
            from agreement.opening_windows
        ) as windows
        where seconds_before <> recomputed or business_day <> recounted
        """,
    ) == [(0,)]


def test_only_the_first_version_reaches_back_for_years(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    write_version(
        ("version: v1", "version: v2"), ("2025-04-01", "2025-10-01"), name="2025-10-01.yml"
    )
    load(folder, connection, until=date(2025, 12, 31))
    assert rows(
        connection,
        "select version, min(local_date) from agreement.opening_windows"
        " where calendar = 'always' group by version order by version",
    ) == [("v1", date(2020, 3, 28)), ("v2", date(2025, 8, 31))]


@pytest.fixture
def madrid(write_version: WriteVersion) -> None:
    """The office keeps the public holidays of Madrid, of which 2 May 2025 is a Friday."""
    write_version(("closed: [2025-05-01, 2025-12-25]", "holidays: {country: ES, subdivision: MD}"))


def holidays_become(monkeypatch: pytest.MonkeyPatch, *days: date) -> None:
    """A release of the library in which these days, and no others, are public holidays."""
    monkeypatch.setattr(calendars, "_public_holidays", lambda country, subdivision: set(days))


OPEN_IN_MAY = (
    "select extract(day from local_date)::integer from agreement.opening_windows"
    " where calendar = 'office' and local_date between '2025-05-01' and '2025-05-07'"
    " group by 1 order by 1"
)


@pytest.mark.usefixtures("madrid")
def test_public_holidays_are_closed(folder: Path, connection: Connection) -> None:
    load(folder, connection)
    assert rows(connection, OPEN_IN_MAY) == [(5,), (6,), (7,)]


@pytest.mark.usefixtures("madrid")
def test_windows_in_what_is_published_stay_as_they_were(
    folder: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder, connection)
    # 4 May in Madrid, 3 May in UTC
    published_until = datetime(2025, 5, 3, 22, 30, tzinfo=UTC)
    stored = [row[2:] for row in everything(connection)["opening_windows"]]
    holidays_become(monkeypatch, date(2025, 5, 6))
    assert load(folder, connection, published_until=published_until).written > 0
    assert rows(connection, OPEN_IN_MAY) == [(5,), (7,)]
    later = [row[2:] for row in everything(connection)["opening_windows"]]
    published = [window for window in stored if window[4] < date(2025, 5, 4)]
    assert set(published) <= set(later)
    assert {w for w in later if w[4] < date(2025, 5, 4)} == set(published)
    # what follows goes on from them
    office = sorted(window for window in later if window[1] == "office")
    for one, other in pairwise(office):
        assert other[5] == one[5] + (one[3] - one[2]).total_seconds()
        assert other[6] == one[6] + (one[4] != other[4])
    everything_now = everything(connection)
    assert load(folder, connection, published_until=published_until).written == 0
    assert everything(connection) == everything_now


@pytest.mark.usefixtures("madrid")
@pytest.mark.parametrize(("opened", "windows"), [(False, 0), (True, 2)])
def test_the_day_of_what_is_published_stays_once_it_has_opened(
    folder: Path,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    opened: bool,
    windows: int,
) -> None:
    load(folder, connection)
    holidays_become(monkeypatch, date(2025, 5, 5))
    # a Monday: from 9 to 14 and from 15 to 18 in Madrid
    nine = datetime(2025, 5, 5, 7, tzinfo=UTC)
    load(folder, connection, published_until=nine + timedelta(seconds=1) if opened else nine)
    assert rows(
        connection,
        "select count(*) from agreement.opening_windows"
        " where calendar = 'office' and local_date = '2025-05-05'",
    ) == [(windows,)]


@pytest.mark.usefixtures("madrid")
def test_windows_in_what_is_published_stay_when_their_version_is_written_anew(
    folder: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder, connection)
    holidays_become(monkeypatch)
    connection.execute("update agreement.stages set label = 'x'")
    # the night of an earlier year is run again: its calendars end before what is published
    load(
        folder,
        connection,
        until=date(2025, 5, 3),
        published_until=datetime(2025, 5, 6, 2, tzinfo=UTC),
    )
    assert rows(connection, OPEN_IN_MAY) == [(5,), (6,)]


@pytest.mark.usefixtures("madrid")
def test_before_anything_is_published_windows_follow_the_library(
    folder: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder, connection)
    holidays_become(monkeypatch, date(2025, 5, 6))
    load(folder, connection)
    assert rows(connection, OPEN_IN_MAY) == [(1,), (2,), (5,), (7,)]


@pytest.mark.usefixtures("madrid")
def test_the_windows_of_a_version_not_yet_in_force_follow_the_library(
    folder: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder, connection, as_of=BEFORE)
    holidays_become(monkeypatch, date(2025, 3, 20))
    load(folder, connection, as_of=BEFORE, published_until=BEFORE)
    assert rows(
        connection,
        "select count(*) from agreement.opening_windows"
        " where calendar = 'office' and local_date = '2025-03-20'",
    ) == [(0,)]


def test_rows_that_say_something_else_than_the_files_are_put_right(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection)
    content = {table: [row[2:] for row in rows] for table, rows in everything(connection).items()}
    connection.execute("update agreement.stages set label = 'x' where stage = 'mql'")
    connection.execute(
        "update agreement.opening_windows set seconds_before = 1 where seconds_before = 0"
    )
    connection.execute("delete from agreement.teams")
    connection.execute("update agreement.qualification_rules set operands = '{phone,email}'")
    connection.execute("insert into agreement.systems values ('v1', 'spreadsheet', 3)")
    load(folder, connection)
    repaired = {table: [row[2:] for row in rows] for table, rows in everything(connection).items()}
    for table in TABLES:
        assert sorted(repaired[table], key=str) == sorted(content[table], key=str)


def test_a_version_in_force_is_not_edited(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection, as_of=BEFORE)
    stored = everything(connection)
    file = write_version(("at least 200 leads", "at least 150 leads"), ("head: Grace", "head: Ann"))
    with pytest.raises(AgreementError) as refusal:
        load(folder, connection, as_of=START)
    head, target = refusal.value.faults
    assert target.file == head.file == file
    assert str(target) == (
        f"{file}: commitments[mql_volume].target: found a change (target lowered from at least 200"
        " leads to at least 150 leads), expected no change to version 'v1', in force since"
        " 2025-04-01; restore the clause, and write the change as a new version with a later date."
    )
    assert (head.path, head.found) == (
        "parties.sales.head",
        "a change (sales head changed from Grace to Ann)",
    )
    assert everything(connection) == stored


@pytest.mark.parametrize("repaired", [False, True], ids=["as it was stored", "stored anew"])
def test_a_version_once_in_force_is_not_edited_for_an_earlier_night(
    folder: Path, write_version: WriteVersion, connection: Connection, repaired: bool
) -> None:
    seen = "select first_in_force_at from agreement.versions"
    file = write_version()
    load(folder, connection, as_of=BEFORE)
    assert rows(connection, seen) == [(None,)]
    load(folder, connection, as_of=START)
    load(folder, connection, as_of=START + timedelta(days=1))
    assert rows(connection, seen) == [(START,)]
    if repaired:
        connection.execute("update agreement.stages set label = 'x'")
        load(folder, connection, as_of=BEFORE)
        assert rows(connection, seen) == [(START,)]
    stored = everything(connection)
    write_version(("at least 200 leads", "at least 150 leads"))
    with pytest.raises(AgreementError, match="no change to version 'v1'"):
        load(folder, connection, as_of=BEFORE)
    file.unlink()
    write_version(("version: v1", "version: v2"))
    with pytest.raises(AgreementError, match="no version 'v1'"):
        load(folder, connection, as_of=BEFORE)
    assert everything(connection) == stored


def test_a_version_in_force_may_be_rewritten_in_other_words_only(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection)
    stored = everything(connection)
    write_version(("at least 25%", "at least 25.0%  # as before"), ("version: v1", "'version': v1"))
    assert load(folder, connection).written == 0
    assert everything(connection) == stored


def test_a_version_in_force_does_not_vanish(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection)
    write_version(("version: v1", "version: other"))
    with pytest.raises(AgreementError) as refusal:
        load(folder, connection)
    (fault,) = refusal.value.faults
    assert (fault.file, fault.found) == (folder / "2025-04-01.yml", "no version 'v1'")
    assert "put the file back" in fault.remedy


def test_a_version_not_yet_in_force_may_change(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection, as_of=BEFORE)
    write_version(("at least 200 leads", "at least 150 leads"), ("2025-04-01", "2025-04-15"))
    (folder / "2025-04-01.yml").rename(folder / "2025-04-15.yml")
    load(folder, connection, as_of=BEFORE)
    assert rows(connection, "select effective_from from agreement.versions") == [
        (date(2025, 4, 15),)
    ]
    assert rows(
        connection,
        "select target from agreement.commitment_segments"
        " where commitment_id = 'mql_volume' and segment = 'all'",
    ) == [(Decimal(150),)]


def test_a_new_version_ends_the_one_before_and_may_be_withdrawn_until_it_starts(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection)
    stored = everything(connection)
    second = write_version(
        ("version: v1", "version: v2"), ("2025-04-01", "2025-10-01"), name="2025-10-01.yml"
    )
    load(folder, connection)
    ends = "select version, effective_until from agreement.versions order by version"
    assert rows(connection, ends) == [("v1", date(2025, 10, 1)), ("v2", None)]
    assert everything(connection)["commitments"][:3] == stored["commitments"]
    second.unlink()
    load(folder, connection)
    assert rows(connection, ends) == [("v1", None)]


def test_a_new_version_cannot_start_in_what_is_published(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    load(folder, connection)
    stored = everything(connection)
    write_version(
        ("version: v1", "version: v2"), ("2025-04-01", "2025-10-01"), name="2025-10-01.yml"
    )
    # 1 October begins at 22:00 UTC in Madrid
    start = datetime(2025, 9, 30, 22, tzinfo=UTC)
    with pytest.raises(AgreementError) as refusal:
        load(folder, connection, published_until=start)
    (fault,) = refusal.value.faults
    assert (fault.file.name, fault.path) == ("2025-10-01.yml", "effective_from")
    assert "give the new version a later date" in fault.remedy
    assert everything(connection) == stored
    load(folder, connection, published_until=start - timedelta(seconds=1))
    # once it is known, the nights that it judged are published like any others
    load(folder, connection, published_until=start)


def test_a_version_that_is_known_cannot_move_into_what_is_published(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    second = ("version: v1", "version: v2")
    announced = write_version(second, ("2025-04-01", "2025-10-01"), name="2025-10-01.yml")
    night = datetime(2025, 8, 1, tzinfo=UTC)
    load(folder, connection, as_of=night)
    stored = everything(connection)
    announced.unlink()
    write_version(second, ("2025-04-01", "2025-07-01"), name="2025-07-01.yml")
    with pytest.raises(AgreementError) as refusal:
        load(folder, connection, as_of=night + timedelta(days=1), published_until=night)
    assert [fault.path for fault in refusal.value.faults] == ["effective_from"]
    assert everything(connection) == stored


def test_a_warehouse_built_anew_takes_all_versions(
    folder: Path, write_version: WriteVersion, connection: Connection
) -> None:
    write_version()
    write_version(
        ("version: v1", "version: v2"), ("2025-04-01", "2025-10-01"), name="2025-10-01.yml"
    )
    load(folder, connection, published_until=datetime(2026, 1, 1, tzinfo=UTC))
    assert len(everything(connection)["versions"]) == 2


def test_a_load_that_breaks_off_leaves_what_was_there(
    folder: Path,
    write_version: WriteVersion,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_version()
    load(folder, connection, as_of=BEFORE)
    stored = everything(connection)
    write_version(("at least 200 leads", "at least 150 leads"))
    insert = loading._insert

    def break_off(connection: Connection, schema: str, table: Any, rows: Any) -> None:
        if table == "opening_windows":
            raise KeyboardInterrupt
        insert(connection, schema, table, rows)

    monkeypatch.setattr(loading, "_insert", break_off)
    with pytest.raises(KeyboardInterrupt):
        load(folder, connection, as_of=BEFORE)
    assert everything(connection) == stored


def test_a_load_whose_server_process_dies_leaves_what_was_there(
    folder: Path,
    write_version: WriteVersion,
    connection: Connection,
    warehouse: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_version()
    load(folder, connection, as_of=BEFORE)
    stored = everything(connection)
    write_version(("at least 200 leads", "at least 150 leads"))
    insert = loading._insert

    def kill_first(connection: Connection, schema: str, table: Any, rows: Any) -> None:
        if table == "opening_windows":
            with psycopg.connect(warehouse, autocommit=True) as killer:
                killer.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
        insert(connection, schema, table, rows)

    monkeypatch.setattr(loading, "_insert", kill_first)
    with connect(warehouse, "loader") as doomed, pytest.raises(psycopg.OperationalError):
        load(folder, doomed, as_of=BEFORE)
    assert everything(connection) == stored


@pytest.mark.parametrize(
    ("clause", "reason"),
    [
        ("sql: leads.contry = 'ES'", "column leads.contry does not exist"),
        ("sql: leads.country", "argument of WHERE must be type boolean, not type text"),
        ("sql: leads.score > 'many'", 'invalid input syntax for type bigint: "many"'),
        ("field: company\n    matches: '[[:vowel:]]'", "invalid character class"),
        ("field: company\n    not_matching: '[[:vowel:]]'", "invalid character class"),
    ],
)
def test_a_rule_that_postgresql_cannot_read_is_refused(
    folder: Path, write_version: WriteVersion, connection: Connection, clause: str, reason: str
) -> None:
    write_version(("any_of: [persona]", clause))
    with pytest.raises(AgreementError, match=r"qualification\[1\]") as refused:
        load(folder, connection)
    assert reason in str(refused.value)
    assert rows(connection, "select * from agreement.versions") == []


@pytest.mark.parametrize(
    "clause",
    [
        "sql: leads.country = 'ES' and leads.score > 10 or leads.company like '100%%'",
        "sql: \"leads.company ~ '^{[^}]+}$'\"",
        "field: company\n    matches: '^(?:a|b){2}\\\\.%s$'",
    ],
)
def test_a_rule_that_postgresql_reads_is_taken(
    folder: Path, write_version: WriteVersion, connection: Connection, clause: str
) -> None:
    write_version(("any_of: [persona]", clause))
    assert load(folder, connection).written
