-- What a lead brought with it on entering a stage: its points, and what it was worth.

with

entries as (

    select * from {{ ref('int_values_at_entry') }}

),

verdicts as (

    select * from {{ ref('int_lead_qualification') }}

),

score_thresholds as (

    select * from {{ ref('stg_agreement__score_thresholds') }}

),

lead_values as (

    select * from {{ ref('stg_agreement__lead_values') }}

),

scored as (

    select
        lead_id,
        cycle_number,
        stage,
        -- a stage that no rule brings points for has no score
        case
            when sum(fit_points) > 0 and bool_and(passed is not null)
                then coalesce(sum(fit_points) filter (where passed), 0)
        end as fit_score,
        case
            when sum(engagement_points) > 0 and bool_and(passed is not null)
                then coalesce(sum(engagement_points) filter (where passed), 0)
        end as engagement_score,
        max(basis) filter (where fit_points > 0) as fit_basis,
        max(basis) filter (where engagement_points > 0) as engagement_basis,
        count(*) as rule_count,
        count(*) filter (where passed) as passed_count,
        bool_and(passed) filter (where severity = 'critical') as has_passed_critical_rules,
        bool_and(passed) filter (where is_of_ideal_customer) as is_ideal_customer,
        string_agg(
            rule || coalesce(': ' || reason, ' passed'),
            '; '
            order by position
        ) filter (where is_of_ideal_customer) as ideal_customer_evidence
    from verdicts
    group by 1, 2, 3

),

thresholds as (

    select
        version,
        stage,
        max(points_needed) filter (where points_kind = 'fit') as fit_needed,
        max(points_needed) filter (where points_kind = 'engagement') as engagement_needed
    from score_thresholds
    group by 1, 2

),

final as (

    select
        ----------  ids
        entries.lead_id,
        entries.version,

        ----------  strings
        entries.stage,
        entries.persona,
        scored.ideal_customer_evidence,
        coalesce(own_values.currency, other_values.currency) as currency,
        {{ value_basis('scored.fit_basis') }} as fit_basis,
        {{ value_basis('scored.engagement_basis') }} as engagement_basis,
        {{ value_basis('entries.score_basis') }} as source_score_basis,

        ----------  numerics
        entries.cycle_number,
        scored.fit_score,
        scored.engagement_score,
        thresholds.fit_needed,
        thresholds.engagement_needed,
        entries.score as source_score,
        coalesce(scored.rule_count, 0) as rule_count,
        coalesce(scored.passed_count, 0) as passed_count,
        coalesce(own_values.amount, other_values.amount) as lead_value,

        ----------  booleans
        -- where no critical rule guards the stage, nothing is asked
        case
            when entries.is_anything_known then coalesce(scored.has_passed_critical_rules, true)
        end as has_passed_critical_rules,
        case when entries.is_anything_known then scored.is_ideal_customer end as is_ideal_customer,
        case
            when
                entries.is_anything_known
                and (thresholds.fit_needed is not null or thresholds.engagement_needed is not null)
                then
                    coalesce(scored.fit_score, 0) >= coalesce(thresholds.fit_needed, 0)
                    and coalesce(scored.engagement_score, 0)
                    >= coalesce(thresholds.engagement_needed, 0)
        end as has_reached_threshold,
        entries.is_date_only,

        ----------  timestamps
        entries.entered_at
    from entries
    left join scored
        on
            entries.lead_id = scored.lead_id
            and entries.cycle_number = scored.cycle_number
            and entries.stage = scored.stage
    left join thresholds
        on
            entries.version = thresholds.version
            and entries.stage = thresholds.stage
    left join lead_values as own_values
        on
            entries.version = own_values.version
            and entries.stage = own_values.stage
            and {{ spelled('entries.persona') }} = {{ spelled('own_values.persona') }}
    left join lead_values as other_values
        on
            entries.version = other_values.version
            and entries.stage = other_values.stage
            and other_values.persona is null

)

select * from final
