with

members as (

    select * from {{ ref('int_commitment_members') }}
    where segment = 'all' and is_final

),

periods as (

    select * from {{ ref('int_commitment_periods') }}
    where segment = 'all' and unit = 'share'

),

verdicts as (

    select * from {{ ref('int_handoff_verdicts') }}

),

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

decisions as (

    select * from {{ ref('int_handoff_decisions') }}

),

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

business_clocks as (

    select * from {{ ref('int_business_clocks') }}

),

systems as (

    select * from {{ ref('stg_ops__systems') }}

),

-- where more is better who failed is behind a miss; where less is, who did not
missed as (

    select
        members.*,
        periods.party,
        periods.accountable,
        periods.direction,
        periods.metric,
        periods.judged_by,
        periods.to_stage,
        periods.within_days,
        periods.zone
    from members
    inner join periods
        on
            members.version = periods.version
            and members.commitment_id = periods.commitment_id
            and members.period_start_date = periods.period_start_date
    where members.is_success = (periods.direction = 'at_most')

),

arrivals as (

    select
        missed.version,
        missed.commitment_id,
        missed.period_start_date,
        missed.member_key,
        min(entries.entered_at) as arrived_at
    from missed
    inner join entries
        on
            missed.lead_id = entries.lead_id
            and missed.cycle_number = entries.cycle_number
            and missed.to_stage = entries.stage
            and missed.occurred_at <= entries.entered_at
    where missed.metric = 'conversion'
    group by 1, 2, 3, 4

),

-- what it waited for, until when, and when that came after all
due as (

    select
        missed.*,
        verdicts.touches_due,
        handoffs.version as clock_version,
        handoffs.calendar,
        handoffs.owner_key,
        handoffs.team,
        decisions.decision,
        case
            when missed.metric <> 'conversion' then verdicts.due_at
            -- a day counts to its end
            when missed.is_occurred_date_only
                then
                    (
                        (missed.occurred_at at time zone missed.zone)::date
                        + missed.within_days + 1
                    )::timestamp at time zone missed.zone
            else missed.occurred_at + missed.within_days * interval '24 hours'
        end as due_at,
        coalesce(verdicts.answered_at, arrivals.arrived_at) as answered_at
    from missed
    left join verdicts
        on
            missed.lead_id = verdicts.lead_id
            and missed.cycle_number = verdicts.cycle_number
            and missed.metric = verdicts.clock
    left join handoffs
        on
            missed.lead_id = handoffs.lead_id
            and missed.cycle_number = handoffs.cycle_number
    left join decisions
        on
            missed.lead_id = decisions.lead_id
            and missed.cycle_number = decisions.cycle_number
    left join arrivals
        on
            missed.version = arrivals.version
            and missed.commitment_id = arrivals.commitment_id
            and missed.period_start_date = arrivals.period_start_date
            and missed.member_key = arrivals.member_key

),

-- what was not to come is not late
late as (

    select
        *,
        case when direction = 'at_least' then coalesce(answered_at, {{ as_of() }}) end
            as late_until
    from due

),

timed as (

    select
        late.*,
        extract(epoch from late.late_until - late.due_at) / 60 as minutes_late,
        ({{ business_seconds('late.due_at', 'due_day', 'late.late_until', 'until_day') }})::numeric
        / 60 as business_minutes_late
    from late
    left join business_clocks as due_day
        on
            late.clock_version = due_day.version
            and late.calendar = due_day.calendar
            and {{ utc_day('late.due_at') }} = due_day.utc_day
    left join business_clocks as until_day
        on
            late.clock_version = until_day.version
            and late.calendar = until_day.calendar
            and {{ utc_day('late.late_until') }} = until_day.utc_day

),

final as (

    select
        ----------  ids
        timed.version as agreement_version,
        timed.commitment_id,
        timed.member_key,
        timed.lead_id as record_key,
        timed.lead_id,
        timed.owner_key,

        ----------  strings
        timed.party,
        timed.accountable,
        timed.metric,
        timed.team,
        case timed.direction when 'at_most' then 'not ' else '' end
        || case
            when timed.metric = 'response' then 'a first touch'
            when timed.metric = 'attempts'
                then timed.touches_due || ' touches, or a conversation'
            when timed.metric = 'acceptance' then 'to be accepted or rejected'
            when timed.metric = 'conversion' then 'to reach ' || timed.to_stage
            when timed.judged_by = 'acceptance' then 'to be accepted by sales'
            when timed.judged_by = 'rules' then 'to pass every critical rule'
        end
        || coalesce(
            ' by ' || to_char(timed.due_at at time zone timed.zone, 'YYYY-MM-DD HH24:MI:SS')
            || ' (' || timed.zone || ')',
            ''
        ) as would_have_met,
        {{ record_url('timed.lead_id', 'systems.record_link') }} as record_url,

        ----------  numerics
        timed.cycle_number::integer as cycle_number,
        round(timed.minutes_late, 2)::numeric(18, 2) as minutes_late,
        round(timed.business_minutes_late, 2)::numeric(18, 2) as business_minutes_late,

        ----------  booleans
        timed.answered_at is not null as is_answered,

        ----------  dates
        timed.period_start_date,

        ----------  timestamps
        timed.occurred_at as started_at,
        timed.due_at,
        timed.answered_at
    from timed
    left join systems
        on split_part(timed.lead_id, ':', 1) = systems.system

)

select * from final
