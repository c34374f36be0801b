with

verdicts as (

    select * from {{ ref('int_lead_qualification') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

final as (

    select
        ----------  ids
        verdicts.lead_id,

        ----------  strings
        verdicts.stage,
        verdicts.rule,
        verdicts.version as agreement_version,
        verdicts.test,
        verdicts.fields,
        verdicts.value_class as value,
        verdicts.value_basis,
        verdicts.reason,
        verdicts.severity,

        ----------  numerics
        verdicts.cycle_number::integer as cycle_number,

        ----------  booleans
        verdicts.passed,
        verdicts.is_date_only,
        leads.is_deleted,

        ----------  dates
        (verdicts.entered_at at time zone versions.zone)::date as entered_date,

        ----------  timestamps
        verdicts.entered_at
    from verdicts
    inner join leads
        on verdicts.lead_id = leads.lead_id
    inner join versions
        on verdicts.version = versions.version

)

select * from final
