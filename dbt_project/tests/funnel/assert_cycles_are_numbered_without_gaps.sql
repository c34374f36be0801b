-- A failure means that a passage through the funnel was counted that has no entries.
select
    lead_id,
    min(cycle_number) as first_cycle,
    max(cycle_number) as last_cycle,
    count(distinct cycle_number) as cycle_count
from {{ ref('fct_funnel_stages') }}
group by 1
having min(cycle_number) <> 1 or max(cycle_number) <> count(distinct cycle_number)
