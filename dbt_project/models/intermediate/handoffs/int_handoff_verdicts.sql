-- A clock ends with whichever comes first: what it waits for, an excuse, or its deadline; and what
-- comes later changes nothing.

with

clocks as (

    select * from {{ ref('int_handoff_clocks') }}

),

answers as (

    select * from {{ ref('int_handoff_answers') }}

),

excuses as (

    select * from {{ ref('int_handoff_decisions') }}
    where is_excuse

),

unread_leads as (

    select * from {{ ref('int_unread_leads') }}

),

ended as (

    select
        clocks.*,
        answers.answered_at,
        case when not excuses.is_departure_date_only then excuses.departed_at end as excused_at,
        -- what may have ended the clock, for all that we know
        least(answers.earliest_at, excuses.departed_at) as ended_from,
        unread_leads.unread_from
    from clocks
    left join answers
        on
            clocks.lead_id = answers.lead_id
            and clocks.cycle_number = answers.cycle_number
            and clocks.clock = answers.clock
    left join excuses
        on
            clocks.lead_id = excuses.lead_id
            and clocks.cycle_number = excuses.cycle_number
    left join unread_leads
        on clocks.lead_id = unread_leads.lead_id

),

verdicts as (

    select
        ----------  ids
        lead_id,
        cycle_number,
        clock,
        version,

        ----------  strings
        case
            when due_at is null then 'undetermined'
            when answered_at <= least(due_at, excused_at) then 'met'
            when excused_at <= due_at then 'excused'
            when ended_from <= due_at then 'undetermined'
            when unread_from < least(due_at, {{ as_of() }}) then 'undetermined'
            when due_at < {{ as_of() }} then 'breached'
            else 'open'
        end as status,

        ----------  numerics
        touches_due,

        ----------  timestamps
        handed_off_at,
        due_at,
        answered_at
    from ended

)

select * from verdicts
