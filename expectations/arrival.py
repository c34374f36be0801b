"""Did a source arrive: fresh, in volume, in shape? Runs before anything is built on it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import LiteralString

from smarketing.config import SourceKind
from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite

_DATA_TEAM = "the data team"


@dataclass(frozen=True)
class _Arrivals:
    """Where a source's leads, and what happens to them, lie, as SQL: stage changes, or what
    there is as often.

    A day counts from its start in UTC, whatever the zone of the session.
    """

    schema: LiteralString
    leads: LiteralString
    lead_id: LiteralString
    created: LiteralString
    changes: LiteralString
    changed_lead_id: LiteralString
    occurred: LiteralString
    is_change: LiteralString = "true"


_KINDS: dict[SourceKind, _Arrivals] = {
    "csv_export": _Arrivals(
        schema="raw_csv_export",
        leads="leads",
        lead_id="lead_id",
        created="coalesce(created_at, created_on::timestamp at time zone 'UTC')",
        changes="stage_changes",
        changed_lead_id="lead_id",
        occurred="coalesce(occurred_at, occurred_on::timestamp at time zone 'UTC')",
    ),
    "hubspot": _Arrivals(
        schema="raw_hubspot",
        leads="contacts",
        lead_id="contact_id",
        created="created_at",
        changes="property_history",
        changed_lead_id="record_id",
        occurred="changed_at",
        is_change="kind = 'contacts' and property = 'lifecycle_stage'",
    ),
    "marketo": _Arrivals(
        schema="raw_marketo",
        leads="leads",
        lead_id="lead_id",
        created="created_at",
        changes="activities",
        changed_lead_id="lead_id",
        occurred="happened_at",
    ),
    "salesforce": _Arrivals(
        schema="raw_salesforce",
        leads="leads",
        lead_id="lead_id",
        created="created_at",
        changes="field_history",
        changed_lead_id="record_id",
        occurred="changed_at",
        is_change="object = 'Lead'",
    ),
}


def suites(
    source: str, night: Night, *, kind: SourceKind, system: str, fresh_within_hours: int
) -> list[Suite]:
    """The suites on what a source keeps in its raw schema, for what was known on the night."""
    of = _KINDS[kind]
    as_of, known_at = night.as_of.isoformat(), night.known_at.isoformat()
    known = (
        f"system = '{system}' and _known_from <= timestamptz '{known_at}' "
        f"and (_known_until is null or _known_until > timestamptz '{known_at}')"
    )
    known_changes = f"{known} and {of.is_change}"
    moves_a_week = (
        f"select date_bin('7 days', occurred, timestamptz '{as_of}') as week, count(*) as moves "
        f"from (select {of.occurred} as occurred from {{batch}} where {known_changes}) as changes "
        f"where occurred < timestamptz '{as_of}' "
        f"and occurred >= timestamptz '{as_of}' - interval '63 days' group by 1"
    )
    return [
        Suite(
            f"arrival.{source}.leads",
            of.schema,
            of.leads,
            (
                RowCheck(
                    "leads_arrived",
                    "critical",
                    f"no lead has ever arrived from {source}: it is empty, or the mapping reads "
                    "nothing",
                    _DATA_TEAM,
                    population=(
                        f"select '{source}' as source, count(*) as leads from {{batch}} "
                        f"where system = '{system}'"
                    ),
                    fails="leads = 0",
                    key="source",
                ),
                RowCheck(
                    "fresh",
                    "critical",
                    f"{source} has nothing newer than {fresh_within_hours} hours before the "
                    "night: it stopped, so its numbers would be yesterday's",
                    _DATA_TEAM,
                    population=(
                        f"select '{source}' as source, max(happened) as newest from ("
                        f"select {of.created} as happened from {{batch}} where {known} union all "
                        f"select {of.occurred} from {of.schema}.{of.changes} where {known_changes}"
                        f") as events where happened <= timestamptz '{as_of}'"
                    ),
                    fails=(
                        f"newest is null or newest < timestamptz '{as_of}' "
                        f"- interval '{fresh_within_hours} hours'"
                    ),
                    key="source",
                    since="newest",
                ),
            ),
            source,
        ),
        Suite(
            f"arrival.{source}.stage_changes",
            of.schema,
            of.changes,
            (
                RowCheck(
                    "volume",
                    "warning",
                    "the last seven days brought less than a third of what happens to leads in a "
                    f"usual week: a part of {source} may be missing",
                    _DATA_TEAM,
                    population=(
                        f"select '{source}' as source, "
                        "coalesce(sum(moves) filter (where week = newest), 0) as this_week, "
                        "percentile_cont(0.5) within group (order by moves) as usual_week "
                        f"from ({moves_a_week}) as weeks "
                        f"cross join (select date_bin('7 days', timestamptz '{as_of}' "
                        f"- interval '1 microsecond', timestamptz '{as_of}') as newest) as now"
                    ),
                    fails="this_week < usual_week / 3",
                    key="source",
                ),
                RowCheck(
                    "leads_are_known",
                    "warning",
                    f"{source} tells what happened to leads that it does not contain; "
                    "it is left out of the funnel and listed as findings",
                    _DATA_TEAM,
                    population=(
                        "select changes.system || ':' || changes.lead_id as lead_key, "
                        "leads.lead_id is null as is_unknown "
                        f"from (select distinct system, {of.changed_lead_id} as lead_id "
                        f"from {{batch}} where {known_changes}) "
                        f"as changes left join (select distinct system, {of.lead_id} as lead_id "
                        f"from {of.schema}.{of.leads} where {known}) as leads "
                        "using (system, lead_id)"
                    ),
                    fails="is_unknown",
                    key="lead_key",
                    share_allowed=Decimal("0.01"),
                ),
            ),
            source,
        ),
    ]
