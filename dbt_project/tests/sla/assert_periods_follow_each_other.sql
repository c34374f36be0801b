-- A failure means that a promise has a hole between two periods of one version, or that two
-- overlap.
with

periods as (

    select
        agreement_version,
        commitment_id,
        segment,
        period_end_at,
        lead(period_start_at) over (
            partition by agreement_version, commitment_id, segment
            order by period_start_at
        ) as next_start_at
    from {{ ref('sla_compliance') }}

)

select * from periods
where period_end_at <> next_start_at
