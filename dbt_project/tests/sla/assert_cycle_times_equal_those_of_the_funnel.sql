-- The same question put to two marts: how long did those who arrived in the period take? A failure
-- means that sla_compliance and fct_funnel_stages disagree.
with

first_entries as (

    select distinct on (lead_id, cycle_number, stage) *
    from {{ ref('fct_funnel_stages') }}
    order by
        lead_id,
        cycle_number,
        stage,
        is_inferred,
        entry_number

),

promised as (

    select * from {{ ref('sla_compliance') }}
    where metric = 'cycle_time'

),

taken as (

    select
        promised.agreement_version,
        promised.commitment_id,
        promised.segment,
        promised.period_start_date,
        case
            when starts.is_date_only or ends.is_date_only
                then (ends.entered_date - starts.entered_date)::numeric
            else extract(epoch from ends.entered_at - starts.entered_at) / 86400
        end as days
    from promised
    inner join first_entries as ends
        on
            promised.to_stage = ends.stage
            and promised.period_start_date
            = date_trunc(promised.period_kind, ends.entered_date)::date
    inner join first_entries as starts
        on
            promised.from_stage = starts.stage
            and ends.lead_id = starts.lead_id
            and ends.cycle_number = starts.cycle_number
            and not starts.is_inferred
    inner join {{ ref('dim_leads') }} as leads
        on ends.lead_id = leads.lead_id
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

),

measured as materialized (

    select
        agreement_version,
        commitment_id,
        segment,
        period_start_date,
        count(*) as sample_size,
        percentile_cont(0.5) within group (order by days) as median,
        percentile_cont(0.9) within group (order by days) as p90
    from taken
    where days >= 0
    group by
        agreement_version,
        commitment_id,
        segment,
        period_start_date

)

select
    promised.commitment_id,
    promised.segment,
    promised.period_start_date,
    promised.sample_size,
    promised.actual,
    measured.sample_size as measured_sample_size,
    measured.median,
    measured.p90
from promised
left join measured
    on
        promised.agreement_version = measured.agreement_version
        and promised.commitment_id = measured.commitment_id
        and promised.segment = measured.segment
        and promised.period_start_date = measured.period_start_date
where
    promised.sample_size <> coalesce(measured.sample_size, 0)
    or abs(
        promised.actual
        - case promised.statistic when 'p90' then measured.p90 else measured.median end
    ) > 0.000001
