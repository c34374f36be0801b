-- The same question put to two marts, of everybody by month: how many entered, how many of them
-- went on, ever and within 30 days, and how many entered the later stage? A failure means that
-- funnel_conversion and fct_funnel_stages disagree.
with

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

-- each lead and cycle once: at its first observed entry, else where it was inferred
first_entries as (

    select distinct on (lead_id, cycle_number, stage)
        *,
        date_trunc('month', entered_date::timestamp) as local_start
    from {{ ref('fct_funnel_stages') }}
    order by
        lead_id,
        cycle_number,
        stage,
        is_inferred,
        entry_number

),

populations as (

    select
        first_entries.*,
        first_entries.local_start::date as month_start_date
    from first_entries
    inner join {{ ref('dim_leads') }} as leads
        on first_entries.lead_id = leads.lead_id
    cross join current_era
    where
        leads.deleted_at is null
        or leads.deleted_at
        >= (first_entries.local_start + interval '1 month') at time zone current_era.zone

),

told as (

    select
        from_stage,
        to_stage,
        period_start_date,
        max(entered_count) as entered_count,
        max(success_count) filter (where measure = 'cohort_resolved') as success_count,
        max(success_count) filter (where measure = 'cohort_30_days') as timely_count,
        max(success_count) filter (where measure = 'period') as arrived_count
    from {{ ref('funnel_conversion') }}
    where
        period_kind = 'month'
        and segment = 'all'
    group by
        from_stage,
        to_stage,
        period_start_date

),

-- each member with the first of its entries to the later stage that does not lie before its start
followed as (

    select
        told.from_stage,
        told.to_stage,
        told.period_start_date,
        populations.lead_id,
        populations.cycle_number,
        min(
            case
                when populations.is_date_only or arrivals.is_date_only
                    then (arrivals.entered_date - populations.entered_date)::numeric
                else extract(epoch from arrivals.entered_at - populations.entered_at) / 86400
            end
        ) as days
    from told
    inner join populations
        on
            told.from_stage = populations.stage
            and told.period_start_date = populations.month_start_date
    left join {{ ref('fct_funnel_stages') }} as arrivals
        on
            populations.lead_id = arrivals.lead_id
            and populations.cycle_number = arrivals.cycle_number
            and told.to_stage = arrivals.stage
            and case
                when populations.is_date_only or arrivals.is_date_only
                    then populations.entered_date <= arrivals.entered_date
                else populations.entered_at <= arrivals.entered_at
            end
    group by
        told.from_stage,
        told.to_stage,
        told.period_start_date,
        populations.lead_id,
        populations.cycle_number

),

cohorts as (

    select
        from_stage,
        to_stage,
        period_start_date,
        count(*) as entered_count,
        count(days) as success_count,
        count(*) filter (where days <= 30) as timely_count
    from followed
    group by
        from_stage,
        to_stage,
        period_start_date

),

arrived as (

    select
        stage,
        month_start_date,
        count(*) as arrived_count
    from populations
    group by
        stage,
        month_start_date

)

select
    told.*,
    cohorts.entered_count as counted_entered,
    cohorts.success_count as counted_successes,
    cohorts.timely_count as counted_timely,
    arrived.arrived_count as counted_arrived
from told
left join cohorts
    on
        told.from_stage = cohorts.from_stage
        and told.to_stage = cohorts.to_stage
        and told.period_start_date = cohorts.period_start_date
left join arrived
    on
        told.to_stage = arrived.stage
        and told.period_start_date = arrived.month_start_date
where
    told.entered_count <> coalesce(cohorts.entered_count, 0)
    or told.success_count <> coalesce(cohorts.success_count, 0)
    or told.timely_count <> coalesce(cohorts.timely_count, 0)
    or told.arrived_count <> coalesce(arrived.arrived_count, 0)
