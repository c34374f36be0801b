"""Did a source arrive: fresh, whole, in volume, in shape? Runs before anything is built on it.

Here the raw tables are looked at, which no dbt test reads: as a source tells them, in the version
known on the night. A critical failure takes the source as missing (its span is undetermined, the
others go on); a warning is told. What every system may get wrong for a few records has an
allowance: it tells a mapping, an import or a form that broke from somebody who mistyped.

One table is one scan, whatever is asked of its rows; a second one groups the leads, and a third
the changes of the last weeks. On a million rows each takes about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import LiteralString

from smarketing.config import SourceKind
from smarketing.night import Night
from smarketing.quality.checks import RowCheck, Suite, ValueClass, quoted
from smarketing.sources.api.drift import GONE, RETYPED_FROM

_DATA_TEAM = "the data team"
_REVOPS = "RevOps"
_MARKETING = "marketing"

# of the leads that a source told last time, so many may be gone at once
_LOST_ALLOWED = Decimal("0.2")
# fewer than that is somebody who tidies up
_LOST_AT_LEAST = 25
# a day with fewer changes than that says nothing of a source
_BUSY_DAY = 20
# of the rows that were read, so many may be unreadable
_UNREADABLE_ALLOWED = Decimal("0.01")


@dataclass(frozen=True)
class _Named:
    """What a row may name: by which reference of its own, and the table and column of its id."""

    alias: str
    table: str
    id_column: str
    reference: str


@dataclass(frozen=True)
class _Fact:
    """Something that may be wrong with a row of a raw table; ``wrong`` is SQL over the row.

    ``named``: what the row names, where it is about that.
    """

    name: str
    wrong: str
    value_class: ValueClass
    reason: str
    meaning: str
    share_allowed: str = "0.01"
    concerns: str = _DATA_TEAM
    named: _Named | None = None


@dataclass(frozen=True)
class _Table:
    """A raw table and what may be wrong with its rows.

    ``lead`` is the id of the lead that a row is about; where there is none, ``record`` is the id
    of the row's own. ``where``: the rows that are looked at.
    """

    name: LiteralString
    facts: Sequence[_Fact]
    lead: str | None = None
    record: str = ""
    where: str = "true"

    @property
    def key(self) -> str:
        """What names a row in its system. Only a lead's key is one that leads to its record."""
        return self.lead or f"'{self.name}:' || {self.record}"


@dataclass(frozen=True)
class _Arrivals:
    """Where a source's leads, and what happens to them, lie, as SQL: stage changes, or what
    there is as often.

    A day counts from its start in UTC, whatever the zone of the session. ``deleted``: a query for
    the ids of the leads that are gone, and since when that is known. ``fields``: the table of what
    a record can hold, and what the loader calls its records.
    """

    schema: LiteralString
    leads: LiteralString
    lead_id: LiteralString
    created: LiteralString
    changes: LiteralString
    changed_lead_id: LiteralString
    occurred: LiteralString
    deleted: LiteralString
    tables: Sequence[_Table]
    is_change: LiteralString = "true"
    fields: tuple[LiteralString, LiteralString] | None = None


def _times(name: str, what: str, at: str) -> _Fact:
    """A moment of a record has to lie between 2000 and the night (a day's grace for clocks)."""
    return _Fact(
        name,
        f"not {at} between timestamptz '2000-01-01 00:00Z' and known_at + interval '1 day'",
        "out of range",
        "the time lies before 2000, or after the night",
        f"{what} bear times before 2000 or after the night: an import has mistaken the format of "
        "its dates, or a clock is wrong. They stand in no period, or in the wrong one",
    )


def _not_negative(name: str, what: str, column: str) -> _Fact:
    return _Fact(
        name,
        f"{column} < 0",
        "out of range",
        "it is below 0",
        f"{what} are below 0: they would be taken off what others bring",
        concerns=_REVOPS,
    )


def _known(name: str, what: str, named: _Named, meaning: str) -> _Fact:
    """What a row names has to be there; a row that names nothing does no wrong."""
    return _Fact(
        name,
        f"{named.reference} is not null and {named.alias}.id is null",
        "unknown",
        f"the {what} that it names is not there",
        meaning,
        share_allowed="0.05",
        named=named,
    )


