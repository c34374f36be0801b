with

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}

),

opportunities as (

    select * from {{ ref('fct_opportunities') }}

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

-- starts that were seen: what was passed over has no time of its own
journeys as (

    select
        starts.lead_id,
        stages.stage as from_point,
        last_stages.stage as to_point,
        (starts.entered_at at time zone starts.zone)::date as started_date,
        (ends.entered_at at time zone ends.zone)::date as ended_date,
        {{ duration_days(
            'starts.entered_at', 'starts.is_date_only',
            'ends.entered_at', 'ends.is_date_only',
            'starts.zone'
        ) }} as days
    from stages
    inner join stages as last_stages
        on
            stages.last_rank = last_stages.stage_rank
            and stages.stage_rank < last_stages.stage_rank
    inner join cycle_stages as starts
        on
            stages.stage = starts.stage
            and not starts.is_inferred
    left join cycle_stages as ends
        on
            starts.lead_id = ends.lead_id
            and starts.cycle_number = ends.cycle_number
            and last_stages.stage = ends.stage

),

deals as (

    select
        lead_id,
        'opened' as from_point,
        'won' as to_point,
        opened_date as started_date,
        case when is_won then closed_date end as ended_date,
        case when is_won then days_to_close end as days
    from opportunities
    where opened_date is not null

),

spans as (

    select
        'stages' as span_kind,
        *
    from journeys

    union all

    select
        'deals' as span_kind,
        *
    from deals

),

-- the same spans twice: by the quarter in which they began, and by the one in which they ended
placed as (

    select
        spans.*,
        'started' as cohort_kind,
        date_trunc('quarter', spans.started_date::timestamp) as local_start
    from spans

    union all

    select
        spans.*,
        'ended' as cohort_kind,
        date_trunc('quarter', spans.ended_date::timestamp) as local_start
    from spans
    where spans.days is not null

),

measured as (

    select
        placed.span_kind,
        placed.from_point,
        placed.to_point,
        placed.cohort_kind,
        placed.local_start,
        count(*) as cohort_count,
        count(placed.days) as ended_count,
        percentile_cont(0.5) within group (order by placed.days) as median_days,
        percentile_cont(0.9) within group (order by placed.days) as p90_days
    from placed
    inner join leads
        on placed.lead_id = leads.lead_id
    cross join current_era
    where
        -- deleted before the quarter was over: not of its population
        coalesce(
            leads.deleted_at
            >= (placed.local_start + interval '3 months') at time zone current_era.zone,
            true
        )
    group by 1, 2, 3, 4, 5

),

final as (

    select
        ----------  strings
        span_kind,
        from_point,
        to_point,
        cohort_kind,

        ----------  numerics
        cohort_count::integer as cohort_count,
        ended_count::integer as ended_count,
        median_days::numeric(12, 6) as median_days,
        p90_days::numeric(12, 6) as p90_days,

        ----------  dates
        local_start::date as quarter_start_date
    from measured

)

select * from final
