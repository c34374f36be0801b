with

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

decisions as (

    select * from {{ ref('int_handoff_decisions') }}

),

-- what sales said first of a lead that it was given: on with it, or off the path
dated as (

    select
        handoffs.version,
        date_trunc('month', handoffs.handed_off_at at time zone handoffs.zone)::date
            as month_start_date,
        decisions.departed_to,
        decisions.reason,
        coalesce(decisions.decision in ('rejected', 'excused'), false) as is_rejected
    from handoffs
    left join decisions
        on
            handoffs.lead_id = decisions.lead_id
            and handoffs.cycle_number = decisions.cycle_number

),

months as (

    select
        version,
        month_start_date,
        count(*) as handoff_count,
        count(*) filter (where is_rejected) as rejection_count
    from dated
    group by
        version,
        month_start_date

),

reasons as (

    select
        version,
        month_start_date,
        departed_to,
        coalesce(nullif({{ spelled('reason') }}, ''), 'no reason given') as reason,
        count(*) as rejected_count
    from dated
    where is_rejected
    group by
        version,
        month_start_date,
        departed_to,
        coalesce(nullif({{ spelled('reason') }}, ''), 'no reason given')

),

final as (

    select
        ----------  ids
        reasons.version as agreement_version,

        ----------  strings
        reasons.departed_to as stage,
        reasons.reason,

        ----------  numerics
        reasons.rejected_count::integer as rejected_count,
        months.rejection_count::integer as rejection_count,
        months.handoff_count::integer as handoff_count,
        round(reasons.rejected_count::numeric / months.rejection_count, 6)::numeric(
            8, 6
        ) as share_of_rejections,
        round(reasons.rejected_count::numeric / months.handoff_count, 6)::numeric(
            8, 6
        ) as share_of_handoffs,

        ----------  dates
        reasons.month_start_date
    from reasons
    inner join months
        on
            reasons.version = months.version
            and reasons.month_start_date = months.month_start_date

)

select * from final
