"""Do the candidate marts hold together, and do they go on from what is published?

What dbt proves of every build stays with dbt, and a build that breaks it never comes here: keys,
types and references; that clocks, volumes, conversions, cycle times, quality and money in
``sla_compliance`` equal a plain count of the facts (``assert_*`` in ``dbt_project/tests/sla`` and
``money``); that credits of a deal and parts of a whole add up; that stays follow each other, and
nobody leaves a stage, is answered or is assigned before the time (``expression_is_true``); that
every handoff of the funnel is one of ``fct_handoffs``, and an open entry is where a lead stands.

Here is what no model knows, namely yesterday, and what holds of well-kept data and not by
construction; each with its figure, night after night.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite, quoted
from smarketing.warehouse.build import CANDIDATE
from smarketing.warehouse.connection import connect
from smarketing.warehouse.publish import PUBLISHED

_DATA_TEAM = "the data team"
_REVOPS = "RevOps"

# fewer leads than that are not lost: they were merged, or somebody tidied up
_LOST_AT_LEAST = 25
_NOBODY = (
    "select null::text as lead_id, false as is_lost, 0 as lost_in_all from {batch} where false"
)


def published_as_of(uri: str) -> datetime | None:
    """The instant of the night that readers see; none if nothing was ever published."""
    with connect(uri, "auditor") as connection:
        exists = connection.execute("select to_regclass('marts.published_night')").fetchone()
        if exists == (None,):
            return None
        row = connection.execute("select as_of from marts.published_night").fetchone()
        return None if row is None else row[0]


def suites(night: Night, published: datetime | None) -> list[Suite]:
    """The suites across marts. ``published``: for which instant the published ones speak."""
    return [_handoffs(), _deals(), _entries(), _sums(), _promises(), _published(night, published)]


def _handoffs() -> Suite:
    return Suite(
        "marts.handoffs",
        CANDIDATE,
        "fct_handoffs",
        (
            RowCheck(
                "one_open_handoff_per_lead",
                "critical",
                "a lead is with sales twice at once: two clocks would run for it, and two people "
                "answer for it",
                _DATA_TEAM,
                population=(
                    "select lead_id, count(*) filter (where next_cycle_at is null) as present "
                    "from {batch} group by 1"
                ),
                fails="present > 1",
                key="lead_id",
                value_class=quoted("duplicate"),
                reason=quoted("more than one handoff of the lead is under way"),
                may_be_empty="no lead has been handed over yet",
            ),
            RowCheck(
                "handoffs_were_in_order",
                "critical",
                "a lead was handed over again before its handoff before was: which of the two an "
                "answer belongs to is lost",
                _DATA_TEAM,
                population=(
                    "select lead_id || '/' || cycle_number as entry, handed_off_at, next_cycle_at, "
                    "lag(handed_off_at) over (partition by lead_id order by cycle_number) "
                    "as handed_off_before from {batch}"
                ),
                fails="handed_off_at < handed_off_before or next_cycle_at < handed_off_at",
                key="entry",
                value_class=quoted("contradictory"),
                reason=quoted("the cycles of the lead overlap"),
                may_be_empty="no lead has been handed over yet",
            ),
        ),
    )


def _deals() -> Suite:
    deals = (
        "select lead_id || '/' || opportunity_key as deal, "
        "opened_date, closed_date, first_entered_date, "
        "is_won and amount is null as has_no_amount from {batch} as deals "
        "left join (select lead_id, min(entered_date) as first_entered_date "
        f"from {CANDIDATE}.fct_funnel_stages group by 1) as entries using (lead_id) "
        "where not deals.is_deleted"
    )
    nothing = "no lead has become a deal yet"
    return Suite(
        "marts.deals",
        CANDIDATE,
        "fct_opportunities",
        (
            RowCheck(
                "deals_close_after_they_open",
                "warning",
                "deals were closed before they were opened: they count as money, but for no time "
                "to win. Correct the dates in the CRM",
                _REVOPS,
                population=deals,
                fails="closed_date < opened_date",
                key="deal",
                value_class=quoted("contradictory"),
                reason=quoted("the day of closing lies before that of opening"),
                share_allowed=Decimal("0.01"),
                may_be_empty=nothing,
            ),
            RowCheck(
                "deals_come_after_their_leads",
                "warning",
                "deals are older than their leads: nobody can have led them there, so their money "
                "is no work of marketing's. Somebody may add leads to deals afterwards",
                _REVOPS,
                population=deals,
                fails="opened_date < first_entered_date",
                key="deal",
                value_class=quoted("contradictory"),
                reason=quoted("the deal was opened before its lead entered the funnel"),
                share_allowed=Decimal("0.05"),
                may_be_empty=nothing,
            ),
            RowCheck(
                "deals_won_have_an_amount",
                "warning",
                "deals were won without an amount: they count as customers, and bring no revenue",
                "sales",
                population=deals,
                fails="has_no_amount",
                key="deal",
                value_class=quoted("missing"),
                reason=quoted("the deal was won, and its amount is not known"),
                share_allowed=Decimal("0.02"),
                may_be_empty=nothing,
            ),
        ),
    )


def _entries() -> Suite:
    return Suite(
        "marts.leads",
        CANDIDATE,
        "dim_leads",
        (
            RowCheck(
                "leads_have_entered_the_funnel",
                "warning",
                "leads stand in no stage: they are in no volume and in no conversion. Their "
                "stages may be missing in the mapping, or in the source",
                _REVOPS,
                population=(
                    "select leads.lead_id, entries.lead_id is null as is_nowhere "
                    "from {batch} as leads left join (select distinct lead_id "
                    f"from {CANDIDATE}.fct_funnel_stages) as entries using (lead_id)"
                ),
                fails="is_nowhere",
                key="lead_id",
                value_class=quoted("missing"),
                reason=quoted("the lead has entered no stage"),
                share_allowed=Decimal("0.02"),
            ),
        ),
    )


def _sums() -> Suite:
    return Suite(
        "marts.sums",
        CANDIDATE,
        "fct_lead_qualification",
        (
            RowCheck(
                "quality_adds_up_to_the_verdicts",
                "critical",
                "lead_quality does not count what was judged: the page of a rule would tell "
                "another story than its leads",
                _DATA_TEAM,
                population=(
                    "select agreement_version || '/' || rule || '/' || month_start_date as month, "
                    "told.judged_count, told.failed_count, "
                    "counted.judged_count as judged, counted.failed_count as failed "
                    f"from {CANDIDATE}.lead_quality as told full join ("
                    "select agreement_version, rule, "
                    "date_trunc('month', entered_date::timestamp)::date as month_start_date, "
                    "count(passed) as judged_count, "
                    "count(*) filter (where not passed) as failed_count "
                    "from {batch} group by 1, 2, 3"
                    ") as counted using (agreement_version, rule, month_start_date)"
                ),
                fails="(judged_count, failed_count) is distinct from (judged, failed)",
                key="month",
                value_class=quoted("contradictory"),
                reason=quoted("the sum of the month is not that of its leads"),
                may_be_empty="no lead has entered a stage that the agreement guards",
            ),
            RowCheck(
                "rejections_add_up_to_the_handoffs",
                "critical",
                "rejection_reasons does not count the handoffs of its month: reasons would be "
                "shares of another whole",
                _DATA_TEAM,
                population=(
                    "select agreement_version || '/' || month_start_date as month, "
                    "told.handoff_count, told.rejection_count, told.rejected_count, "
                    "counted.handoff_count as handoffs "
                    "from (select agreement_version, month_start_date, "
                    "min(handoff_count) as handoff_count, min(rejection_count) as rejection_count, "
                    "sum(rejected_count) as rejected_count "
                    f"from {CANDIDATE}.rejection_reasons group by 1, 2) as told "
                    "left join (select agreement_version, "
                    "date_trunc('month', handed_off_date::timestamp)::date as month_start_date, "
                    f"count(*) as handoff_count from {CANDIDATE}.fct_handoffs group by 1, 2) "
                    "as counted using (agreement_version, month_start_date)"
                ),
                fails=(
                    "handoff_count is distinct from handoffs "
                    "or rejected_count is distinct from rejection_count"
                ),
                key="month",
                value_class=quoted("contradictory"),
                reason=quoted("the sum of the month is not that of its handoffs"),
                may_be_empty="sales has turned no lead away yet",
            ),
        ),
    )


def _promises() -> Suite:
    return Suite(
        "marts.promises",
        CANDIDATE,
        "sla_compliance",
        (
            RowCheck(
                "closed_periods_stand",
                "warning",
                "a verdict that was published on a closed period is another one now: facts came "
                "late, were corrected or were deleted. The mart restatements says which and why",
                "both heads",
                population=(
                    "select agreement_version || '/' || commitment_id || '/' || segment || '/' "
                    "|| period_start_date as period, "
                    "coalesce(restated.is_verdict_changed, false) as is_restated "
                    f"from {{batch}} as compliance left join {CANDIDATE}.restatements as restated "
                    "using (agreement_version, commitment_id, segment, period_start_date) "
                    "where compliance.status in ('met', 'missed')"
                ),
                fails="is_restated",
                key="period",
                value_class=quoted("changed"),
                reason=quoted("the verdict is not the one that was published"),
                statement="Published verdicts on closed periods stand",
                may_be_empty="no period is closed yet",
            ),
        ),
    )


def _published(night: Night, published: datetime | None) -> Suite:
    """Against the night that readers see, if this one comes after it."""
    if published is None:
        reason = "nothing has been published yet"
        leads = _NOBODY
    elif published > night.as_of:
        reason = "readers see a later night"
        leads = _NOBODY
    else:
        reason = "the published night has no leads"
        leads = (
            "select published.lead_id, candidate.lead_id is null as is_lost, "
            "count(*) filter (where candidate.lead_id is null) over () as lost_in_all "
            f"from {PUBLISHED}.dim_leads as published left join {{batch}} as candidate "
            "using (lead_id)"
        )
    return Suite(
        "marts.published",
        CANDIDATE,
        "dim_leads",
        (
            RowCheck(
                "published_leads_are_still_there",
                "critical",
                "more than a fifth of the leads that are published are not there tonight, nor in "
                "any record merged into another: a mapping, a system's name or a source has "
                "changed. Look at what changed since the last night before you accept it",
                _DATA_TEAM,
                population=leads,
                fails=f"is_lost and lost_in_all >= {_LOST_AT_LEAST}",
                key="lead_id",
                value_class=quoted("gone"),
                reason=quoted("the lead is published, and not there tonight"),
                share_allowed=Decimal("0.2"),
                may_be_empty=reason,
            ),
        ),
    )
