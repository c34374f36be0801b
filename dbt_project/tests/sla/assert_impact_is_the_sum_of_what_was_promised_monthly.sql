-- The same question put to two marts: how many leads were handed over in a quarter of which each
-- month was promised and judged? Who was deleted after the month and before the quarter was over
-- counts in the month only. A failure means that agreement_impact and sla_compliance disagree.
with

quarters as (

    select * from {{ ref('agreement_impact') }}
    where
        measure = 'leads_handed_over'
        and is_over

),

months as (

    select promises.*
    from {{ ref('sla_compliance') }} as promises
    inner join {{ ref('stg_agreement__versions') }} as versions
        on
            promises.agreement_version = versions.version
            and promises.stage = versions.handoff_stage
    where
        promises.metric = 'volume'
        and promises.segment = 'all'
        and promises.period_kind = 'month'
        and not promises.only_qualified

),

deleted as (

    select deleted_at from {{ ref('dim_leads') }}
    where is_deleted

),

-- a measure that is promised twice is counted once
promised as (

    select
        quarters.agreement_version,
        quarters.quarters_since_start,
        quarters.measure_value,
        months.commitment_id,
        count(*) as month_count,
        sum(months.actual) as actual,
        min(months.period_start_at) as starts_at,
        max(months.period_end_at) as ends_at
    from quarters
    inner join months
        on
            quarters.agreement_version = months.agreement_version
            and quarters.quarter_start_date <= months.period_start_date
            and quarters.quarter_end_date >= months.period_end_date
    group by 1, 2, 3, 4

)

select * from promised
where
    month_count = 3
    and actual - measure_value not between 0 and (
        select count(*)
        from deleted
        where deleted.deleted_at >= promised.starts_at and deleted.deleted_at < promised.ends_at
    )
