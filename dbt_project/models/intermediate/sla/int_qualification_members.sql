-- Who is counted where what is promised depends on who the lead was: what it is worth, and whether
-- it passes every critical rule.

with

periods as (

    select * from {{ ref('int_commitment_periods') }}
    where
        metric = 'value'
        or judged_by = 'rules'
        or only_qualified

),

eras as (

    select * from {{ ref('int_agreement_eras') }}

),

cycle_stages as (

    select
        cycle_stages.*,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at
    from {{ ref('int_cycle_stages') }} as cycle_stages
    inner join {{ ref('int_leads') }} as leads
        on cycle_stages.lead_id = leads.lead_id
    where not cycle_stages.is_inferred

),

scores as (

    select * from {{ ref('int_lead_scores') }}

),

-- a promise of quality is about those handed over: who entered the handoff stage of the version in
-- force at the entry
entries as (

    select
        cycle_stages.*,
        cycle_stages.stage_rank = eras.handoff_rank as is_handoff,
        scores.lead_value,
        -- where no rule guards the stage, nothing is asked
        case
            when scores.lead_id is null then true
            else scores.has_passed_critical_rules
        end as is_qualified
    from cycle_stages
    inner join eras
        on cycle_stages.version = eras.version
    left join scores
        on
            cycle_stages.lead_id = scores.lead_id
            and cycle_stages.cycle_number = scores.cycle_number
            and cycle_stages.stage = scores.stage

),

-- a lead is handed over once in a cycle, also where a later version hands over at a later stage
numbered as (

    select
        *,
        is_handoff
        and row_number() over (
            partition by lead_id, cycle_number, is_handoff
            order by entered_at
        ) = 1 as is_the_handoff
    from entries

),

period_kinds as (

    select distinct
        period_kind,
        zone
    from periods

),

dated as (

    select
        numbered.*,
        period_kinds.period_kind,
        period_kinds.zone as period_zone,
        date_trunc(
            period_kinds.period_kind, numbered.entered_at at time zone period_kinds.zone
        )::date as period_start_date
    from numbered
    cross join period_kinds

),

members as (

    select
        periods.version,
        periods.commitment_id,
        periods.segment,
        periods.period_start_date,
        dated.lead_id,
        dated.cycle_number,
        dated.is_date_only,
        dated.entered_at,
        case when periods.metric = 'quality' then dated.is_qualified else true end as is_success,
        case when periods.metric = 'value' then coalesce(dated.lead_value, 0) end as amount
    from periods
    inner join dated
        on
            periods.period_kind = dated.period_kind
            and periods.zone = dated.period_zone
            and periods.period_start_date = dated.period_start_date
            and case
                when periods.metric = 'quality' then dated.is_the_handoff
                else periods.stage = dated.stage
            end
    where
        (periods.only_qualified is not true or dated.is_qualified)
        -- of whom nothing is known any more, nobody can say
        and (periods.metric <> 'quality' or dated.is_qualified is not null)
        -- deleted before the period was over: not of its population
        and coalesce(dated.deleted_at >= periods.period_end_at, true)
        and {{ in_segment('periods', {
            'persona': 'dated.persona', 'region': 'dated.region', 'channel': 'dated.channel'
        }) }}

),

final as (

    select
        ----------  ids
        version,
        commitment_id,
        segment,
        lead_id || '/' || cycle_number as member_key,
        lead_id,

        ----------  numerics
        cycle_number,
        null::numeric as days,
        amount,
        null::numeric as spend,

        ----------  booleans
        is_success,
        true as is_final,
        is_date_only as is_occurred_date_only,

        ----------  dates
        period_start_date,

        ----------  timestamps
        entered_at as occurred_at
    from members

)

select * from final
