with

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

starts as (

    select
        lead_id,
        cycle_number,
        min(entered_at) as started_at
    from entries
    group by 1, 2

),

cycles as (

    select
        ----------  ids
        lead_id,

        ----------  numerics
        cycle_number,

        ----------  timestamps
        started_at,
        lead(started_at) over (
            partition by lead_id
            order by cycle_number
        ) as ended_at
    from starts

)

select * from cycles
