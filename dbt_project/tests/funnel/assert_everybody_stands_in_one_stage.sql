-- A failure means that a lead who has entered the funnel is in no stage now, or in two.
select
    lead_id,
    count(*) filter (where exited_at is null) as open_stages
from {{ ref('fct_funnel_stages') }}
group by 1
having count(*) filter (where exited_at is null) <> 1
