-- Quality judged by rules is the share of handoffs without one failed critical rule: told by the
-- marts alone, it has to be what the promises are judged by.
with

failed as (

    select distinct
        lead_id,
        cycle_number,
        stage
    from {{ ref('fct_lead_qualification') }}
    where
        severity = 'critical'
        and not passed

),

members as (

    select members.*
    from {{ ref('int_qualification_members') }} as members
    inner join {{ ref('stg_agreement__commitments') }} as commitments
        on
            members.version = commitments.version
            and members.commitment_id = commitments.commitment_id
    where commitments.metric = 'quality'

),

entries as (

    select distinct on (stages.lead_id, stages.cycle_number)
        stages.lead_id,
        stages.cycle_number,
        stages.stage
    from {{ ref('fct_funnel_stages') }} as stages
    inner join {{ ref('stg_agreement__versions') }} as versions
        on
            stages.agreement_version = versions.version
            and stages.stage = versions.handoff_stage
    where not stages.is_inferred
    order by
        stages.lead_id,
        stages.cycle_number,
        stages.entry_number

)

select
    members.version,
    members.commitment_id,
    members.period_start_date,
    members.member_key,
    members.is_success
from members
left join entries
    on
        members.lead_id = entries.lead_id
        and members.cycle_number = entries.cycle_number
left join failed
    on
        entries.lead_id = failed.lead_id
        and entries.cycle_number = failed.cycle_number
        and entries.stage = failed.stage
where
    entries.lead_id is null
    or members.is_success is distinct from (failed.lead_id is null)
