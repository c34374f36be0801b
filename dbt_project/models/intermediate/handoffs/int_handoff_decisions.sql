with

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

leaving_reasons as (

    select * from {{ ref('stg_agreement__leaving_reasons') }}

),

-- what came of the lead in the cycle, once it had been handed over
later_entries as (

    select
        entries.lead_id,
        entries.cycle_number,
        entries.entry_number,
        entries.stage,
        entries.reason,
        entries.is_date_only,
        entries.entered_at,
        handoffs.version,
        entries.stage_rank > handoffs.handoff_rank as is_acceptance,
        entries.stage_rank is null as is_departure
    from handoffs
    inner join {{ ref('int_funnel_entries') }} as entries
        on
            handoffs.lead_id = entries.lead_id
            and handoffs.cycle_number = entries.cycle_number
            and handoffs.entry_number < entries.entry_number
    where not entries.is_inferred

),

acceptances as (

    select distinct on (lead_id, cycle_number) *
    from later_entries
    where is_acceptance
    order by
        lead_id,
        cycle_number,
        entry_number

),

departures as (

    select distinct on (later_entries.lead_id, later_entries.cycle_number)
        later_entries.*,
        leaving_reasons.is_excuse
    from later_entries
    left join leaving_reasons
        on
            later_entries.version = leaving_reasons.version
            and {{ spelled('later_entries.reason') }} = leaving_reasons.reason
    where later_entries.is_departure
    order by
        later_entries.lead_id,
        later_entries.cycle_number,
        later_entries.entry_number

),

decisions as (

    select
        ----------  ids
        handoffs.lead_id,

        ----------  strings
        case
            when acceptances.entry_number < departures.entry_number then 'accepted'
            when departures.is_excuse then 'excused'
            when departures.entry_number is not null then 'rejected'
            when acceptances.entry_number is not null then 'accepted'
        end as decision,
        departures.stage as departed_to,
        departures.reason,

        ----------  numerics
        handoffs.cycle_number,

        ----------  booleans
        departures.entry_number is not null
        and departures.is_excuse is not null as is_reason_agreed,
        coalesce(departures.is_excuse, false) as is_excuse,
        acceptances.is_date_only as is_acceptance_date_only,
        departures.is_date_only as is_departure_date_only,

        ----------  timestamps
        acceptances.entered_at as accepted_at,
        departures.entered_at as departed_at
    from handoffs
    left join acceptances
        on
            handoffs.lead_id = acceptances.lead_id
            and handoffs.cycle_number = acceptances.cycle_number
    left join departures
        on
            handoffs.lead_id = departures.lead_id
            and handoffs.cycle_number = departures.cycle_number

)

select * from decisions
