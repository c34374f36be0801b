with

leads as (

    select * from {{ ref('int_leads') }}

),

owners as (

    select * from {{ ref('int_source_owners') }}

),

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

standings as (

    select
        lead_id,
        max(cycle_number) as cycle_count,
        max(stage) filter (where exited_at is null) as current_stage,
        max(entered_at) filter (where exited_at is null) as current_stage_since
    from entries
    group by 1

),

final as (

    select
        ----------  ids
        leads.lead_id,
        leads.campaign_key,
        leads.owner_key,

        ----------  strings
        leads.persona,
        leads.region,
        leads.country,
        leads.channel,
        owners.team,
        standings.current_stage,
        {{ masked_email('leads.email') }} as masked_email,

        ----------  numerics
        leads.score,
        leads.record_count::integer as record_count,
        coalesce(standings.cycle_count, 0)::integer as cycle_count,

        ----------  booleans
        leads.email is not null as has_email,
        leads.phone is not null as has_phone,
        leads.is_deleted,

        ----------  timestamps
        leads.lead_created_at,
        standings.current_stage_since,
        leads.deleted_at
    from leads
    left join owners
        on leads.owner_key = owners.owner_key
    left join standings
        on leads.lead_id = standings.lead_id

)

select * from final
