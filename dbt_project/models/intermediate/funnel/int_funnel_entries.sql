with

moves as (

    select * from {{ ref('int_funnel_moves') }}

),

stages as (

    select * from {{ ref('stg_agreement__stages') }}

),

observed as (

    select
        lead_id,
        record_key,
        version,
        zone,
        stage,
        direction,
        reason,
        cycle_number,
        move_number,
        stage_rank,
        false as is_inferred,
        is_date_only,
        entered_at,
        exited_at
    from moves

),

-- the path stages that a jump passed over and that the cycle had not reached before
inferred as (

    select
        moves.lead_id,
        moves.record_key,
        moves.version,
        moves.zone,
        stages.stage,
        moves.direction,
        null::text as reason,
        moves.cycle_number,
        moves.move_number,
        stages.stage_rank,
        true as is_inferred,
        moves.is_date_only,
        moves.entered_at,
        moves.entered_at as exited_at
    from moves
    inner join stages
        on
            moves.version = stages.version
            and moves.stage_rank > stages.stage_rank
            and coalesce(moves.cycle_high_rank, 0) < stages.stage_rank
    where moves.direction in ('initial', 'forward')

),

entries as (

    select * from observed

    union all

    select * from inferred

),

numbered as (

    select
        *,
        row_number() over (
            partition by lead_id
            order by
                move_number,
                stage_rank nulls last
        ) as entry_number
    from entries

)

select * from numbered
