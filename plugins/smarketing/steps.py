"""The steps of a night, as the DAG calls them. Each records itself, and can be run again.

A connection that breaks is left to Airflow's retries. Everything else (a wrong agreement, a
failed check, a model that does not build) would fail again, and fails the task for good.

``night`` is what :func:`load_agreement` returned: the small keys of a night, as XCom carries them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from smarketing.config import Config, read_config
from smarketing.night import (
    Acceptance,
    Night,
    Step,
    check_instants,
    close_night,
    open_night,
    recorded,
)
from smarketing.sources.errors import LoadError, UnreachableError
from smarketing.warehouse.build import Layer, build_layer
from smarketing.warehouse.connection import WarehouseError, as_role, connect, uri_in_task
from smarketing.warehouse.publish import publish

if TYPE_CHECKING:
    from smarketing.quality.run import Outcome

# what a second try may mend
_TRANSIENT = (psycopg.OperationalError, LoadError, UnreachableError, WarehouseError)


@dataclass(frozen=True)
class _Work:
    """What a step works with."""

    config: Config
    uri: str
    night: Night
    step: Step


@contextmanager
def _sorted_errors() -> Iterator[None]:
    from airflow.sdk.exceptions import AirflowFailException

    try:
        yield
    except _TRANSIENT:
        raise
    except Exception as error:
        raise AirflowFailException(str(error)) from error


@contextmanager
def _step(night: dict[str, Any], name: str) -> Iterator[_Work]:
    with _sorted_errors():
        config, uri, this = read_config(), uri_in_task(), Night.from_xcom(night)
        with recorded(uri, this, name) as step:
            yield _Work(config, uri, this, step)


def load_agreement(
    as_of: str, known_at: str, accept: str = "", accepted_by: str = ""
) -> dict[str, Any]:
    """Open the night and load what the two teams signed. Returns the night's keys.

    ``as_of`` and ``known_at`` are ISO 8601 instants with a zone; where ``known_at`` is empty, the
    night knows what its own end knows. ``accept`` is why ``accepted_by`` lets it be published even
    if critical checks fail; empty: nobody does.
    """
    from smarketing.agreement import expanded_until, read_agreement, require_in_force
    from smarketing.agreement import load_agreement as load
    from smarketing.sources.reading import create_raw_tables, refuse_shared_systems

    with _sorted_errors():
        config, uri = read_config(), uri_in_task()
        instant = config.night_of(_instant(as_of))
        knowledge = _instant(known_at) if known_at else instant
        check_instants(instant, knowledge, datetime.now(UTC))
        accepted = Acceptance(accepted_by, accept) if accept else None
        night = open_night(uri, instant, knowledge, accepted)
        with recorded(uri, night, "agreement.load") as step:
            refuse_shared_systems(config)
            agreement = read_agreement(config.agreements)
            require_in_force(agreement, night.as_of)
            with connect(uri, "transformer") as connection:
                [(published_until,)] = connection.execute(
                    "select max(as_of) from ops.publications"
                ).fetchall()
            with connect(uri, "loader") as connection:
                create_raw_tables(connection)
                loaded = load(
                    agreement,
                    connection,
                    as_of=night.as_of,
                    until=expanded_until(night.as_of),
                    published_until=published_until,
                )
            step.rows_in, step.rows_out = loaded.rows, loaded.written
        return night.to_xcom()


def extract(night: dict[str, Any], source: str) -> None:
    """Read what one source has delivered by the night, into its raw schema."""
    from smarketing.sources.links import remember_system
    from smarketing.sources.reading import declared_in
    from smarketing.sources.reading import extract as read

    with _step(night, f"extract.{source}") as work:
        kind = work.config.sources[source].kind
        declared = declared_in(kind, work.config.mapping(source))
        remember_system(work.uri, source, declared.system, declared.record_link)
        extracted = read(
            kind,
            declared,
            warehouse_uri=as_role(work.uri, "loader"),
            night_id=work.night.night_id,
            known_at=work.night.known_at,
            workdir=work.config.workdir / "dlt",
        )
        work.step.rows_in = extracted.rows_read
        work.step.rows_out = extracted.rows_loaded
        work.step.rows_rejected = extracted.rows_rejected
        work.step.note = extracted.note


def check_arrival(night: dict[str, Any]) -> None:
    """Which sources arrived, and are those fresh, in volume and in shape?

    A source that could not be read tonight, or that brought nothing new, stands as it was: its span
    is marked, and the others go on. Whom a vendor has erased for privacy is erased before anything
    is looked at.
    """
    from expectations import arrival
    from smarketing.privacy.erasure import Warehouse, erase_as_told
    from smarketing.privacy.ledger import key_in_task
    from smarketing.quality.arrivals import mark_late, mark_unread, refuse_silence
    from smarketing.quality.run import run_suites
    from smarketing.sources.reading import declared_in

    with _step(night, "arrive.check") as work, _shown_if_it_stops(work):
        sources = work.config.sources
        erased = erase_as_told(Warehouse(work.uri, key_in_task, [work.config.workdir]))
        unread = mark_unread(work.uri, work.night, list(sources))
        suites = [
            suite
            for source, declared in sources.items()
            if source not in unread
            for suite in arrival.suites(
                source,
                work.night,
                kind=declared.kind,
                system=declared_in(declared.kind, work.config.mapping(source)).system,
                fresh_within_hours=declared.fresh_within_hours,
            )
        ]
        outcomes = run_suites(work.uri, work.night, suites)
        _tally(work.step, outcomes)
        late = mark_late(work.uri, work.night, outcomes)
        for what, missing in (("not read tonight", unread), ("nothing new from", late)):
            if missing:
                work.step.note = f"{work.step.note}; {what}: {', '.join(missing)}"
        for note in erased.notes:
            work.step.note = f"{work.step.note}; {note}"
        refuse_silence(work.uri, work.night, list(sources))


def transform(night: dict[str, Any], layer: Layer) -> None:
    """Build one layer of models, as of the night, into schemas that start empty."""
    from smarketing.sources.reading import create_raw_tables

    with _step(night, f"transform.{layer}") as work:
        if layer == "staging":
            with connect(work.uri, "loader") as connection:
                create_raw_tables(connection)
        work.step.rows_out = build_layer(work.uri, work.night, layer, work.config.workdir)


def check_qualification(night: dict[str, Any]) -> None:
    """Do the candidate marts keep the rules that both teams signed?"""
    from expectations import marts, qualification
    from smarketing.quality.run import run_suites

    with _step(night, "check.qualification") as work, _shown_if_it_stops(work):
        rules = qualification.rules_in_force(work.uri)
        suites = qualification.suites(rules, work.night)
        suites += marts.suites(work.night, marts.published_as_of(work.uri))
        _tally(work.step, run_suites(work.uri, work.night, suites))


def publish_marts(night: dict[str, Any]) -> None:
    """Put the checked candidate in the place of yesterday's marts."""
    with _step(night, "publish.swap") as work:
        publication = publish(work.uri, work.night)
        work.step.rows_out = publication.rows
        work.step.note = f"{publication.marts} marts, build {publication.build_id}"


