-- A failure means that dim_leads and fct_funnel_stages tell two stories about the same lead.
with

open_entries as (

    select
        lead_id,
        stage,
        cycle_number,
        entered_at
    from {{ ref('fct_funnel_stages') }}
    where exited_at is null

)

select
    leads.lead_id,
    leads.current_stage,
    open_entries.stage
from {{ ref('dim_leads') }} as leads
left join open_entries
    on leads.lead_id = open_entries.lead_id
where
    leads.current_stage is distinct from open_entries.stage
    or leads.current_stage_since is distinct from open_entries.entered_at
    or leads.cycle_count <> coalesce(open_entries.cycle_number, 0)
