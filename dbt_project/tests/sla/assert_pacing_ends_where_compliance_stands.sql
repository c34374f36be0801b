-- The same question put to two marts: where does the promise stand tonight? A failure means that
-- the latest day of sla_pacing is not what sla_compliance says, or that a period has no such day.
with

promised as (

    select * from {{ ref('sla_compliance') }}

),

latest as (

    select * from {{ ref('sla_pacing') }}
    where is_latest_day

)

select
    promised.agreement_version,
    promised.commitment_id,
    promised.segment,
    promised.period_start_date,
    promised.actual,
    latest.actual_to_date,
    promised.expected_to_date,
    latest.expected_to_date as expected_by_the_latest_day
from promised
full join latest
    on
        promised.agreement_version = latest.agreement_version
        and promised.commitment_id = latest.commitment_id
        and promised.segment = latest.segment
        and promised.period_start_date = latest.period_start_date
where
    promised.actual is distinct from latest.actual_to_date
    or promised.expected_to_date is distinct from latest.expected_to_date
    or promised.sample_size is distinct from latest.sample_size_to_date
    or promised.success_count is distinct from latest.success_count_to_date
    or promised.elapsed_business_seconds is distinct from latest.elapsed_business_seconds_to_date