def report(night: dict[str, Any]) -> None:
    """Write the pages that both heads look at in the morning, and close the night."""
    from smarketing.review.page import QUALITY, SCOREBOARD, write_page
    from smarketing.review.reading import read_scoreboard

    with _step(night, "report.scoreboard") as work:
        _write_quality(work)
        write_page(read_scoreboard(work.uri, work.config), work.config.workdir / SCOREBOARD)
        work.step.note = f"{SCOREBOARD}, {QUALITY}"
    close_night(work.uri, work.night)


@contextmanager
def _shown_if_it_stops(work: _Work) -> Iterator[None]:
    """Whoever is called at 3 a.m. wants to see which records, or which source."""
    from smarketing.quality.arrivals import NothingArrivedError
    from smarketing.quality.run import ChecksFailedError

    try:
        yield
    except (ChecksFailedError, NothingArrivedError):
        _write_quality(work)
        raise


def _write_quality(work: _Work) -> None:
    """Write what was checked in this attempt, for people."""
    from smarketing.review.page import QUALITY, write_quality
    from smarketing.review.quality import read_quality

    report = read_quality(work.uri, work.config.company, work.night.night_id, work.night.attempt)
    write_quality(report, work.config.workdir / QUALITY)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text}: an instant needs a zone, for example {text}Z")
    return instant.astimezone(UTC)


def _tally(step: Step, outcomes: Sequence[Outcome]) -> None:
    passed = sum(outcome.state == "passed" for outcome in outcomes)
    step.note = f"{passed} of {len(outcomes)} checks passed"
    if skipped := sum(outcome.state == "skipped" for outcome in outcomes):
        step.note += f", {skipped} had nothing to check"
    # had nobody accepted it, we should not be here
    if accepted := sum(outcome.can_be_accepted for outcome in outcomes):
        step.note += f", {accepted} that would stop the night accepted"
