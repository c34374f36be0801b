-- A failure means that entries were lost or made up between the story and the mart.
select
    lead_id,
    max(entry_number) as last_entry,
    count(*) as entry_count
from {{ ref('fct_funnel_stages') }}
group by 1
having min(entry_number) <> 1 or max(entry_number) <> count(*)