_ADDRESS = _Fact(
    "leads_have_an_address",
    "nullif(trim(email), '') is null",
    "missing",
    "no e-mail address is known",
    "leads have no e-mail address: nobody can write to them, and other systems' records of "
    "them are not recognised. If it is new, a form or the mapping has lost the field",
    share_allowed="0.2",
    concerns=_MARKETING,
)
_SCORE = _not_negative("scores_are_not_negative", "Scores", "score")
_AMOUNT = _not_negative("deals_are_not_negative", "Amounts of deals", "amount")
_LEAD_OWNER = "leads name owners that the source does not tell of: their handoffs have no team"
_DEAL_OWNER = "deals name owners that the source does not tell of: they count for no team"
_DEAL_LEAD = "deals name leads that the source does not tell of: their money counts nowhere"

_LEAD = _Named("lead", "leads", "lead_id", "lead_id")
_OWNER = _Named("owner", "owners", "owner_id", "owner_id")
_USER = _Named("owner", "users", "user_id", "owner_id")
# a queue is no user
_PERSON = replace(_USER, reference="case when left(owner_id, 3) <> '00G' then owner_id end")
_ACCOUNT = _Named("account", "accounts", "account_id", "account_id")


def _spend(table: LiteralString, record: str, campaign: str) -> _Table:
    """What campaigns cost, by whatever word the source has for a campaign."""
    return _Table(
        table,
        record=record,
        facts=(
            _not_negative("spend_is_not_negative", "Costs of campaigns", "amount"),
            _known(
                "campaigns_of_spend_are_known",
                campaign,
                _Named(campaign, f"{campaign}s", f"{campaign}_id", f"{campaign}_id"),
                "costs name campaigns that the source does not tell of: they have no channel",
            ),
        ),
    )


def _moment(name: LiteralString) -> LiteralString:
    return f"coalesce({name}_at, {name}_on::timestamp at time zone 'UTC')"


