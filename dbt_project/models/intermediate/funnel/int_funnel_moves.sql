-- One story out of everything that a person's records tell (spec §4), as sets. A person on the path
-- stands at the highest rank observed since the last reset; a reset is an observation that goes
-- back within its own record, or one that leaves the path for a detour. Whatever changes where the
-- person stands is a move; the rest is evidence.

with

-- unmapped values and unknown leads move nobody: they are findings (fct_findings)
observations as (

    select
        *,
        row_number() over (
            partition by lead_id
            order by
                observed_at,
                system_precedence nulls last,
                -- of one instant the lower rank goes first, and a detour after the path
                stage_rank nulls last,
                record_key,
                stage
        ) as observation_number
    from {{ ref('int_stage_observations') }}
    where
        lead_id is not null
        and stage is not null

),

own_histories as (

    select
        *,
        lag(stage_rank) over own_history as own_previous_rank,
        count(stage_rank) over own_history as own_path_number,
        lead(observation_number) over own_history as own_next_number
    from observations
    window own_history as (
        partition by lead_id, record_key
        order by observation_number
    )

),

-- the rank at which a record last stood, through however many detours
sibling_histories as (

    select
        *,
        first_value(stage_rank) over (
            partition by lead_id, record_key, own_path_number
            order by observation_number
        ) as own_last_rank
    from own_histories
    where record_count > 1

),

-- a duplicate that is put aside takes nobody with it while a sibling stands as high as it did
held_detours as (

    select distinct
        detours.lead_id,
        detours.observation_number
    from sibling_histories as detours
    inner join sibling_histories as siblings
        on
            detours.lead_id = siblings.lead_id
            and detours.system = siblings.system
            and detours.record_key <> siblings.record_key
            and detours.observation_number > siblings.observation_number
            and coalesce(detours.observation_number < siblings.own_next_number, true)
    where
        detours.stage_rank is null
        and siblings.stage_rank >= coalesce(detours.own_last_rank, 0)
        and coalesce(detours.observed_at < siblings.record_ended_at, true)

),

telling as (

    select
        own_histories.*,
        own_histories.stage_rank is null
        or coalesce(own_histories.stage_rank < own_histories.own_previous_rank, false) as is_reset
    from own_histories
    left join held_detours
        on
            own_histories.lead_id = held_detours.lead_id
            and own_histories.observation_number = held_detours.observation_number
    where held_detours.lead_id is null

),

stretches as (

    select
        *,
        count(*) filter (where is_reset) over (
            partition by lead_id
            order by observation_number
        ) as stretch
    from telling

),

standings as (

    select
        *,
        case
            when stage_rank is null then stage
            else (
                max(stage_rank) over (
                    partition by lead_id, stretch
                    order by observation_number
                )
            )::text
        end as standing
    from stretches

),

steps as (

    select
        *,
        lag(standing) over (
            partition by lead_id
            order by observation_number
        ) as previous_standing
    from standings

),

moves as (

    select
        *,
        lag(stage_rank) over (
            partition by lead_id
            order by observation_number
        ) as previous_rank
    from steps
    where standing is distinct from previous_standing

),

directed as (

    select
        *,
        case
            when previous_standing is null then 'initial'
            when stage_rank is null then 'detour'
            when previous_rank > stage_rank then 'backward'
            else 'forward'
        end as direction
    from moves

),

-- a cycle can end where the person comes back from a detour or falls below the handoff stage ...
turning_points as (

    select
        *,
        count(*) filter (
            where
            stage_rank is not null
            and (
                (previous_standing is not null and previous_rank is null)
                or (direction = 'backward' and stage_rank < handoff_rank)
            )
        ) over (
            partition by lead_id
            order by observation_number
        ) as turn
    from directed

),

turns as (

    select
        *,
        max(stage_rank) over (partition by lead_id, turn) as turn_high_rank
    from turning_points

),

-- ... and does end there if it had reached the handoff stage
cycle_starts as (

    select
        *,
        coalesce(
            lag(turn) over story <> turn and lag(turn_high_rank) over story >= handoff_rank,
            false
        ) as is_cycle_start
    from turns
    window story as (
        partition by lead_id
        order by observation_number
    )

),

cycles as (

    select
        *,
        1 + count(*) filter (where is_cycle_start) over (
            partition by lead_id
            order by observation_number
        ) as cycle_number
    from cycle_starts

),

story as (

    select
        ----------  ids
        lead_id,
        record_key,

        ----------  strings
        version,
        zone,
        stage,
        direction,
        reason,

        ----------  numerics
        cycle_number,
        row_number() over (
            partition by lead_id
            order by observation_number
        ) as move_number,
        stage_rank,
        -- how far the cycle had come before this move; null at its start
        max(stage_rank) over (
            partition by lead_id, cycle_number
            order by observation_number
            rows between unbounded preceding and 1 preceding
        ) as cycle_high_rank,

        ----------  booleans
        is_date_only,

        ----------  timestamps
        observed_at as entered_at,
        lead(observed_at) over (
            partition by lead_id
            order by observation_number
        ) as exited_at
    from cycles

)

select * from story
