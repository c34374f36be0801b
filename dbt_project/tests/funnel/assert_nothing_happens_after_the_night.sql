-- A failure means that a mart tells of something that had not happened as of the night.
select
    'fct_funnel_stages' as mart,
    lead_id as concerned,
    entered_at as happened_at
from {{ ref('fct_funnel_stages') }}
where entered_at > {{ as_of() }}

union all

select
    'fct_opportunities' as mart,
    opportunity_key as concerned,
    greatest(opened_at, closed_at) as happened_at
from {{ ref('fct_opportunities') }}
where greatest(opened_at, closed_at) > {{ as_of() }}

union all

select
    'dim_leads' as mart,
    lead_id as concerned,
    greatest(lead_created_at, current_stage_since, deleted_at) as happened_at
from {{ ref('dim_leads') }}
where greatest(lead_created_at, current_stage_since, deleted_at) > {{ as_of() }}