_KINDS: dict[SourceKind, _Arrivals] = {
    "csv_export": _Arrivals(
        schema="raw_csv_export",
        leads="leads",
        lead_id="lead_id",
        created=_moment("created"),
        changes="stage_changes",
        changed_lead_id="lead_id",
        occurred=_moment("occurred"),
        deleted="select lead_id, _known_from from raw_csv_export.deletions where system = {system}",
        tables=(
            _Table(
                "leads",
                lead="lead_id",
                facts=(
                    _ADDRESS,
                    _SCORE,
                    _times("leads_bear_sound_times", "Leads", _moment("created")),
                    _known("owners_of_leads_are_known", "owner", _OWNER, _LEAD_OWNER),
                ),
            ),
            _Table(
                "stage_changes",
                lead="lead_id",
                facts=(_times("changes_bear_sound_times", "Stage changes", _moment("occurred")),),
            ),
            _Table(
                "touches",
                record="touch_id",
                facts=(
                    _times("touches_bear_sound_times", "Touches", _moment("occurred")),
                    _known(
                        "leads_of_touches_are_known",
                        "lead",
                        _LEAD,
                        "touches name leads that the source does not tell of: they answer nobody",
                    ),
                ),
            ),
            _Table(
                "opportunities",
                record="opportunity_id",
                facts=(
                    _AMOUNT,
                    _times("deals_bear_sound_times", "Deals", _moment("opened")),
                    _known("leads_of_deals_are_known", "lead", _LEAD, _DEAL_LEAD),
                    _known("owners_of_deals_are_known", "owner", _OWNER, _DEAL_OWNER),
                ),
            ),
            _spend("spend", "campaign_id", "campaign"),
        ),
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
        deleted="select record_id as lead_id, _known_from from raw_hubspot.deletions "
        "where system = {system} and kind = 'contacts'",
        fields=("properties", "'HubSpot ' || kind"),
        tables=(
            _Table(
                "contacts",
                lead="contact_id",
                facts=(
                    _ADDRESS,
                    _SCORE,
                    _times("leads_bear_sound_times", "Contacts", "created_at"),
                    _known("owners_of_leads_are_known", "owner", _OWNER, _LEAD_OWNER),
                ),
            ),
            _Table(
                "property_history",
                lead="record_id",
                where="kind = 'contacts'",
                facts=(_times("changes_bear_sound_times", "Changes of properties", "changed_at"),),
            ),
            _Table(
                "engagements",
                record="engagement_id",
                facts=(
                    _times("touches_bear_sound_times", "Calls, e-mails and meetings", "created_at"),
                    _known(
                        "owners_of_touches_are_known",
                        "owner",
                        _OWNER,
                        "calls, e-mails and meetings name owners that the source does not tell of: "
                        "nobody knows whether sales made them",
                    ),
                ),
            ),
            _Table(
                "deals",
                record="deal_id",
                facts=(
                    _AMOUNT,
                    _times("deals_bear_sound_times", "Deals", "created_at"),
                    _known(
                        "leads_of_deals_are_known",
                        "contact",
                        _Named("lead", "contacts", "contact_id", "contact_ids::jsonb ->> 0"),
                        _DEAL_LEAD,
                    ),
                    _known("owners_of_deals_are_known", "owner", _OWNER, _DEAL_OWNER),
                ),
            ),
            _spend("spend", "item_id", "campaign"),
        ),
    ),
    "marketo": _Arrivals(
        schema="raw_marketo",
        leads="leads",
        lead_id="lead_id",
        created="created_at",
        changes="activities",
        changed_lead_id="lead_id",
        occurred="happened_at",
        deleted="select lead_id, _known_from from raw_marketo.deletions where system = {system}",
        fields=("fields", "'Marketo leads'"),
        tables=(
            _Table(
                "leads",
                lead="lead_id",
                facts=(_ADDRESS, _SCORE, _times("leads_bear_sound_times", "Leads", "created_at")),
            ),
            _Table(
                "activities",
                record="activity_id",
                facts=(_times("changes_bear_sound_times", "Activities", "happened_at"),),
            ),
            _spend("spend", "program_id", "program"),
        ),
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
        deleted="select record_id as lead_id, _known_from from raw_salesforce.deletions "
        "where system = {system} and object = 'Lead'",
        fields=("fields", "'Salesforce ' || object"),
        tables=(
            _Table(
                "leads",
                lead="lead_id",
                facts=(
                    _ADDRESS,
                    _SCORE,
                    _times("leads_bear_sound_times", "Leads", "created_at"),
                    _known("owners_of_leads_are_known", "user", _PERSON, _LEAD_OWNER),
                ),
            ),
            _Table(
                "contacts",
                lead="contact_id",
                facts=(
                    _times("contacts_bear_sound_times", "Contacts", "created_at"),
                    _known(
                        "accounts_of_contacts_are_known",
                        "account",
                        _ACCOUNT,
                        "contacts name accounts that the source does not tell of",
                    ),
                ),
            ),
            _Table(
                "field_history",
                lead="record_id",
                where="object in ('Lead', 'Contact')",
                facts=(_times("changes_bear_sound_times", "Changes of fields", "changed_at"),),
            ),
            _Table(
                "tasks",
                record="task_id",
                facts=(
                    _times("touches_bear_sound_times", "Calls and e-mails", "created_at"),
                    _known(
                        "owners_of_touches_are_known",
                        "user",
                        _USER,
                        "calls and e-mails name owners that the source does not tell of: nobody "
                        "knows whether sales made them",
                    ),
                ),
            ),
            _Table(
                "opportunities",
                record="opportunity_id",
                facts=(
                    _AMOUNT,
                    _times("deals_bear_sound_times", "Opportunities", "created_at"),
                    _known(
                        "accounts_of_deals_are_known",
                        "account",
                        _ACCOUNT,
                        "deals name accounts that the source does not tell of",
                    ),
                    _known("owners_of_deals_are_known", "user", _USER, _DEAL_OWNER),
                ),
            ),
            _Table(
                "opportunity_contact_roles",
                record="role_id",
                facts=(
                    _known(
                        "leads_of_deals_are_known",
                        "contact",
                        _Named("contact", "contacts", "contact_id", "contact_id"),
                        _DEAL_LEAD,
                    ),
                ),
            ),
            _spend("campaign_spend", "spend_id", "campaign"),
        ),
    ),
}


