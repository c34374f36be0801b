with

eras as (

    select * from {{ ref('int_agreement_eras') }}

),

stages as (

    select * from {{ ref('fct_funnel_stages') }}
    where not is_inferred

),

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}
    where not is_inferred

),

handoffs as (

    select distinct on (cycle_stages.lead_id, cycle_stages.cycle_number)
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.stage_rank as handoff_rank,
        cycle_stages.version,
        cycle_stages.zone,
        cycle_stages.entered_at as handed_off_at
    from cycle_stages
    inner join eras
        on
            cycle_stages.version = eras.version
            and cycle_stages.stage_rank = eras.handoff_rank
    order by
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.entered_at

),

-- what sales said first of a lead that it was given: on with it, or off the path
answers as (

    select distinct on (handoffs.lead_id, handoffs.cycle_number)
        handoffs.*,
        stages.stage as answer_stage,
        stages.stage_rank as answer_rank,
        stages.reason
    from handoffs
    left join stages
        on
            handoffs.lead_id = stages.lead_id
            and handoffs.cycle_number = stages.cycle_number
            and handoffs.handed_off_at <= stages.entered_at
            and (stages.stage_rank is null or handoffs.handoff_rank < stages.stage_rank)
    order by
        handoffs.lead_id,
        handoffs.cycle_number,
        stages.entry_number

),

dated as (

    select
        *,
        date_trunc('month', handed_off_at at time zone zone)::date as month_start_date,
        answer_stage is not null and answer_rank is null as is_rejected
    from answers

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
        answer_stage,
        coalesce(nullif({{ spelled('reason') }}, ''), 'no reason given') as reason,
        count(*) as rejected_count
    from dated
    where is_rejected
    group by
        version,
        month_start_date,
        answer_stage,
        coalesce(nullif({{ spelled('reason') }}, ''), 'no reason given')

),

final as (

    select
        ----------  ids
        reasons.version as agreement_version,

        ----------  strings
        reasons.answer_stage as stage,
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
