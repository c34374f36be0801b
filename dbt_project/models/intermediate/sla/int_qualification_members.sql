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

handoffs as (

    select
        handoffs.lead_id,
        handoffs.cycle_number,
        handoffs.entry_number,
        handoffs.team,
        owners.owner_name
    from {{ ref('int_handoffs') }} as handoffs
    left join {{ ref('int_source_owners') }} as owners
        on handoffs.owner_key = owners.owner_key

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

-- a promise of quality is about those handed over
entries as (

    select
        cycle_stages.*,
        handoffs.lead_id is not null as is_handoff,
        handoffs.team,
        handoffs.owner_name,
        scores.lead_value,
        -- where no rule guards the stage, nothing is asked
        case
            when scores.lead_id is null then true
            else scores.has_passed_critical_rules
        end as is_qualified
    from cycle_stages
    left join handoffs
        on
            cycle_stages.lead_id = handoffs.lead_id
            and cycle_stages.cycle_number = handoffs.cycle_number
            and cycle_stages.entry_number = handoffs.entry_number
    left join scores
        on
            cycle_stages.lead_id = scores.lead_id
            and cycle_stages.cycle_number = scores.cycle_number
            and cycle_stages.stage = scores.stage

),

period_kinds as (

    select distinct
        period_kind,
        zone
    from periods

),

dated as (

    select
        entries.*,
        period_kinds.period_kind,
        period_kinds.zone as period_zone,
        date_trunc(
            period_kinds.period_kind, entries.entered_at at time zone period_kinds.zone
        )::date as period_start_date
    from entries
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
                when periods.metric = 'quality' then dated.is_handoff
                else periods.stage = dated.stage
            end
    where
        (periods.only_qualified is not true or dated.is_qualified)
        -- of whom nothing is known any more, nobody can say
        and (periods.metric <> 'quality' or dated.is_qualified is not null)
        -- deleted before the period was over: not of its population
        and coalesce(dated.deleted_at >= periods.period_end_at, true)
        and {{ in_segment('periods', {
            'persona': 'dated.persona', 'region': 'dated.region', 'channel': 'dated.channel',
            'team': 'dated.team', 'owner': 'dated.owner_name'
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
