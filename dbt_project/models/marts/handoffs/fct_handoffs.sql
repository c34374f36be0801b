with

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

touches as (

    select * from {{ ref('int_handoff_touches') }}

),

first_touches as (

    select * from touches
    where is_counted and touch_number = 1

),

decisions as (

    select * from {{ ref('int_handoff_decisions') }}

),

verdicts as (

    select * from {{ ref('int_handoff_verdicts') }}

),

responses as (

    select * from verdicts
    where clock = 'response'

),

persistence as (

    select * from verdicts
    where clock = 'attempts'

),

acceptances as (

    select * from verdicts
    where clock = 'acceptance'

),

business_clocks as (

    select * from {{ ref('int_business_clocks') }}

),

systems as (

    select * from {{ ref('stg_ops__systems') }}

),

tallies as (

    select
        touches.lead_id,
        touches.cycle_number,
        count(*) filter (where touches.is_counted) as touch_count,
        count(*) filter (
            where touches.is_counted and touches.touched_at <= persistence.due_at
        ) as attempt_count,
        min(touches.touched_at) filter (where touches.is_conversation) as conversation_at
    from touches
    left join persistence
        on
            touches.lead_id = persistence.lead_id
            and touches.cycle_number = persistence.cycle_number
    group by 1, 2

),

-- only what has a time can be timed. Whoever is touched before anybody in sales holds them has been
-- routed until then
timed as (

    select
        handoffs.*,
        first_touches.touch_key as first_touch_key,
        first_touches.owner_key as first_touch_owner_key,
        first_touches.touched_at as first_touch_at,
        first_touches.is_date_only as is_first_touch_date_only,
        case when not handoffs.is_date_only then handoffs.handed_off_at end as started_at,
        case when not first_touches.is_date_only then first_touches.touched_at end as answered_at,
        case
            when handoffs.is_assigned_date_only is not true
                then
                    least(
                        handoffs.assigned_at,
                        case
                            when not first_touches.is_date_only then first_touches.touched_at
                        end
                    )
        end as routed_at
    from handoffs
    left join first_touches
        on
            handoffs.lead_id = first_touches.lead_id
            and handoffs.cycle_number = first_touches.cycle_number

),

clocked as (

    select
        timed.*,
        round(
            ({{ business_seconds(
                'timed.started_at', 'start_day', 'timed.answered_at', 'answer_day'
            ) }})::numeric,
            6
        ) as response_business_seconds,
        round(
            ({{ business_seconds(
                'timed.started_at', 'start_day', 'timed.routed_at', 'routing_day'
            ) }})::numeric,
            6
        ) as routing_business_seconds
    from timed
    left join business_clocks as start_day
        on
            timed.version = start_day.version
            and timed.calendar = start_day.calendar
            and {{ utc_day('timed.started_at') }} = start_day.utc_day
    left join business_clocks as answer_day
        on
            timed.version = answer_day.version
            and timed.calendar = answer_day.calendar
            and {{ utc_day('timed.answered_at') }} = answer_day.utc_day
    left join business_clocks as routing_day
        on
            timed.version = routing_day.version
            and timed.calendar = routing_day.calendar
            and {{ utc_day('timed.routed_at') }} = routing_day.utc_day

),

final as (

    select
        ----------  ids
        clocked.lead_id,
        clocked.owner_key,
        clocked.first_touch_key,
        clocked.first_touch_owner_key,
        clocked.version as agreement_version,

        ----------  strings
        clocked.calendar,
        clocked.team,
        leads.persona,
        leads.region,
        leads.channel,
        responses.status as response_status,
        persistence.status as attempts_status,
        acceptances.status as acceptance_status,
        decisions.decision,
        decisions.reason as rejection_reason,
        {{ record_url('clocked.lead_id', 'systems.record_link') }} as record_url,

        ----------  numerics
        clocked.cycle_number::integer as cycle_number,
        clocked.response_business_seconds::numeric(18, 6) as response_business_seconds,
        clocked.routing_business_seconds::numeric(18, 6) as routing_business_seconds,
        (clocked.response_business_seconds - clocked.routing_business_seconds)::numeric(18, 6)
            as owner_business_seconds,
        persistence.touches_due,
        coalesce(tallies.attempt_count, 0)::integer as attempt_count,
        coalesce(tallies.touch_count, 0)::integer as touch_count,

        ----------  booleans
        clocked.is_date_only,
        coalesce(clocked.is_first_touch_date_only, false) as is_first_touch_date_only,
        case when decisions.departed_at is not null then decisions.is_reason_agreed end
            as is_rejection_reason_agreed,
        leads.is_deleted,

        ----------  dates
        (clocked.handed_off_at at time zone clocked.zone)::date as handed_off_date,

        ----------  timestamps
        clocked.handed_off_at,
        clocked.assigned_at,
        clocked.first_touch_at,
        responses.due_at as response_due_at,
        tallies.conversation_at,
        persistence.answered_at as attempts_done_at,
        persistence.due_at as attempts_due_at,
        decisions.accepted_at,
        decisions.departed_at as rejected_at,
        acceptances.due_at as acceptance_due_at,
        clocked.ended_at as next_cycle_at
    from clocked
    inner join leads
        on clocked.lead_id = leads.lead_id
    inner join decisions
        on
            clocked.lead_id = decisions.lead_id
            and clocked.cycle_number = decisions.cycle_number
    left join responses
        on
            clocked.lead_id = responses.lead_id
            and clocked.cycle_number = responses.cycle_number
    left join persistence
        on
            clocked.lead_id = persistence.lead_id
            and clocked.cycle_number = persistence.cycle_number
    left join acceptances
        on
            clocked.lead_id = acceptances.lead_id
            and clocked.cycle_number = acceptances.cycle_number
    left join tallies
        on
            clocked.lead_id = tallies.lead_id
            and clocked.cycle_number = tallies.cycle_number
    left join systems
        on split_part(clocked.lead_id, ':', 1) = systems.system

)

select * from final
