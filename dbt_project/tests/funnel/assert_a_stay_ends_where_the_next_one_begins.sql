-- A failure means that a lead is nowhere, or in two stages, between two observed entries.
with

observed as (

    select
        lead_id,
        entry_number,
        exited_at,
        lead(entered_at) over (
            partition by lead_id
            order by entry_number
        ) as next_entered_at
    from {{ ref('fct_funnel_stages') }}
    where not is_inferred

)

select * from observed
where exited_at is distinct from next_entered_at
