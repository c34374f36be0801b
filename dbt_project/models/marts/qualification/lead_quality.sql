with

verdicts as (

    select * from {{ ref('fct_lead_qualification') }}

),

rules as (

    select * from {{ ref('int_qualification_rules') }}

),

monthly as (

    select
        agreement_version,
        rule,
        date_trunc('month', entered_date)::date as month_start_date,
        -- of whom nothing is known any more is not judged
        count(passed) as judged_count,
        count(*) filter (where passed) as passed_count,
        count(*) filter (where not passed) as failed_count,
        count(*) filter (where value_basis = 'first_seen_after') as seen_after_count
    from verdicts
    group by 1, 2, 3

),

final as (

    select
        ----------  ids
        monthly.agreement_version,
        monthly.rule,

        ----------  strings
        rules.stage,
        rules.statement,
        rules.severity,

        ----------  numerics
        rules.position as rule_position,
        monthly.judged_count::integer as judged_count,
        monthly.passed_count::integer as passed_count,
        monthly.failed_count::integer as failed_count,
        monthly.seen_after_count::integer as seen_after_count,
        round(monthly.passed_count::numeric / nullif(monthly.judged_count, 0), 6)::numeric(
            8, 6
        ) as pass_rate,
        rules.share_allowed::numeric(8, 6) as share_allowed,

        ----------  booleans
        case
            when monthly.judged_count > 0
                then monthly.failed_count <= rules.share_allowed * monthly.judged_count
        end as is_within_allowance,

        ----------  dates
        monthly.month_start_date
    from monthly
    inner join rules
        on
            monthly.agreement_version = rules.version
            and monthly.rule = rules.rule

)

select * from final
