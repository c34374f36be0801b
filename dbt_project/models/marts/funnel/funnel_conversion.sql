with

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}

),

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

stages as (

    select
        stages.stage,
        stages.stage_rank,
        max(stages.stage_rank) over () as last_rank
    from {{ ref('stg_agreement__stages') }} as stages
    inner join current_era
        on stages.version = current_era.version
    where stages.stage_rank is not null

),

-- from each stage of the path to the next one and to the last one
pairs as (

    select
        starts.stage as from_stage,
        starts.stage_rank as from_rank,
        ends.stage as to_stage,
        ends.stage_rank as to_rank
    from stages as starts
    inner join stages as ends
        on
            starts.stage_rank < ends.stage_rank
            and ends.stage_rank in (starts.stage_rank + 1, starts.last_rank)

),

period_kinds as (

    select *
    from (
        values ('week'), ('month'), ('quarter')
    ) as kinds (period_kind)

),

standings as (

    select
        lead_id,
        cycle_number,
        stage_rank is null as is_off_path
    from entries
    where exited_at is null

),

-- the first entry to the later stage that does not lie before the one to the earlier stage
journeys as (

    select
        starts.lead_id,
        starts.cycle_number,
        pairs.from_stage,
        pairs.to_stage,
        starts.zone,
        starts.is_date_only,
        starts.entered_at,
        min(
            {{ duration_days(
                'starts.entered_at', 'starts.is_date_only',
                'arrivals.entered_at', 'arrivals.is_date_only',
                'starts.zone'
            ) }}
        ) as days
    from cycle_stages as starts
    inner join pairs
        on starts.stage = pairs.from_stage
    left join entries as arrivals
        on
            starts.lead_id = arrivals.lead_id
            and starts.cycle_number = arrivals.cycle_number
            and pairs.to_stage = arrivals.stage
    group by 1, 2, 3, 4, 5, 6, 7

),

members as (

    select
        journeys.from_stage,
        journeys.to_stage,
        journeys.days,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at,
        (journeys.entered_at at time zone journeys.zone)::date as entered_date,
        -- how old the entry is, counted as the days to a later stage are
        case
            when journeys.is_date_only
                then
                    ({{ as_of() }} at time zone journeys.zone)::date
                    - (journeys.entered_at at time zone journeys.zone)::date - 1
            else date_part('epoch', {{ as_of() }} - journeys.entered_at) / 86400
        end as age_days,
        -- nothing comes any more of a cycle that is over, that left the path, or of who is gone
        journeys.days is not null
        or journeys.cycle_number < standings.cycle_number
        or standings.is_off_path
        or leads.is_deleted as is_resolved
    from journeys
    inner join leads
        on journeys.lead_id = leads.lead_id
    inner join standings
        on journeys.lead_id = standings.lead_id

),

-- early, before they are laid out by period and segment: how many of a kind entered in a week, as
-- far as it lies in one month. All its days lie in the same periods, and its first stands for it
entered as (

    select
        from_stage,
        to_stage,
        greatest(
            date_trunc('week', entered_date::timestamp),
            date_trunc('month', entered_date::timestamp)
        )::date as entered_date,
        persona,
        region,
        channel,
        deleted_at,
        count(*)::integer as entered_count,
        (count(*) filter (where is_resolved))::integer as resolved_count,
        count(days)::integer as converted_count,
        (count(*) filter (where days <= 7))::integer as in_7_days_count,
        (count(*) filter (where days <= 30))::integer as in_30_days_count,
        (count(*) filter (where days <= 60))::integer as in_60_days_count,
        (count(*) filter (where days <= 90))::integer as in_90_days_count,
        min(age_days) as age_days
    from members
    group by 1, 2, 3, 4, 5, 6, 7

),

arrived as (

    select
        cycle_stages.stage,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at,
        (cycle_stages.entered_at at time zone cycle_stages.zone)::date as entered_date,
        count(*)::integer as arrived_count
    from cycle_stages
    inner join leads
        on cycle_stages.lead_id = leads.lead_id
    group by 1, 2, 3, 4, 5, 6

),

