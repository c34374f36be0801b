-- A version is held against history in its own words: its handoff stage, its zone, its currency,
-- and quarters counted from the day on which it started.

{%- set matures_after_days = 90 %}

with

path_ends as (

    select
        version,
        stage,
        stage_rank,
        max(stage_rank) over (partition by version) as last_rank
    from {{ ref('stg_agreement__stages') }}

),

versions as (

    select
        versions.*,
        eras.currency,
        path_ends.stage as last_stage
    from {{ ref('stg_agreement__versions') }} as versions
    inner join {{ ref('int_agreement_eras') }} as eras
        on versions.version = eras.version
    inner join path_ends
        on
            versions.version = path_ends.version
            and path_ends.stage_rank = path_ends.last_rank
    where versions.in_force_from <= {{ as_of() }}

),

leads as (

    select * from {{ ref('dim_leads') }}

),

entries as (

    select
        stages.*,
        leads.deleted_at
    from {{ ref('fct_funnel_stages') }} as stages
    inner join leads
        on stages.lead_id = leads.lead_id

),

deals as (

    select
        opportunities.*,
        leads.deleted_at
    from {{ ref('fct_opportunities') }} as opportunities
    inner join leads
        on opportunities.lead_id = leads.lead_id

),

handoffs as (

    select
        handoffs.*,
        leads.deleted_at
    from {{ ref('fct_handoffs') }} as handoffs
    inner join leads
        on handoffs.lead_id = leads.lead_id

),

spend as (

    select * from {{ ref('fct_campaign_spend') }}

),

-- the first day on which anything is told: a quarter that began before it is told in part, or not
-- at all
histories as (

    select
        (select min(entered_date) from entries) as funnel_since,
        (select least(min(opened_date), min(closed_date)) from deals) as deals_since,
        (select min(spent_date) from spend) as spend_since

),

quarters as (

    select
        versions.version,
        versions.zone,
        versions.currency,
        versions.handoff_stage,
        versions.last_stage,
        counted.number as quarters_since_start,
        (versions.effective_from + counted.number * interval '3 months')::date
            as quarter_start_date,
        (versions.effective_from + (counted.number + 1) * interval '3 months')::date
            as quarter_end_date
    from versions
    cross join histories
    cross join
        lateral generate_series(
            -- three months have at least 89 days
            (
                (
                    least(
                        histories.funnel_since, histories.deals_since, histories.spend_since,
                        versions.effective_from
                    ) - versions.effective_from
                ) / 89
            )::integer - 1,
            (
                (({{ as_of() }} at time zone versions.zone)::date - versions.effective_from) / 89
            )::integer
        ) as counted (number)

),

timed_quarters as (

    select
        quarters.*,
        quarters.quarter_end_date::timestamp at time zone quarters.zone as quarter_end_at
    from quarters
    cross join histories
    where
        quarters.quarter_start_date::timestamp at time zone quarters.zone < {{ as_of() }}
        and quarters.quarter_end_date
        > least(histories.funnel_since, histories.deals_since, histories.spend_since)

),

-- a row for each day of a quarter, so that facts are joined by equality
quarter_days as (

    select
        timed_quarters.*,
        days.local_day::date as date_day
    from timed_quarters
    cross join
        lateral generate_series(
            timed_quarters.quarter_start_date::timestamp,
            timed_quarters.quarter_end_date - interval '1 day',
            interval '1 day'
        ) as days (local_day)

),

handed_over as (

    select
        quarter_days.version,
        quarter_days.quarters_since_start,
        quarter_days.zone,
        quarter_days.last_stage,
        entries.lead_id,
        entries.cycle_number,
        entries.is_date_only,
        entries.entered_at
    from entries
    inner join quarter_days
        on
            entries.stage = quarter_days.handoff_stage
            and entries.entered_date = quarter_days.date_day
    where
        entries.is_first_entry
        -- deleted before the quarter was over: not of its population
        and coalesce(entries.deleted_at >= quarter_days.quarter_end_at, true)

),

-- the first entry to the last stage that does not lie before the handoff
conversions as (

    select
        handed_over.version,
        handed_over.quarters_since_start,
        handed_over.lead_id,
        handed_over.cycle_number,
        min(
            {{ duration_days(
                'handed_over.entered_at', 'handed_over.is_date_only',
                'arrivals.entered_at', 'arrivals.is_date_only',
                'handed_over.zone'
            ) }}
        ) as days
    from handed_over
    left join entries as arrivals
        on
            handed_over.lead_id = arrivals.lead_id
            and handed_over.cycle_number = arrivals.cycle_number
            and handed_over.last_stage = arrivals.stage
    group by 1, 2, 3, 4

),

funnel as (

    select
        version,
        quarters_since_start,
        count(*) as lead_count,
        count(*) filter (where days <= {{ matures_after_days }}) as customer_count
    from conversions
    group by 1, 2

),

-- of those who were answered at all
answered as (

    select
        quarter_days.version,
        quarter_days.quarters_since_start,
        count(*) as handoff_count,
        percentile_cont(0.5) within group (order by handoffs.response_business_seconds)
        / 3600 as median_hours
    from handoffs
    inner join quarter_days
        on handoffs.handed_off_date = quarter_days.date_day
    where
        handoffs.response_business_seconds is not null
        and coalesce(handoffs.deleted_at >= quarter_days.quarter_end_at, true)
    group by 1, 2

),

won as (

    select
        quarter_days.version,
        quarter_days.quarters_since_start,
        count(*) as deal_count,
        sum(deals.amount) as amount
    from deals
    inner join quarter_days
        on
            deals.closed_date = quarter_days.date_day
            and deals.currency = quarter_days.currency
    where
        deals.is_won
        and coalesce(deals.deleted_at >= quarter_days.quarter_end_at, true)
    group by 1, 2

),

