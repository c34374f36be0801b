-- As many records stand behind a share as have failed, once nothing can change any more.

with

compliance as (

    select * from {{ ref('sla_compliance') }}
    where segment = 'all' and unit = 'share' and is_final

),

breaches as (

    select
        agreement_version,
        commitment_id,
        period_start_date,
        count(*) as breach_count
    from {{ ref('sla_breaches') }}
    group by 1, 2, 3

)

select
    compliance.agreement_version,
    compliance.commitment_id,
    compliance.period_start_date,
    compliance.error_budget_spent,
    breaches.breach_count
from compliance
left join breaches
    on
        compliance.agreement_version = breaches.agreement_version
        and compliance.commitment_id = breaches.commitment_id
        and compliance.period_start_date = breaches.period_start_date
where compliance.error_budget_spent <> coalesce(breaches.breach_count, 0)