-- deleted before the period was over: not of its population
cohorts as (

    select
        entered.from_stage,
        entered.to_stage,
        entered.persona,
        entered.region,
        entered.channel,
        period_kinds.period_kind,
        date_trunc(period_kinds.period_kind, entered.entered_date::timestamp)::date
            as period_start_date,
        {{ period_end_at('entered.entered_date', 'period_kinds.period_kind', 'current_era.zone') }}
            as period_end_at,
        sum(entered.entered_count)::integer as entered_count,
        sum(entered.resolved_count)::integer as resolved_count,
        sum(entered.converted_count)::integer as converted_count,
        sum(entered.in_7_days_count)::integer as in_7_days_count,
        sum(entered.in_30_days_count)::integer as in_30_days_count,
        sum(entered.in_60_days_count)::integer as in_60_days_count,
        sum(entered.in_90_days_count)::integer as in_90_days_count,
        min(entered.age_days) as age_days
    from entered
    cross join period_kinds
    cross join current_era
    where
        coalesce(
            entered.deleted_at
            >= {{ period_end_at(
                'entered.entered_date', 'period_kinds.period_kind', 'current_era.zone'
            ) }},
            true
        )
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

arrivals as (

    select
        pairs.from_stage,
        pairs.to_stage,
        arrived.persona,
        arrived.region,
        arrived.channel,
        period_kinds.period_kind,
        date_trunc(period_kinds.period_kind, arrived.entered_date::timestamp)::date
            as period_start_date,
        {{ period_end_at('arrived.entered_date', 'period_kinds.period_kind', 'current_era.zone') }}
            as period_end_at,
        sum(arrived.arrived_count)::integer as arrived_count
    from arrived
    inner join pairs
        on arrived.stage = pairs.to_stage
    cross join period_kinds
    cross join current_era
    where
        coalesce(
            arrived.deleted_at
            >= {{ period_end_at(
                'arrived.entered_date', 'period_kinds.period_kind', 'current_era.zone'
            ) }},
            true
        )
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

cohort_parts as (

    select
        cohorts.from_stage,
        cohorts.to_stage,
        cohorts.period_kind,
        cohorts.period_start_date,
        cohorts.period_end_at,
        segments.segment,
        segments.dimension,
        segments.dimension_value,
        sum(cohorts.entered_count) as entered_count,
        sum(cohorts.resolved_count) as resolved_count,
        sum(cohorts.converted_count) as converted_count,
        sum(cohorts.in_7_days_count) as in_7_days_count,
        sum(cohorts.in_30_days_count) as in_30_days_count,
        sum(cohorts.in_60_days_count) as in_60_days_count,
        sum(cohorts.in_90_days_count) as in_90_days_count,
        min(cohorts.age_days) as age_days
    from cohorts
    cross join
        {{ segments({
            'persona': 'cohorts.persona',
            'region': 'cohorts.region',
            'channel': 'cohorts.channel'
        }) }}
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

arrival_parts as (

    select
        arrivals.from_stage,
        arrivals.to_stage,
        arrivals.period_kind,
        arrivals.period_start_date,
        arrivals.period_end_at,
        segments.segment,
        segments.dimension,
        segments.dimension_value,
        sum(arrivals.arrived_count) as arrived_count
    from arrivals
    cross join
        {{ segments({
            'persona': 'arrivals.persona',
            'region': 'arrivals.region',
            'channel': 'arrivals.channel'
        }) }}
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

-- each question: whom it is asked of, of how many of them it is true, and if that can still change
asked as (

    select
        cohort_parts.from_stage,
        cohort_parts.to_stage,
        cohort_parts.period_kind,
        cohort_parts.period_start_date,
        cohort_parts.period_end_at,
        cohort_parts.segment,
        cohort_parts.dimension,
        cohort_parts.dimension_value,
        measures.measure,
        cohort_parts.entered_count,
        measures.base_count,
        measures.success_count,
        measures.is_settled
    from cohort_parts
    cross join
        lateral (
            values
            (
                'cohort_resolved',
                cohort_parts.resolved_count,
                cohort_parts.converted_count,
                cohort_parts.resolved_count = cohort_parts.entered_count
            ),
            (
                'cohort_7_days',
                cohort_parts.entered_count,
                cohort_parts.in_7_days_count,
                cohort_parts.age_days >= 7
            ),
            (
                'cohort_30_days',
                cohort_parts.entered_count,
                cohort_parts.in_30_days_count,
                cohort_parts.age_days >= 30
            ),
            (
                'cohort_60_days',
                cohort_parts.entered_count,
                cohort_parts.in_60_days_count,
                cohort_parts.age_days >= 60
            ),
            (
                'cohort_90_days',
                cohort_parts.entered_count,
                cohort_parts.in_90_days_count,
                cohort_parts.age_days >= 90
            ),
            ('period', cohort_parts.entered_count, 0, true)
        ) as measures (measure, base_count, success_count, is_settled)

    union all

    select
        from_stage,
        to_stage,
        period_kind,
        period_start_date,
        period_end_at,
        segment,
        dimension,
        dimension_value,
        'period' as measure,
        0 as entered_count,
        0 as base_count,
        arrived_count as success_count,
        true as is_settled
    from arrival_parts

),

counted as (

    select
        from_stage,
        to_stage,
        period_kind,
        period_start_date,
        period_end_at,
        segment,
        dimension,
        dimension_value,
        measure,
        sum(entered_count) as entered_count,
        sum(base_count) as base_count,
        sum(success_count) as success_count,
        bool_and(is_settled) as is_settled
    from asked
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9

),

final as (

    select
        ----------  ids
        counted.segment,

        ----------  strings
        counted.period_kind,
        counted.from_stage,
        counted.to_stage,
        counted.measure,
        counted.dimension,
        counted.dimension_value,

        ----------  numerics
        pairs.from_rank,
        pairs.to_rank,
        counted.entered_count::integer as entered_count,
        counted.base_count::integer as base_count,
        counted.success_count::integer as success_count,
        round(counted.success_count / nullif(counted.base_count, 0), 6)::numeric(12, 6)
            as conversion_rate,

        ----------  booleans
        counted.period_end_at <= {{ as_of() }} as is_over,
        counted.period_end_at <= {{ as_of() }} and counted.is_settled as is_final,

        ----------  dates
        counted.period_start_date
    from counted
    inner join pairs
        on
            counted.from_stage = pairs.from_stage
            and counted.to_stage = pairs.to_stage

)

select * from final
