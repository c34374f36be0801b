-- Who is counted where what is promised is a move along the funnel.

with

-- placing_stage: the stage whose entry places a cycle in a period, be it counted (volume), started
-- from (conversion) or arrived at (cycle time)
periods as (

    select
        *,
        case metric
            when 'volume' then stage
            when 'conversion' then from_stage
            when 'cycle_time' then to_stage
        end as placing_stage
    from {{ ref('int_commitment_periods') }}
    where
        metric in ('conversion', 'cycle_time')
        -- who passes the rules is told by int_qualification_members
        or (metric = 'volume' and only_qualified is not true)

),

cycle_stages as (

    select
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.stage,
        cycle_stages.is_inferred,
        cycle_stages.is_date_only,
        cycle_stages.entered_at,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at
    from {{ ref('int_cycle_stages') }} as cycle_stages
    inner join {{ ref('int_leads') }} as leads
        on cycle_stages.lead_id = leads.lead_id

),

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

observed_entries as (

    select * from cycle_stages
    where not is_inferred

),

period_kinds as (

    select distinct
        placing_stage,
        period_kind,
        zone
    from periods

),

-- the period of each kind in which the cycle entered the stage. Written down, so that it is joined
-- by equality: folded into the join, every period of a stage would be tried on every entry
dated as materialized (

    select
        cycle_stages.*,
        period_kinds.period_kind,
        period_kinds.zone as period_zone,
        date_trunc(
            period_kinds.period_kind, cycle_stages.entered_at at time zone period_kinds.zone
        )::date as period_start_date
    from cycle_stages
    inner join period_kinds
        on cycle_stages.stage = period_kinds.placing_stage

),

placed as (

    select
        periods.version,
        periods.commitment_id,
        periods.segment,
        periods.metric,
        periods.from_stage,
        periods.to_stage,
        periods.within_days,
        periods.period_start_date,
        periods.zone,
        dated.lead_id,
        dated.cycle_number,
        dated.is_date_only,
        dated.entered_at
    from periods
    inner join dated
        on
            periods.placing_stage = dated.stage
            and periods.period_kind = dated.period_kind
            and periods.zone = dated.period_zone
            and periods.period_start_date = dated.period_start_date
    where
        -- volumes count what was observed; cohorts are made whole by what was passed over
        (periods.metric <> 'volume' or not dated.is_inferred)
        -- deleted before the period was over: not of its population
        and coalesce(dated.deleted_at >= periods.period_end_at, true)
        and {{ in_segment('periods', {
            'persona': 'dated.persona', 'region': 'dated.region', 'channel': 'dated.channel'
        }) }}

),

-- the first entry to the target stage that does not lie before the start
conversions as (

    select
        placed.version,
        placed.commitment_id,
        placed.segment,
        placed.period_start_date,
        placed.lead_id,
        placed.cycle_number,
        placed.within_days,
        placed.zone,
        placed.is_date_only,
        placed.entered_at,
        min(
            {{ duration_days(
                'placed.entered_at', 'placed.is_date_only',
                'entries.entered_at', 'entries.is_date_only',
                'placed.zone'
            ) }}
        ) as days
    from placed
    left join entries
        on
            placed.lead_id = entries.lead_id
            and placed.cycle_number = entries.cycle_number
            and placed.to_stage = entries.stage
    where placed.metric = 'conversion'
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

),

cycle_times as (

    select
        placed.*,
        {{ duration_days(
            'starts.entered_at', 'starts.is_date_only',
            'placed.entered_at', 'placed.is_date_only',
            'placed.zone'
        ) }} as days
    from placed
    inner join observed_entries as starts
        on
            placed.lead_id = starts.lead_id
            and placed.cycle_number = starts.cycle_number
            and placed.from_stage = starts.stage
    where placed.metric = 'cycle_time'

),

members as (

    select
        version,
        commitment_id,
        segment,
        period_start_date,
        lead_id,
        cycle_number,
        null::numeric as days,
        true as is_success,
        true as is_final,
        is_date_only,
        entered_at
    from placed
    where metric = 'volume'

    union all

    select
        version,
        commitment_id,
        segment,
        period_start_date,
        lead_id,
        cycle_number,
        days,
        coalesce(days <= within_days, false) as is_success,
        -- old enough that nothing still to come can be in time (what happens at as_of exists)
        case
            when is_date_only
                then
                    ({{ as_of() }} at time zone zone)::date
                    > (entered_at at time zone zone)::date + within_days
            else {{ as_of() }} >= entered_at + within_days * interval '24 hours'
        end as is_final,
        is_date_only,
        entered_at
    from conversions

    union all

    select
        version,
        commitment_id,
        segment,
        period_start_date,
        lead_id,
        cycle_number,
        days,
        true as is_success,
        true as is_final,
        is_date_only,
        entered_at
    from cycle_times
    -- an end before its start is a finding and has no duration
    where days is not null

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
        days,
        null::numeric as amount,
        null::numeric as spend,

        ----------  booleans
        is_success,
        is_final,
        is_date_only as is_occurred_date_only,

        ----------  dates
        period_start_date,

        ----------  timestamps
        entered_at as occurred_at
    from members

)

select * from final
