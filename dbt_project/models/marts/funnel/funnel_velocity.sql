with

stays as (

    select * from {{ ref('fct_funnel_stages') }}
    where
        exited_at is not null
        and not is_inferred

),

leads as (

    select * from {{ ref('int_leads') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

-- a stay counts in the month in which it ended, where all of them are known
ended as (

    select
        stays.stage,
        stays.stage_rank,
        stays.days_in_stage,
        leads.deleted_at,
        date_trunc('month', stays.exited_at at time zone current_era.zone) as local_start,
        (
            date_trunc('month', stays.exited_at at time zone current_era.zone)
            + interval '1 month'
        ) at time zone current_era.zone as period_end_at
    from stays
    inner join leads
        on stays.lead_id = leads.lead_id
    cross join current_era

),

measured as (

    select
        stage,
        local_start,
        period_end_at,
        min(stage_rank) as stage_rank,
        count(*) as stay_count,
        percentile_cont(0.5) within group (order by days_in_stage) as median_days,
        percentile_cont(0.9) within group (order by days_in_stage) as p90_days
    from ended
    -- deleted before the month was over: not of its population
    where coalesce(deleted_at >= period_end_at, true)
    group by 1, 2, 3

),

final as (

    select
        ----------  strings
        stage,

        ----------  numerics
        stage_rank,
        stay_count::integer as stay_count,
        median_days::numeric(12, 6) as median_days,
        p90_days::numeric(12, 6) as p90_days,

        ----------  booleans
        period_end_at <= {{ as_of() }} as is_over,

        ----------  dates
        local_start::date as month_start_date
    from measured

)

select * from final
