-- The same question put to two marts: how many leads first entered the stage in the period, as
-- observed? A failure means that sla_compliance and fct_funnel_stages disagree.
with

-- each lead and cycle once, at its first observed entry
first_entries as (

    select
        lead_id,
        cycle_number,
        stage,
        min(entered_date) as entered_date
    from {{ ref('fct_funnel_stages') }}
    where not is_inferred
    group by 1, 2, 3

),

promised as (

    select * from {{ ref('sla_compliance') }}
    where
        metric = 'volume'
        and not only_qualified

),

counted as materialized (

    select
        promised.agreement_version,
        promised.commitment_id,
        promised.segment,
        promised.period_start_date,
        count(*) as lead_count
    from promised
    inner join first_entries
        on
            promised.stage = first_entries.stage
            and promised.period_start_date
            = date_trunc(promised.period_kind, first_entries.entered_date)::date
    inner join {{ ref('dim_leads') }} as leads
        on first_entries.lead_id = leads.lead_id
    where
        (not leads.is_deleted or leads.deleted_at >= promised.period_end_at)
        and (
            promised.dimension is null
            or promised.dimension = 'persona'
            and {{ spelled('promised.dimension_value') }} = {{ spelled('leads.persona') }}
            or promised.dimension = 'region'
            and {{ spelled('promised.dimension_value') }} = {{ spelled('leads.region') }}
            or promised.dimension = 'channel'
            and {{ spelled('promised.dimension_value') }} = {{ spelled('leads.channel') }}
        )
    group by 1, 2, 3, 4

)

select
    promised.commitment_id,
    promised.segment,
    promised.period_start_date,
    promised.actual,
    counted.lead_count
from promised
left join counted
    on
        promised.agreement_version = counted.agreement_version
        and promised.commitment_id = counted.commitment_id
        and promised.segment = counted.segment
        and promised.period_start_date = counted.period_start_date
where promised.actual <> coalesce(counted.lead_count, 0)
