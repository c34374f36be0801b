-- What each clock waits for, and when it came: with a time, and at the earliest, where what is only
-- known to the day is taken at its start.

with

touches as (

    select * from {{ ref('int_handoff_touches') }}

),

clocks as (

    select * from {{ ref('int_handoff_clocks') }}

),

decisions as (

    select * from {{ ref('int_handoff_decisions') }}

),

first_touches as (

    select
        lead_id,
        cycle_number,
        'response' as clock,
        min(touched_at) filter (where not is_date_only) as answered_at,
        min(touched_at) as earliest_at
    from touches
    where is_counted
    group by 1, 2

),

-- the last of so many touches, or a conversation before it
last_touches as (

    select
        touches.lead_id,
        touches.cycle_number,
        clocks.clock,
        min(touches.touched_at) filter (
            where
            not touches.is_date_only
            and (touches.is_conversation or touches.timed_touch_number = clocks.touches_due)
        ) as answered_at,
        min(touches.touched_at) filter (
            where touches.is_conversation or touches.touch_number = clocks.touches_due
        ) as earliest_at
    from touches
    inner join clocks
        on
            touches.lead_id = clocks.lead_id
            and touches.cycle_number = clocks.cycle_number
    where clocks.clock = 'attempts'
    group by 1, 2, 3

),

-- an excuse decides nothing
decided as (

    select
        lead_id,
        cycle_number,
        'acceptance' as clock,
        case decision
            when 'accepted' then accepted_at
            else departed_at
        end as decided_at,
        case decision
            when 'accepted' then is_acceptance_date_only
            else is_departure_date_only
        end as is_date_only
    from decisions
    where decision in ('accepted', 'rejected')

),

answers as (

    select * from first_touches

    union all

    select * from last_touches

    union all

    select
        lead_id,
        cycle_number,
        clock,
        case when not is_date_only then decided_at end as answered_at,
        decided_at as earliest_at
    from decided

)

select * from answers
