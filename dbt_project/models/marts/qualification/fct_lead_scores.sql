with

scores as (

    select * from {{ ref('int_lead_scores') }}

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
        scores.lead_id,

        ----------  strings
        scores.stage,
        scores.version as agreement_version,
        scores.persona as persona_at_entry,
        scores.ideal_customer_evidence,
        scores.currency,
        scores.fit_basis,
        scores.engagement_basis,
        scores.source_score_basis,

        ----------  numerics
        scores.cycle_number::integer as cycle_number,
        scores.rule_count::integer as rule_count,
        scores.passed_count::integer as passed_count,
        scores.fit_score::integer as fit_score,
        scores.engagement_score::integer as engagement_score,
        scores.fit_needed::integer as fit_needed,
        scores.engagement_needed::integer as engagement_needed,
        scores.source_score,
        scores.lead_value::numeric(20, 6) as lead_value,

        ----------  booleans
        scores.has_passed_critical_rules,
        scores.has_reached_threshold,
        scores.is_ideal_customer,
        scores.is_date_only,
        leads.is_deleted,

        ----------  dates
        (scores.entered_at at time zone versions.zone)::date as entered_date,

        ----------  timestamps
        scores.entered_at
    from scores
    inner join leads
        on scores.lead_id = leads.lead_id
    inner join versions
        on scores.version = versions.version

)

select * from final
