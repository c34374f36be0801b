-- A failure means that a stage was inferred although the cycle had come that far before: cohorts
-- would count a lead where it never was.
select
    inferred.lead_id,
    inferred.cycle_number,
    inferred.stage
from {{ ref('fct_funnel_stages') }} as inferred
inner join {{ ref('fct_funnel_stages') }} as earlier
    on
        inferred.lead_id = earlier.lead_id
        and inferred.cycle_number = earlier.cycle_number
        and inferred.entry_number > earlier.entry_number
where
    inferred.is_inferred
    and earlier.stage_rank >= inferred.stage_rank
