-- The same question put to two marts: what was won, opened and returned in the period? A failure
-- means that sla_compliance and marketing_roi disagree about the whole, in the agreement's
-- currency.
with

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

promised as (

    select compliance.*
    from {{ ref('sla_compliance') }} as compliance
    inner join {{ ref('int_agreement_eras') }} as eras
        on compliance.agreement_version = eras.version
    inner join current_era
        on
            eras.zone = current_era.zone
            and eras.currency = current_era.currency
    where
        compliance.metric in ('revenue', 'pipeline', 'roi')
        and compliance.period_kind in ('month', 'quarter')
        and compliance.segment = 'all'

),

returns as (

    select marketing_roi.*
    from {{ ref('marketing_roi') }} as marketing_roi
    inner join current_era
        on marketing_roi.currency = current_era.currency
    where
        marketing_roi.segment = 'all'
        and marketing_roi.attribution_model = 'linear'

)

select
    promised.commitment_id,
    promised.period_start_date,
    promised.actual,
    returns.attributed_pipeline,
    returns.attributed_revenue,
    returns.roi
from promised
left join returns
    on
        promised.period_kind = returns.period_kind
        and promised.period_start_date = returns.period_start_date
where
    promised.actual is distinct from case promised.metric
        when 'revenue' then coalesce(returns.attributed_revenue, 0)
        when 'pipeline' then coalesce(returns.attributed_pipeline, 0)
        when 'roi' then returns.roi
    end
