"""Does every lead that was handed over deserve it, and does the funnel hold together?

The rules on leads are the agreement's own (``qualification`` in its YAML): one definition for
the people who signed it and for the check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smarketing.night import Night
from smarketing.quality.checks import Check, RowCheck, Suite
from smarketing.warehouse.build import CANDIDATE
from smarketing.warehouse.connection import connect

# how a field of the agreement shows in dim_leads, which holds no direct identifiers
_PRESENT = {
    "email": "leads.has_email",
    "phone": "leads.has_phone",
    "persona": "leads.persona is not null",
    "channel": "leads.channel is not null",
    "region": "leads.region is not null",
    "country": "leads.country is not null",
}


@dataclass(frozen=True)
class Rule:
    """A qualification rule in force: at least one of ``any_of`` is known of a lead in ``stage``."""

    rule: str
    stage: str
    any_of: tuple[str, ...]
    severity: Literal["critical", "warning"]
    share_allowed: Decimal
    statement: str


def rules_in_force(uri: str, night: Night) -> list[Rule]:
    """The rules of the version that is in force on the night, in the order of the contract."""
    with connect(uri, "transformer") as connection:
        rows = connection.execute(
            """
            select rule, stage, any_of, severity, share_allowed, statement
            from agreement.qualification_rules
            inner join staging.stg_agreement__versions using (version)
            where
                in_force_from <= %(as_of)s
                and (in_force_until is null or in_force_until > %(as_of)s)
            order by position
            """,
            {"as_of": night.as_of},
        ).fetchall()
    return [Rule(*row) for row in rows]


def suites(rules: Iterable[Rule]) -> list[Suite]:
    """The suites on the candidate marts, with one check for each rule of the agreement."""
    import great_expectations.expectations as gxe

    return [
        Suite(
            "qualification.leads",
            CANDIDATE,
            "dim_leads",
            (
                Check(
                    "leads_exist",
                    "critical",
                    "not one lead came through to the marts: something upstream lost them all",
                    "the data team",
                    gxe.ExpectTableRowCountToBeBetween(min_value=1),
                ),
            ),
        ),
        # on their own, so that no name which people give a rule is that of a check of ours
        Suite(
            "qualification.rules",
            CANDIDATE,
            "fct_funnel_stages",
            tuple(_rule_check(rule) for rule in rules),
        ),
        Suite(
            "qualification.stages",
            CANDIDATE,
            "fct_funnel_stages",
            (
                RowCheck(
                    "stages_in_order",
                    "critical",
                    "a stage was left before it was entered: the order of a lead's story is lost",
                    "the data team",
                    population="select lead_id, entered_at, exited_at from {batch}",
                    fails="exited_at < entered_at",
                    key="lead_id",
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
                    population=_leads_with("unmapped_stage"),
                    fails="is_found",
                    key="lead_id",
                ),
                RowCheck(
                    "no_stage_out_of_order",
                    "warning",
                    "a later stage was entered before an earlier one; the pair gives no duration "
                    "and no success",
                    "RevOps",
                    population=_leads_with("stage_out_of_order"),
                    fails="is_found",
                    key="lead_id",
                ),
            ),
        ),
    ]


def _leads_with(finding: str) -> str:
    """Every lead, and whether it has a finding of this kind."""
    return (
        f"select leads.lead_id, coalesce(bool_or(findings.finding = '{finding}'), false) "
        f"as is_found from {CANDIDATE}.dim_leads as leads "
        "left join {batch} as findings using (lead_id) group by 1"
    )


def _rule_check(rule: Rule) -> RowCheck:
    return RowCheck(
        rule.rule,
        rule.severity,
        f"leads in {rule.stage} break what was agreed: {rule.statement}",
        "marketing",
        population=(
            "select distinct stages.lead_id, "
            f"{' or '.join(_PRESENT[field] for field in rule.any_of)} as is_satisfied "
            f"from {{batch}} as stages inner join {CANDIDATE}.dim_leads as leads using (lead_id) "
            f"where stages.stage = '{rule.stage}' and not stages.is_inferred"
        ),
        fails="is_satisfied is not true",
        key="lead_id",
        share_allowed=rule.share_allowed,
    )