opened as (

    select
        quarter_days.version,
        quarter_days.quarters_since_start,
        count(*) as deal_count,
        sum(deals.amount) as amount
    from deals
    inner join quarter_days
        on
            deals.opened_date = quarter_days.date_day
            and deals.currency = quarter_days.currency
    where coalesce(deals.deleted_at >= quarter_days.quarter_end_at, true)
    group by 1, 2

),

spent as (

    select
        quarter_days.version,
        quarter_days.quarters_since_start,
        count(*) as booking_count,
        sum(spend.spent_amount) as amount
    from spend
    inner join quarter_days
        on
            spend.spent_date = quarter_days.date_day
            and spend.currency = quarter_days.currency
    where spend.spent_date <= ({{ as_of() }} at time zone quarter_days.zone)::date
    group by 1, 2

),

measured as (

    select
        timed_quarters.*,
        coalesce(funnel.lead_count, 0) as lead_count,
        coalesce(funnel.customer_count, 0) as customer_count,
        coalesce(answered.handoff_count, 0) as answered_count,
        answered.median_hours,
        coalesce(won.deal_count, 0) as won_count,
        coalesce(won.amount, 0) as won_amount,
        coalesce(opened.deal_count, 0) as opened_count,
        coalesce(opened.amount, 0) as opened_amount,
        coalesce(spent.booking_count, 0) as booking_count,
        coalesce(spent.amount, 0) as spent_amount,
        histories.funnel_since,
        histories.deals_since,
        histories.spend_since
    from timed_quarters
    cross join histories
    left join funnel
        on
            timed_quarters.version = funnel.version
            and timed_quarters.quarters_since_start = funnel.quarters_since_start
    left join answered
        on
            timed_quarters.version = answered.version
            and timed_quarters.quarters_since_start = answered.quarters_since_start
    left join won
        on
            timed_quarters.version = won.version
            and timed_quarters.quarters_since_start = won.quarters_since_start
    left join opened
        on
            timed_quarters.version = opened.version
            and timed_quarters.quarters_since_start = opened.quarters_since_start
    left join spent
        on
            timed_quarters.version = spent.version
            and timed_quarters.quarters_since_start = spent.quarters_since_start

),

measures as (

    select
        measured.version,
        measured.quarters_since_start,
        measured.quarter_start_date,
        measured.quarter_end_date,
        measured.quarter_end_at,
        told.measure,
        told.unit,
        case when told.unit = 'money' then measured.currency end as currency,
        told.amount as measure_value,
        told.sample_size,
        measured.quarter_end_at + told.matures_after_days * interval '24 hours' <= {{ as_of() }}
            as is_final,
        coalesce(told.told_since <= measured.quarter_start_date, false) as is_told_whole
    from measured
    cross join
        lateral (
            values
            (
                'leads_handed_over', 'leads', measured.lead_count::numeric, measured.lead_count, 0,
                measured.funnel_since
            ),
            (
                'conversion', 'share',
                measured.customer_count::numeric / nullif(measured.lead_count, 0),
                measured.lead_count, {{ matures_after_days }}, measured.funnel_since
            ),
            (
                'median_response', 'business hours', measured.median_hours::numeric,
                measured.answered_count, {{ matures_after_days }}, measured.funnel_since
            ),
            (
                'pipeline', 'money', measured.opened_amount, measured.opened_count, 0,
                measured.deals_since
            ),
            (
                'revenue', 'money', measured.won_amount, measured.won_count, 0,
                measured.deals_since
            ),
            (
                'spend', 'money', measured.spent_amount, measured.booking_count, 0,
                measured.spend_since
            ),
            (
                'roi', 'ratio',
                (measured.won_amount - measured.spent_amount) / nullif(measured.spent_amount, 0),
                measured.won_count, 0,
                greatest(measured.deals_since, measured.spend_since)
            )
        ) as told (measure, unit, amount, sample_size, matures_after_days, told_since)

),

-- only what is final and was told from its first day on can be compared
compared as (

    select
        measures.*,
        before_signing.measure_value as value_before_signing,
        year_before.measure_value as value_year_before
    from measures
    left join measures as before_signing
        on
            measures.version = before_signing.version
            and measures.measure = before_signing.measure
            and before_signing.quarters_since_start = -1
            and measures.quarters_since_start >= 0
            and before_signing.is_final
            and before_signing.is_told_whole
    left join measures as year_before
        on
            measures.version = year_before.version
            and measures.measure = year_before.measure
            and measures.quarters_since_start - 4 = year_before.quarters_since_start
            and year_before.is_final
            and year_before.is_told_whole

),

final as (

    select
        ----------  ids
        version as agreement_version,

        ----------  strings
        measure,
        unit,
        currency,

        ----------  numerics
        quarters_since_start,
        round(measure_value, 6)::numeric(20, 6) as measure_value,
        sample_size::integer as sample_size,
        round(value_before_signing, 6)::numeric(20, 6) as value_before_signing,
        round(value_year_before, 6)::numeric(20, 6) as value_year_before,
        case
            when is_final and value_before_signing > 0
                then round(measure_value / value_before_signing - 1, 6)
        end::numeric(20, 6) as growth_since_signing,
        case
            when is_final and is_told_whole and value_year_before > 0
                then round(measure_value / value_year_before - 1, 6)
        end::numeric(20, 6) as growth_year_on_year,

        ----------  booleans
        quarters_since_start < 0 as is_before_signing,
        quarter_end_at <= {{ as_of() }} as is_over,
        is_final,
        is_told_whole,

        ----------  dates
        quarter_start_date,
        quarter_end_date
    from compared

)

select * from final
