-- What fct_handoffs says of touches is what fct_touches counts: how many, and which came first.

with

counted as (

    select
        lead_id,
        cycle_number,
        count(*) as touch_count,
        min(touched_at) filter (where not is_date_only) as first_timed_touch_at
    from {{ ref('fct_touches') }}
    where is_counted
    group by 1, 2

),

handoffs as (

    select * from {{ ref('fct_handoffs') }}

),

-- moves forward are no activities
versions_by_touches as (

    select version from {{ ref('stg_agreement__versions') }}
    except
    select version from {{ ref('stg_agreement__touch_kinds') }}
    where kind = 'forward move'

)

select
    coalesce(handoffs.lead_id, counted.lead_id) as lead_id,
    coalesce(handoffs.cycle_number, counted.cycle_number) as cycle_number,
    handoffs.touch_count as told,
    counted.touch_count as found
from handoffs
full join counted
    on
        handoffs.lead_id = counted.lead_id
        and handoffs.cycle_number = counted.cycle_number
where
    coalesce(
        handoffs.agreement_version in (select version from versions_by_touches), true
    )
    and (
        handoffs.lead_id is null
        or handoffs.touch_count <> coalesce(counted.touch_count, 0)
        or handoffs.first_touch_at > counted.first_timed_touch_at
        or (
            not handoffs.is_first_touch_date_only
            and handoffs.first_touch_at is distinct from counted.first_timed_touch_at
        )
    )
