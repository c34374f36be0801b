"""Who a lead was on entering a stage, against a reading of the same records in plain Python.

The model picks one value out of histories, versions and several records with a handful of sorts;
the reading below asks one lead, one field, one record after the other, as a person would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from smarketing.warehouse.build import run_models

from tests.conftest import dbt_workdir, new_warehouse

ZONE = ZoneInfo("Europe/Madrid")
START = datetime(2026, 3, 27, tzinfo=UTC)  # two days before the clocks change there
HOUR = timedelta(hours=1)

ASKED = {"mql": ("email", "persona"), "sql": ("score",)}
FIELDS = ("email", "second_email", "persona", "score")
WORDS: dict[str, tuple[str | None, ...]] = {
    "email": (None, "", "none", " Ann@X.example ", "ann@y.example"),
    "second_email": (None, "second@z.example", "n/a"),
    "persona": (None, " ", "Founder", "\u00a0IT leader\n"),
    "score": (None, "12", "40.5", "-7"),
}

# what the model reads, and no more of it than it needs
READ = {
    "int_qualification_rules": "version text, stage text, fields text []",
    "stg_agreement__lead_values": "version text, stage text",
    "int_cycle_stages": (
        "lead_id text, version text, zone text, stage text, cycle_number integer,"
        " is_inferred boolean, is_date_only boolean, entered_at timestamptz"
    ),
    "int_lead_records": (
        "record_key text, system_precedence integer, record_created_at timestamptz,"
        " record_merged_at timestamptz, record_deleted_at timestamptz"
    ),
    "int_lead_identity": "record_key text, lead_id text, is_surviving boolean",
    "int_source_lead_versions": (
        "record_key text, known_from timestamptz, email text, second_email text, phone text,"
        " company text, country text, region text, persona text, channel text, score numeric"
    ),
    "int_source_field_changes": ("record_key text, field text, value text, changed_at timestamptz"),
}


@dataclass(frozen=True)
class Record:
    """A record of the person. Instants are hours after the start; a version has each field."""

    precedence: int | None
    is_surviving: bool
    created: int | None
    merged: int | None
    deleted: int | None
    versions: dict[int, dict[str, str | None]]
    changes: dict[tuple[str, int], str | None]


@dataclass(frozen=True)
class Entry:
    """The person's entry to a stage."""

    stage: str
    entered: int
    is_date_only: bool
    is_inferred: bool


@dataclass(frozen=True)
class Person:
    """Somebody's records, and the stages that they came to in as many cycles."""

    records: list[Record]
    entries: list[Entry]


hours = st.integers(0, 90)
sometimes = st.none() | hours
values = {field: st.sampled_from(words) for field, words in WORDS.items()}
changes = st.sampled_from(FIELDS).flatmap(
    lambda field: st.tuples(st.tuples(st.just(field), hours), values[field])
)
records = st.builds(
    Record,
    precedence=st.none() | st.integers(1, 2),
    is_surviving=st.booleans(),
    created=sometimes,
    merged=sometimes,
    deleted=sometimes,
    versions=st.dictionaries(hours, st.fixed_dictionaries(values), min_size=1, max_size=3),
    changes=st.lists(changes, max_size=5).map(dict),
)
entries = st.builds(
    Entry,
    stage=st.sampled_from(["mql", "sql", "customer"]),
    entered=hours,
    is_date_only=st.booleans(),
    is_inferred=st.sampled_from([False, False, False, True]),
)
people = st.builds(
    Person,
    records=st.lists(records, min_size=1, max_size=3),
    entries=st.lists(entries, min_size=1, max_size=4),
)


def at(hour: int) -> datetime:
    return START + hour * HOUR


def entered_at(entry: Entry) -> datetime:
    """A day sorts at its local start."""
    if not entry.is_date_only:
        return at(entry.entered)
    return datetime.combine(at(entry.entered).astimezone(ZONE), time(), ZONE).astimezone(UTC)


def judged_at(entry: Entry) -> datetime:
    if not entry.is_date_only:
        return at(entry.entered)
    tomorrow = at(entry.entered).astimezone(ZONE).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), ZONE).astimezone(UTC)
    return midnight - timedelta(microseconds=1)


# the reading --------------------------------------------------------------------------------------


def was_there(record: Record, when: datetime) -> bool:
    if record.created is not None and at(record.created) > when:
        return False
    return all(gone is None or at(gone) > when for gone in (record.merged, record.deleted))


def told(record: Record, field: str, when: datetime) -> tuple[str | None, int]:
    """What the record says of a field at an instant, and how we know."""
    story = {hour: value for (name, hour), value in record.changes.items() if name == field}
    read = {hour: version[field] for hour, version in record.versions.items()}
    for basis, source in ((1, story), (2, read)):
        before = [hour for hour in source if at(hour) <= when]
        if before:
            return source[max(before)], basis
    source = story or read
    return source[min(source)], 3


def cleaned(field: str, value: str | None) -> str | None:
    text = (value or "").strip()
    if field == "email":
        return text.lower() if re.fullmatch(r"[^@\s]+@[^@\s]+", text) else None
    if field == "score" and text:
        return str(Decimal(text).quantize(Decimal(1), ROUND_HALF_UP))
    return text or None