def suites(
    source: str, night: Night, *, kind: SourceKind, system: str, fresh_within_hours: int
) -> list[Suite]:
    """The suites on what a source keeps in its raw schema, for what was known on the night."""
    of = _KINDS[kind]
    at = _Instant(source, system, night)
    return [
        _leads(of, at, fresh_within_hours),
        _changes(of, at),
        *(_records(of, at, table) for table in of.tables),
        *([_fields(of.schema, at, *of.fields)] if of.fields else []),
        _reading(of, at),
    ]


@dataclass(frozen=True)
class _Instant:
    """A source on a night, in the words of SQL."""

    source: str
    system_name: str
    night: Night

    @property
    def system(self) -> str:
        return quoted(self.system_name)

    @property
    def as_of(self) -> str:
        return f"timestamptz '{self.night.as_of.isoformat()}'"

    @property
    def known_at(self) -> str:
        return f"timestamptz '{self.night.known_at.isoformat()}'"

    @property
    def known(self) -> str:
        """Of the rows of a raw table those of the source, in the version known on the night."""
        return (
            f"system = {self.system} and _known_from <= {self.known_at} "
            f"and (_known_until is null or _known_until > {self.known_at})"
        )

    @property
    def read_before(self) -> str:
        """When the last night before this one ended that read the source; null if none did."""
        return (
            "(select max(nights.known_at) from ops.nights inner join ops.steps "
            "using (night_id, attempt) "
            f"where steps.step = {quoted(f'extract.{self.source}')} and steps.state = 'done' "
            f"and nights.known_at < {self.known_at})"
        )

    @property
    def step(self) -> str:
        """Of ``ops.steps`` the night's reading of the source."""
        return (
            f"night_id = {quoted(self.night.night_id)} and attempt = {self.night.attempt} "
            f"and step = {quoted(f'extract.{self.source}')}"
        )


def _leads(of: _Arrivals, at: _Instant, fresh_within_hours: int) -> Suite:
    known_changes = f"{at.known} and {of.is_change}"
    happened = (
        f"select {of.created} as happened from {{batch}} where {at.known} union all "
        f"select {of.occurred} from {of.schema}.{of.changes} where {known_changes}"
    )
    deleted = of.deleted.format(system=at.system)
    # each lead that was not gone when the source was read last: in how many versions it is known
    # at once, whether it was there then, and whether it is gone since
    lead_by_lead = (
        f"select {at.system} || ':' || told.lead_id as lead_key, versions, was_there, read_before, "
        "gone_from is not null as is_lost, "
        "count(gone_from) filter (where was_there) over () as lost_in_all "
        f"from (select {of.lead_id} as lead_id, "
        f"count(*) filter (where {at.known}) as versions, "
        "bool_or(_known_from <= read_before) as was_there, min(read_before) as read_before "
        f"from {{batch}} cross join (select {at.read_before} as read_before) as history "
        f"where system = {at.system} and _known_from <= {at.known_at} group by 1) as told "
        "left join (select lead_id, min(_known_from) as gone_from "
        f"from ({deleted}) as deleted where _known_from <= {at.known_at} group by 1) as gone "
        "on told.lead_id = gone.lead_id where gone_from is null or gone_from > read_before"
    )
    return Suite(
        f"arrival.{at.source}.source",
        of.schema,
        of.leads,
        (
            RowCheck(
                "leads_arrived",
                "critical",
                f"no lead has ever arrived from {at.source}: it is empty, or the mapping reads "
                "nothing",
                _DATA_TEAM,
                population=(
                    f"select {quoted(at.source)} as source, count(*) as leads from {{batch}} "
                    f"where system = {at.system}"
                ),
                fails="leads = 0",
                key="source",
                value_class=quoted("missing"),
                reason=quoted("not one lead is there"),
            ),
            RowCheck(
                "fresh",
                "critical",
                f"{at.source} has nothing newer than {fresh_within_hours} hours before the "
                "night: it stopped, so its numbers would be yesterday's",
                _DATA_TEAM,
                population=(
                    f"select {quoted(at.source)} as source, max(happened) as newest "
                    f"from ({happened}) as events where happened <= {at.as_of}"
                ),
                fails=(
                    f"newest is null or newest < {at.as_of} - interval '{fresh_within_hours} hours'"
                ),
                key="source",
                value_class=quoted("too old"),
                reason=quoted(f"nothing is newer than {fresh_within_hours} hours"),
                statement=f"The newest record is not older than {fresh_within_hours} hours",
                since="newest",
            ),
            RowCheck(
                "leads_are_told_once",
                "critical",
                f"a lead of {at.source} is told in two versions at once: a load went wrong, and "
                "everything it did would count twice. Load the source anew",
                _DATA_TEAM,
                population=lead_by_lead,
                fails="versions > 1",
                key="lead_key",
                value_class=quoted("duplicate"),
                reason=quoted("it is known in two versions at once"),
                may_be_empty="no lead has ever arrived",
                since="read_before",
            ),
            RowCheck(
                "leads_are_not_lost",
                "critical",
                f"more than a fifth of the leads of {at.source} are gone since it was read last: "
                "somebody deleted them in bulk, or we may not see them any more. Ask whoever "
                "administers it before anybody works with tonight's numbers",
                _REVOPS,
                population=lead_by_lead,
                fails=f"was_there and is_lost and lost_in_all >= {_LOST_AT_LEAST}",
                key="lead_key",
                value_class=quoted("gone"),
                reason=quoted("it was there when the source was read last, and is deleted"),
                share_allowed=_LOST_ALLOWED,
                may_be_empty="no lead has ever arrived",
                since="read_before",
            ),
        ),
        at.source,
    )


