-- The same question put to two marts: of those who entered the first stage in the period, how many
-- reached the second in time? A failure means that sla_compliance and fct_funnel_stages disagree.
with

-- each lead and cycle once: at its first observed entry, else where it was inferred
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
    where metric = 'conversion'

),

cohorts as materialized (

    select
        promised.agreement_version,
        promised.commitment_id,
        promised.segment,
        promised.period_start_date,
        count(*) as lead_count,
        count(*) filter (
            where exists (
                select 1
                from {{ ref('fct_funnel_stages') }} as arrivals
                where
                    first_entries.lead_id = arrivals.lead_id
                    and first_entries.cycle_number = arrivals.cycle_number
                    and promised.to_stage = arrivals.stage
                    and case
                        when first_entries.is_date_only or arrivals.is_date_only
                            then
                                arrivals.entered_date - first_entries.entered_date
                                between 0 and promised.within_days
                        else
                            arrivals.entered_at - first_entries.entered_at
                            between interval '0' and promised.within_days * interval '24 hours'
                    end
            )
        ) as success_count
    from promised
    inner join first_entries
        on
            promised.from_stage = first_entries.stage
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
    group by
        promised.agreement_version,
        promised.commitment_id,
        promised.segment,
        promised.period_start_date

)

select
    promised.commitment_id,
    promised.segment,
    promised.period_start_date,
    promised.sample_size,
    cohorts.lead_count,
    promised.success_count as promised_success_count,
    cohorts.success_count
from promised
left join cohorts
    on
        promised.agreement_version = cohorts.agreement_version
        and promised.commitment_id = cohorts.commitment_id
        and promised.segment = cohorts.segment
        and promised.period_start_date = cohorts.period_start_date
where
    promised.sample_size <> coalesce(cohorts.lead_count, 0)
    or promised.success_count <> coalesce(cohorts.success_count, 0)