def expected(person: Person, entry: Entry, field: str) -> tuple[str | None, int]:
    when = judged_at(entry)
    numbered = list(enumerate(person.records))
    present = [each for each in numbered if was_there(each[1], when)] or numbered
    found = []
    for number, record in present:
        value, basis = told(record, field, when)
        if field == "email" and value is None:
            value, _ = told(record, "second_email", when)
        trust = 9 if record.precedence is None else record.precedence
        age = 99 if record.created is None else record.created
        rank = (trust, basis, not record.is_surviving, age, number)
        found.append((rank, cleaned(field, value), basis))
    known = min((each for each in found if each[1] is not None), default=None)
    if known is None:
        return None, max(basis for _, _, basis in found)
    return known[1], known[2]


# the model ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """The model as dbt compiles it, reading tables that last as long as a transaction."""

    connection: psycopg.Connection[Any]
    query: str

    def answers(self, people: list[Person]) -> dict[tuple[int, int, str], tuple[str | None, int]]:
        """By person, entry and field: the value, and how it is known."""
        with self.connection.transaction(force_rollback=True), self.connection.cursor() as cursor:
            for name, columns in READ.items():
                cursor.execute(f"create temporary table {name} ({columns})")
            self._agree(cursor)
            for number, person in enumerate(people):
                self._write(cursor, number, person)
            rows = cursor.execute(self.query).fetchall()
            names = [column.name for column in cursor.description or ()]
        told = (dict(zip(names, row, strict=True)) for row in rows)
        return {
            (int(row["lead_id"]), row["cycle_number"], field): (
                None if row[field] is None else str(row[field]),
                row[f"{field}_basis"],
            )
            for row in told
            for field in ASKED[row["stage"]]
        }

    @staticmethod
    def _agree(cursor: psycopg.Cursor[Any]) -> None:
        cursor.execute("insert into stg_agreement__lead_values values ('v1', 'mql')")
        cursor.execute("insert into int_qualification_rules values ('v1', 'mql', '{email}')")
        cursor.execute("insert into int_qualification_rules values ('v1', 'sql', '{score}')")

    @staticmethod
    def _write(cursor: psycopg.Cursor[Any], number: int, person: Person) -> None:
        lead = str(number)

        def moment(hour: int | None) -> datetime | None:
            return None if hour is None else at(hour)

        for cycle, entry in enumerate(person.entries):
            cursor.execute(
                "insert into int_cycle_stages values (%s, 'v1', %s, %s, %s, %s, %s, %s)",
                (
                    lead,
                    str(ZONE),
                    entry.stage,
                    cycle,
                    entry.is_inferred,
                    entry.is_date_only,
                    entered_at(entry),
                ),
            )
        for position, record in enumerate(person.records):
            key = f"{number}:{position}"
            cursor.execute(
                "insert into int_lead_records values (%s, %s, %s, %s, %s)",
                (key, record.precedence, *map(moment, (record.created, record.merged)),
                 moment(record.deleted)),
            )  # fmt: skip
            cursor.execute(
                "insert into int_lead_identity values (%s, %s, %s)",
                (key, lead, record.is_surviving),
            )
            cursor.executemany(
                "insert into int_source_lead_versions"
                " (record_key, known_from, email, second_email, persona, score)"
                " values (%s, %s, %s, %s, %s, %s)",
                [
                    (key, at(hour), *(version[field] for field in FIELDS))
                    for hour, version in record.versions.items()
                ],
            )
            cursor.executemany(
                "insert into int_source_field_changes values (%s, %s, %s, %s)",
                [(key, field, value, at(hour)) for (field, hour), value in record.changes.items()],
            )


@pytest.fixture(scope="module")
def model(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    instant = datetime(2026, 4, 1, tzinfo=UTC)
    with new_warehouse(postgres) as uri:
        name = "int_values_at_entry"
        workdir = dbt_workdir(uri, tmp_path_factory.mktemp("model"))
        compile_model = ("compile", "--quiet", "--select", name)
        compiled = run_models(uri, workdir, *compile_model, as_of=instant, known_at=instant)
        # its tests are compiled with it
        (code,) = (each.node.compiled_code for each in compiled if each.node.name == name)
        query = re.sub(r'"\w+"\."\w+"\.("\w+")', r"pg_temp.\1", code)
        assert set(re.findall(r'pg_temp\."(\w+)"', query)) == set(READ)
        with psycopg.connect(uri, autocommit=True) as connection:
            yield Model(connection, query)


@settings(
    max_examples=120,
    deadline=None,
    # to tell why an example fails takes as long as all of them
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
@given(some=st.lists(people, min_size=1, max_size=6))
def test_values_are_those_that_stood_at_entry(model: Model, some: list[Person]) -> None:
    answers = model.answers(some)
    assert answers == {
        (number, cycle, field): expected(person, entry, field)
        for number, person in enumerate(some)
        for cycle, entry in enumerate(person.entries)
        if not entry.is_inferred
        for field in ASKED.get(entry.stage, ())
    }