def _changes(of: _Arrivals, at: _Instant) -> Suite:
    known_changes = f"{at.known} and {of.is_change}"
    # the nine weeks before the night, in days [start, end) counted backwards from 0
    days = (
        f"select ceil(extract(epoch from {at.as_of} - occurred) / 86400)::integer - 1 as days_ago, "
        f"count(*) as moves from (select {of.occurred} as occurred from {{batch}} "
        f"where {known_changes}) as changes where occurred < {at.as_of} "
        f"and occurred >= {at.as_of} - interval '63 days' group by 1"
    )
    volume = (
        f"with days as materialized ({days}) select {quoted(at.source)} as source, "
        "coalesce(sum(moves) filter (where days_ago < 7), 0) as this_week, "
        "coalesce(sum(moves) filter (where days_ago = 0), 0) as this_day, "
        "(select percentile_cont(0.5) within group (order by moves) from "
        "(select sum(moves) as moves from days group by days_ago / 7) as weeks) as usual_week, "
        "(select percentile_cont(0.5) within group (order by coalesce(moves, 0)) from "
        "generate_series(7, 56, 7) as same_weekday (days_ago) left join days using (days_ago)) "
        "as usual_day from days"
    )
    return Suite(
        f"arrival.{at.source}.changes",
        of.schema,
        of.changes,
        (
            RowCheck(
                "volume",
                "warning",
                "the last seven days brought less than a third of what happens to leads in a "
                f"usual week: a part of {at.source} may be missing",
                _DATA_TEAM,
                population=volume,
                fails="this_week < usual_week / 3",
                key="source",
                value_class=quoted("too few"),
                reason=quoted("less than a third of a usual week"),
                statement="The last seven days brought about as much as any week",
            ),
            RowCheck(
                "volume_of_the_day",
                "warning",
                "the last day brought less than a third of what happens to leads on this day of "
                f"the week: a part of {at.source} may be missing, or it was a holiday",
                _DATA_TEAM,
                population=volume,
                fails=f"usual_day >= {_BUSY_DAY} and this_day < usual_day / 3",
                key="source",
                value_class=quoted("too few"),
                reason=quoted("less than a third of what this day of the week brings"),
                statement="The last day brought about as much as any such day of the week",
            ),
            RowCheck(
                "leads_are_known",
                "warning",
                f"{at.source} tells what happened to leads that it does not contain; "
                "it is left out of the funnel and listed as findings",
                _DATA_TEAM,
                population=(
                    f"select {at.system} || ':' || changes.lead_id as lead_key, "
                    "leads.lead_id is null as is_unknown "
                    f"from (select distinct {of.changed_lead_id} as lead_id "
                    f"from {{batch}} where {known_changes}) as changes "
                    f"left join (select distinct {of.lead_id} as lead_id "
                    f"from {of.schema}.{of.leads} where {at.known}) as leads using (lead_id)"
                ),
                fails="is_unknown",
                key="lead_key",
                value_class=quoted("unknown"),
                reason=quoted("no lead has this id"),
                share_allowed=Decimal("0.01"),
                may_be_empty="nothing has happened to any lead yet",
            ),
        ),
        at.source,
    )


