"""Does every lead that was handed over deserve it, and does the funnel hold together?

The rules on leads are the agreement's own (``qualification`` in its YAML): one definition for
the people who signed it and for the check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, LiteralString

from psycopg import sql
from smarketing.quality.checks import Check, RowCheck, Suite
from smarketing.warehouse.build import CANDIDATE
from smarketing.warehouse.connection import connect

# what each test asks of a field. The words and numbers it asks for stay in the agreement's table
# and are joined in as values, so nothing that people write there becomes a part of the query.
_TESTS: dict[str, LiteralString] = {
    "one_of": "lower(trim({field}::text)) = any (lower(rules.operands::text)::text [])",
    "between": "{field} between rules.operands[1]::numeric and rules.operands[2]::numeric",
    "matches": "{field}::text ~* rules.operands[1]",
    "not_matching": "{field}::text !~* rules.operands[1]",
}
_COMPARISONS: dict[str, LiteralString] = {
    "at least": ">=",
    "at most": "<=",
    "equal to": "=",
    "different from": "<>",
}


@dataclass(frozen=True)
class Rule:
    """A qualification rule in force, as ``agreement.qualification_rules`` holds it."""

    rule: str
    stage: str
    test: str
    field: str | None
    operands: Sequence[str]
    severity: Literal["critical", "warning"]
    share_allowed: Decimal
    statement: str

    @property
    def is_satisfied(self) -> sql.Composable:
        """The condition under which a row of ``leads`` passes; it is also not met if null."""
        if self.test == "sql":
            return sql.SQL(self.operands[0])
        if self.test == "any_of":
            known = (sql.SQL("{} is not null").format(_of_lead(each)) for each in self.operands)
            return sql.SQL(" or ").join(known)
        assert self.field is not None
        field = _of_lead(self.field)
        if self.test == "compared":
            words, _, other = self.operands[0].rpartition(" ")
            return sql.SQL("{} {} {}").format(field, sql.SQL(_COMPARISONS[words]), _of_lead(other))
        return sql.SQL(_TESTS[self.test]).format(field=field)


def _of_lead(field: str) -> sql.Identifier:
    return sql.Identifier("leads", field)


def rules_in_force(uri: str) -> list[Rule]:
    """The rules of the version that is in force on the night, in the order of the contract."""
    with connect(uri, "transformer") as connection:
        rows = connection.execute(
            """
            select rule, stage, test, field, operands, severity, share_allowed, statement
            from agreement.qualification_rules
            inner join intermediate.int_agreement_eras using (version)
            where is_current
            order by position
            """
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
    # what the agreement says in SQL may hold braces
    is_satisfied = rule.is_satisfied.as_string().replace("{", "{{").replace("}", "}}")
    return RowCheck(
        rule.rule,
        rule.severity,
        f"leads in {rule.stage} break what was agreed: {rule.statement}",
        "marketing",
        population=(
            f"select distinct stages.lead_id, ({is_satisfied}) as is_satisfied "
            "from {batch} as stages "
            "inner join intermediate.int_leads as leads using (lead_id) "
            "left join ("
            "select rules.operands from agreement.qualification_rules as rules "
            "inner join intermediate.int_agreement_eras as eras using (version) "
            f"where eras.is_current and rules.rule = '{rule.rule}'"
            ") as rules on true "
            f"where stages.stage = '{rule.stage}' and not stages.is_inferred"
        ),
        fails="is_satisfied is not true",
        key="lead_id",
        share_allowed=rule.share_allowed,
    )
