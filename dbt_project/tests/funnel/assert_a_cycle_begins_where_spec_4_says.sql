-- A failure means that a cycle was begun by something else than the first path stage after a detour
-- or a move back to below the handoff stage, or although the cycle before had not come that far.
with

observed as (

    select
        stages.lead_id,
        stages.cycle_number,
        stages.stage_rank,
        stages.direction,
        eras.handoff_rank,
        lag(stages.cycle_number) over story as previous_cycle_number,
        lag(stages.stage_rank) over story as previous_rank,
        max(stages.stage_rank) over (
            partition by stages.lead_id, stages.cycle_number
        ) as cycle_high_rank
    from {{ ref('fct_funnel_stages') }} as stages
    inner join {{ ref('int_agreement_eras') }} as eras
        on stages.agreement_version = eras.version
    where not stages.is_inferred
    window story as (
        partition by stages.lead_id
        order by stages.entry_number
    )

),

cycles as (

    select
        *,
        lag(cycle_high_rank) over (
            partition by lead_id
            order by cycle_number
        ) as previous_high_rank
    from observed
    where cycle_number is distinct from previous_cycle_number

)

select * from cycles
where
    previous_cycle_number is not null
    and (
        stage_rank is null
        or (
            previous_rank is not null
            and (direction <> 'backward' or stage_rank >= handoff_rank)
        )
        or coalesce(previous_high_rank < handoff_rank, true)
    )