def _records(of: _Arrivals, at: _Instant, table: _Table) -> Suite:
    """All that may be wrong with the rows of a table, in one scan of it."""
    wrong = ", ".join(f"({fact.wrong}) as {fact.name}" for fact in table.facts)
    # whom somebody named once was there, also where it has been merged or deleted since
    joins = " ".join(
        f"left join (select distinct {named.id_column} as id from {of.schema}.{named.table} "
        f"where system = {at.system} and _known_from <= {at.known_at}) as {named.alias} "
        f"on {named.reference} = {named.alias}.id"
        for fact in table.facts
        if (named := fact.named)
    )
    population = (
        f"select {at.system} || ':' || {table.key} as record_key, {wrong} "
        f"from (select *, {at.known_at} as known_at from {{batch}} "
        f"where {at.known} and {table.where}) as told {joins}"
    )
    return Suite(
        f"arrival.{at.source}.{table.name}",
        of.schema,
        table.name,
        tuple(
            RowCheck(
                fact.name,
                "warning",
                fact.meaning,
                fact.concerns,
                population=population,
                fails=fact.name,
                key="record_key",
                value_class=quoted(fact.value_class),
                reason=quoted(fact.reason),
                share_allowed=Decimal(fact.share_allowed),
                may_be_empty=f"{at.source} has told no {table.name.replace('_', ' ')} yet",
            )
            for fact in table.facts
        ),
        at.source,
    )


def _fields(schema: LiteralString, at: _Instant, table: LiteralString, records: str) -> Suite:
    """Which of the fields that are read changed, as the loader noted it down tonight."""
    return Suite(
        f"arrival.{at.source}.fields",
        schema,
        table,
        (
            RowCheck(
                "fields_stay_as_they_were",
                "warning",
                f"a field that is read from {at.source} is gone, or holds another type of values: "
                "what it fed goes empty, or is kept aside. Correct the mapping, or the field",
                _DATA_TEAM,
                population=(
                    f"select {at.system} || ':' || {records} || '.' || name as field_key, "
                    f"format({quoted(GONE)}, {records}, name) = any(notes) as is_gone, "
                    "exists (select from unnest(notes) as note where starts_with(note, "
                    f"format({quoted(RETYPED_FROM)}, {records}, name))) as is_retyped "
                    "from {batch} cross join (select string_to_array(min(note), '; ') as notes "
                    f"from ops.steps where {at.step}) as reading where {at.known} and is_read"
                ),
                fails="is_gone or is_retyped",
                key="field_key",
                value_class=f"case when is_gone then {quoted('gone')} else {quoted('changed')} end",
                reason=(
                    f"case when is_gone then {quoted('the field is not there any more')} "
                    f"else {quoted('the field holds another type of values')} end"
                ),
                may_be_empty=f"{at.source} does not say which fields it has",
            ),
        ),
        at.source,
    )


def _reading(of: _Arrivals, at: _Instant) -> Suite:
    return Suite(
        f"arrival.{at.source}.reading",
        of.schema,
        of.leads,
        (
            RowCheck(
                "rows_are_readable",
                "warning",
                f"more than one in a hundred of the rows that {at.source} brought tonight could "
                "not be read. They are kept aside, with the reason, and count nowhere",
                _DATA_TEAM,
                population=(
                    f"select {quoted(at.source)} as source, rows_in, rows_rejected "
                    f"from ops.steps where {at.step} and rows_in > 0"
                ),
                fails=f"rows_rejected > {_UNREADABLE_ALLOWED} * rows_in",
                key="source",
                value_class=quoted("malformed"),
                reason=quoted("more than one in a hundred rows could not be read"),
                may_be_empty=f"{at.source} brought nothing new tonight",
            ),
        ),
        at.source,
    )
