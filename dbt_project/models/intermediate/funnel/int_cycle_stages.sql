with

entries as (

    select * from {{ ref('int_funnel_entries') }}
    where stage_rank is not null

),

-- when the cycle entered the stage: as first observed, or, where it only passed over it, as
-- inferred
first_entries as (

    select distinct on (lead_id, cycle_number, stage)
        lead_id,
        version,
        zone,
        stage,
        cycle_number,
        entry_number,
        stage_rank,
        is_inferred,
        is_date_only,
        entered_at
    from entries
    order by
        lead_id,
        cycle_number,
        stage,
        is_inferred,
        entry_number

)

select * from first_entries
