"""Did the sources arrive: fresh, in volume, in shape? Runs before anything is built on them."""

from __future__ import annotations

from decimal import Decimal

from smarketing.night import Night
from smarketing.quality.checks import Check, RowCheck, Suite

_DATA_TEAM = "the data team"

# a day counts from its start in UTC, whatever the zone of the session
_CREATED = "coalesce(created_at, created_on::timestamp at time zone 'UTC')"
_OCCURRED = "coalesce(occurred_at, occurred_on::timestamp at time zone 'UTC')"


def suites(night: Night, *, fresh_within_hours: int) -> list[Suite]:
    """The suites on ``raw_csv_export``, for what was known on the night."""
    import great_expectations.expectations as gxe

    as_of, known_at = night.as_of.isoformat(), night.known_at.isoformat()
    known = (
        f"_known_from <= timestamptz '{known_at}' "
        f"and (_known_until is null or _known_until > timestamptz '{known_at}')"
    )
    moves_a_week = (
        f"select date_bin('7 days', occurred, timestamptz '{as_of}') as week, count(*) as moves "
        f"from (select {_OCCURRED} as occurred from {{batch}} where {known}) as changes "
        f"where occurred < timestamptz '{as_of}' "
        f"and occurred >= timestamptz '{as_of}' - interval '63 days' group by 1"
    )
    return [
        Suite(
            "arrival.leads",
            "raw_csv_export",
            "leads",
            (
                Check(
                    "leads_arrived",
                    "critical",
                    "no lead has ever arrived: the export is empty or the mapping reads nothing",
                    _DATA_TEAM,
                    gxe.ExpectTableRowCountToBeBetween(min_value=1),
                ),
                RowCheck(
                    "fresh",
                    "critical",
                    f"nothing newer than {fresh_within_hours} hours before the night: "
                    "the export stopped, so every number would be yesterday's",
                    _DATA_TEAM,
                    population=(
                        "select 'csv_export' as source, max(happened) as newest from ("
                        f"select {_CREATED} as happened from {{batch}} where {known} union all "
                        f"select {_OCCURRED} from raw_csv_export.stage_changes where {known}"
                        f") as events where happened <= timestamptz '{as_of}'"
                    ),
                    fails=(
                        f"newest is null or newest < timestamptz '{as_of}' "
                        f"- interval '{fresh_within_hours} hours'"
                    ),
                    key="source",
                ),
            ),
        ),
        Suite(
            "arrival.stage_changes",
            "raw_csv_export",
            "stage_changes",
            (
                RowCheck(
                    "volume",
                    "warning",
                    "the last seven days brought less than a third of the stage changes of a usual "
                    "week: a part of the export may be missing",
                    _DATA_TEAM,
                    population=(
                        "select 'csv_export' as source, "
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
                    "stage changes of leads that the export does not contain; "
                    "they are left out of the funnel and listed as findings",
                    _DATA_TEAM,
                    population=(
                        "select changes.system || ':' || changes.lead_id as lead_key, "
                        "leads.lead_id is null as is_unknown "
                        f"from (select distinct system, lead_id from {{batch}} where {known}) "
                        "as changes left join (select distinct system, lead_id "
                        f"from raw_csv_export.leads where {known}) as leads "
                        "using (system, lead_id)"
                    ),
                    fails="is_unknown",
                    key="lead_key",
                    share_allowed=Decimal("0.01"),
                ),
            ),
        ),
    ]
