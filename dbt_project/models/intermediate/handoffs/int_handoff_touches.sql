-- What the clocks of the first touch and of the attempts wait for: touches, moves forward where the
-- agreement lets them count, and conversations, which may be the lead's own reply and no touch.

with

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

touches as (

    select * from {{ ref('int_touches') }}
    where is_counted or is_conversation

),

touch_kinds as (

    select * from {{ ref('stg_agreement__touch_kinds') }}

),

entries as (

    select * from {{ ref('int_funnel_entries') }}
    where not is_inferred

),

-- nobody knows who made them
forward_moves as (

    select
        handoffs.lead_id,
        handoffs.cycle_number,
        null::text as touch_key,
        null::text as owner_key,
        true as is_counted,
        false as is_conversation,
        entries.is_date_only,
        entries.entered_at as touched_at
    from handoffs
    inner join touch_kinds
        on
            handoffs.version = touch_kinds.version
            and touch_kinds.kind = 'forward move'
    inner join entries
        on
            handoffs.lead_id = entries.lead_id
            and handoffs.cycle_number = entries.cycle_number
            and handoffs.entry_number < entries.entry_number
            and handoffs.handoff_rank < entries.stage_rank
    where entries.direction = 'forward'

),

worked as (

    select
        lead_id,
        cycle_number,
        touch_key,
        owner_key,
        is_counted,
        is_conversation,
        is_date_only,
        -- a day counts from the handoff on
        greatest(touched_at, handed_off_at) as touched_at
    from touches

    union all

    select * from forward_moves

),

numbered as (

    select
        ----------  ids
        lead_id,
        touch_key,
        owner_key,

        ----------  numerics
        cycle_number,
        count(*) filter (where is_counted) over so_far as touch_number,
        count(*) filter (where is_counted and not is_date_only) over so_far as timed_touch_number,

        ----------  booleans
        is_counted,
        is_conversation,
        is_date_only,

        ----------  timestamps
        touched_at
    from worked
    window so_far as (
        partition by lead_id, cycle_number
        order by touched_at, is_date_only, touch_key
        rows unbounded preceding
    )

)

select * from numbered
