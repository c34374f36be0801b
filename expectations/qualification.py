"""Does every lead that entered a guarded stage deserve it, by the rules that both teams signed?

The rules on leads are the agreement's own (``qualification`` in its YAML). The models apply them,
to what was known of a lead when it entered the stage (``fct_lead_qualification``): people, models
and checks read one verdict. A check looks at the leads that entered lately, so that a form which
breaks this week is not drowned by eighteen good months.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite, quoted
from smarketing.warehouse.build import CANDIDATE
from smarketing.warehouse.connection import connect

# the leads that a rule's check looks at entered the stage in these days before the night; where
# fewer did, so many of the newest are looked at, so that a slip of one is not a share of many
WINDOW_DAYS = 30
ENOUGH = 100


@dataclass(frozen=True)
class Rule:
    """A qualification rule in force, as ``agreement.qualification_rules`` holds it."""

    rule: str
    stage: str
    severity: Literal["critical", "warning"]
    share_allowed: Decimal
    statement: str


def rules_in_force(uri: str) -> list[Rule]:
    """The rules of the version that is in force on the night, in the order of the contract."""
    with connect(uri, "auditor") as connection:
        rows = connection.execute(
            """
            select rule, stage, severity, share_allowed, statement
            from agreement.qualification_rules
            inner join intermediate.int_agreement_eras using (version)
            where is_current
            order by position
            """
        ).fetchall()
    return [Rule(*row) for row in rows]


def suites(rules: Iterable[Rule], night: Night) -> list[Suite]:
    """The suites on the candidate marts, with one check for each rule of the agreement."""
    return [
        Suite(
            "qualification.leads",
            CANDIDATE,
            "dim_leads",
            (
                # nobody fails it; that there is nobody does
                RowCheck(
                    "leads_exist",
                    "critical",
                    "not one lead came through to the marts: something upstream lost them all",
                    "the data team",
                    population="select lead_id from {batch}",
                    fails="false",
                    key="lead_id",
                    value_class=quoted("missing"),
                    reason=quoted("there is no lead"),
                    statement="There are leads",
                ),
            ),
        ),
        # on their own, so that no name which people give a rule is that of a check of ours
        Suite(
            "qualification.rules",
            CANDIDATE,
            "fct_lead_qualification",
            tuple(_rule_check(rule, night) for rule in rules),
        ),
        # no rule passes because nobody was asked
        Suite(
            "qualification.verdicts",
            CANDIDATE,
            "fct_lead_qualification",
            (
                RowCheck(
                    "every_entry_is_judged",
                    "critical",
                    "a lead entered a guarded stage and was not judged by each of its rules",
                    "the data team",
                    population=_VERDICTS,
                    fails="not is_judged",
                    key="verdict",
                    value_class=quoted("missing"),
                    reason=quoted("the rule has no verdict on the entry"),
                    statement="Each lead that entered a guarded stage is judged by each rule",
                    may_be_empty="no lead has entered a stage that the agreement guards",
                ),
            ),
        ),
        Suite(
            "qualification.findings",
            CANDIDATE,
            "fct_findings",
            (
                RowCheck(
                    "no_unmapped_stage",
                    "warning",
                    "the CRM uses a stage that the agreement does not name; those changes move "
                    "nobody. Map the value in the agreement, or clean it in the CRM",
                    "RevOps",
                    population=_LEADS_WITH_FINDINGS,
                    fails="has_unmapped_stage",
                    key="lead_id",
                    value_class=quoted("not in list"),
                    reason=quoted("a stage of the source is on no list of the agreement"),
                    statement="Every stage of the sources is one that the agreement names",
                ),
                RowCheck(
                    "no_stage_out_of_order",
                    "warning",
                    "a later stage was entered before an earlier one; the pair gives no duration "
                    "and no success",
                    "RevOps",
                    population=_LEADS_WITH_FINDINGS,
                    fails="has_stage_out_of_order",
                    key="lead_id",
                    value_class=quoted("contradictory"),
                    reason=quoted("a later stage was entered before an earlier one"),
                    statement="Stages are entered in their order",
                ),
            ),
        ),
    ]


def _rule_check(rule: Rule, night: Night) -> RowCheck:
    # a lead that was deleted in the source is nobody's slip any more; one of whom nothing is known
    # has no verdict
    return RowCheck(
        rule.rule,
        rule.severity,
        f"leads in {rule.stage} break what was agreed: {rule.statement}",
        "marketing",
        population=(
            "select lead_id || '/' || cycle_number as entry, passed, test, fields, "
            "value = 'missing' as is_missing from ("
            "select *, row_number() over (order by entered_at desc, lead_id, cycle_number) as place"
            " from {batch} as verdicts "
            f"where rule = {quoted(rule.rule)} and stage = {quoted(rule.stage)} "
            "and passed is not null and not is_deleted"
            ") as judged "
            f"where place <= {ENOUGH} or entered_at >= "
            f"timestamptz '{night.as_of.isoformat()}' - {WINDOW_DAYS} * interval '24 hours'"
        ),
        fails="not passed",
        key="entry",
        value_class=_VALUE_CLASS,
        reason=f"trim(fields || ' ' || {_REASON})",
        share_allowed=rule.share_allowed,
        may_be_empty=f"no lead has entered {rule.stage}",
        rule=rule.rule,
        statement=rule.statement,
    )


# what is wrong with a value that breaks a rule, by the rule's test; the mart says more, but what
# people typed into a CRM is kept out of the record of checks
_VALUE_CLASS = """
case
    when is_missing or test = 'any_of' then 'missing'
    when test = 'one_of' then 'not in list'
    when test = 'between' then 'out of range'
    when test in ('matches', 'not_matching') then 'malformed'
    when test = 'compared' then 'contradictory'
    else 'condition not met'
end
"""
_REASON = """
case
    when is_missing or test = 'any_of' then 'not known'
    when test = 'one_of' then 'not among the values agreed'
    when test = 'between' then 'not within the bounds agreed'
    when test = 'matches' then 'not in the form agreed'
    when test = 'not_matching' then 'in a form that is ruled out'
    when test = 'compared' then 'not as the one has to be to the other'
    else 'not as agreed'
end
"""

# every lead, and whether it has a finding of some kind
_LEADS_WITH_FINDINGS = f"""
select
    leads.lead_id,
    coalesce(bool_or(findings.finding = 'unmapped_stage'), false) as has_unmapped_stage,
    coalesce(bool_or(findings.finding = 'stage_out_of_order'), false) as has_stage_out_of_order
from {CANDIDATE}.dim_leads as leads
left join {{batch}} as findings using (lead_id)
group by 1
"""


# each lead and cycle that entered a guarded stage, by each rule of the version in force then
_VERDICTS = f"""
select
    entries.lead_id || '/' || entries.cycle_number || '/' || rules.rule as verdict,
    verdicts.lead_id is not null as is_judged
from (
    select distinct on (lead_id, cycle_number, stage)
        lead_id, cycle_number, stage, agreement_version
    from {CANDIDATE}.fct_funnel_stages
    where not is_inferred
    order by lead_id, cycle_number, stage, entry_number
) as entries
inner join agreement.qualification_rules as rules
    on entries.agreement_version = rules.version and entries.stage = rules.stage
left join {{batch}} as verdicts
    on entries.lead_id = verdicts.lead_id
        and entries.cycle_number = verdicts.cycle_number
        and entries.stage = verdicts.stage
        and rules.rule = verdicts.rule
"""
