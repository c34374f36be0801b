with

periods as (

    select * from {{ ref('int_commitment_periods') }}

),

members as (

    select * from {{ ref('int_commitment_members') }}

),

unread_facts as (

    select * from {{ ref('int_unread_facts') }}

),

-- the sources that this night went without, by the periods of which they may have more to tell: of
-- a cohort until the last conversion that could count
unread as (

    select
        periods.version,
        periods.commitment_id,
        periods.segment,
        periods.period_start_date,
        string_agg(distinct unread_facts.source, ', ' order by unread_facts.source)
            as unread_sources
    from periods
    inner join unread_facts
        on
            periods.period_end_at + coalesce(periods.within_days, 0) * interval '24 hours'
            > unread_facts.unread_from
            and case unread_facts.fact
                when 'deals' then periods.metric in ('revenue', 'pipeline', 'roi')
                when 'spend' then periods.metric = 'roi'
                -- who a lead is decides which part its money counts in
                when 'leads'
                    then
                        periods.metric not in ('revenue', 'pipeline', 'roi')
                        or periods.dimension is not null
            end
    group by 1, 2, 3, 4

),

counted as (

    select
        version,
        commitment_id,
        segment,
        period_start_date,
        count(is_success) as sample_size,
        count(*) filter (where is_success) as success_count,
        -- nobody knows yet how they end: eligible, and not in the sample
        count(*) - count(is_success) as open_count,
        sum(amount) as amount,
        sum(spend) as spend,
        bool_and(is_final) as is_every_member_final,
        percentile_cont(0.5) within group (order by days) as median_days,
        percentile_cont(0.9) within group (order by days) as p90_days
    from members
    group by 1, 2, 3, 4

),

measured as (

    select
        periods.*,
        coalesce(counted.sample_size, 0) as sample_size,
        coalesce(counted.success_count, 0) as success_count,
        coalesce(counted.open_count, 0) as open_count,
        periods.is_over and coalesce(counted.is_every_member_final, true) as is_final,
        unread.unread_sources,
        {{ promised_actual('periods', 'counted') }} as actual
    from periods
    left join counted
        on
            periods.version = counted.version
            and periods.commitment_id = counted.commitment_id
            and periods.segment = counted.segment
            and periods.period_start_date = counted.period_start_date
    left join unread
        on
            periods.version = unread.version
            and periods.commitment_id = unread.commitment_id
            and periods.segment = unread.segment
            and periods.period_start_date = unread.period_start_date

),

paced as (

    select
        *,
        -- counts and sums add up over the period; a share or a duration is due in full at any time
        unit in ('leads', 'money') as is_adding_up,
        case
            when unit <> 'share' then null
            when direction = 'at_least' then (sample_size + open_count) * (1 - target)
            else (sample_size + open_count) * target
        end as error_budget,
        case
            when unit <> 'share' then null
            when direction = 'at_least' then sample_size - success_count
            else success_count
        end as error_budget_spent
    from measured

),

forecasted as (

    select
        *,
        case
            when is_adding_up then target * elapsed_business_seconds / nullif(business_seconds, 0)
            else target
        end as expected_to_date,
        case
            when is_adding_up
                then actual * business_seconds / nullif(elapsed_business_seconds, 0)
            else actual
        end as forecast,
        case
            when direction = 'at_least' then actual / target
            when actual > 0 then target / actual
        end as attainment
    from paced

),

judged as (

    select
        *,
        case
            when not is_over and elapsed_business_seconds = 0 then 'pending'
            when unread_sources is not null then 'undetermined'
            when is_over and not is_final then 'maturing'
            -- shares and durations of too few say nothing; of nobody, nothing at all
            when
                not is_adding_up
                and (actual is null or sample_size < greatest(minimum_sample, 1))
                then 'insufficient_sample'
            when
                is_over
                and (
                    (direction = 'at_least' and actual >= target)
                    or (direction = 'at_most' and actual <= target)
                )
                then 'met'
            when is_over then 'missed'
            when
                (direction = 'at_least' and forecast >= target)
                or (direction = 'at_most' and forecast <= target)
                then 'on_track'
            when
                (direction = 'at_least' and forecast >= target * 0.9)
                or (direction = 'at_most' and forecast <= target / 0.9)
                then 'at_risk'
            else 'off_track'
        end as status
    from forecasted

),

final as (

    select
        ----------  ids
        version as agreement_version,
        commitment_id,
        segment,

        ----------  strings
        party,
        accountable,
        statement,
        metric,
        stage,
        from_stage,
        to_stage,
        statistic,
        judged_by,
        direction,
        unit,
        currency,
        period_kind,
        dimension,
        dimension_value,
        status,
        case
            when status = 'undetermined' then unread_sources || ' did not arrive'
        end as status_reason,

        ----------  numerics
        position as commitment_position,
        within_days,
        minimum_sample,
        target::numeric(20, 6) as target,
        round(actual, 6)::numeric(20, 6) as actual,
        round(attainment, 6)::numeric(20, 6) as attainment,
        round(expected_to_date, 6)::numeric(20, 6) as expected_to_date,
        round(forecast, 6)::numeric(20, 6) as forecast,
        sample_size::integer as sample_size,
        success_count::integer as success_count,
        open_count::integer as open_count,
        round(error_budget, 6)::numeric(20, 6) as error_budget,
        error_budget_spent::integer as error_budget_spent,
        round(error_budget - error_budget_spent, 6)::numeric(20, 6) as error_budget_left,
        round(
            error_budget_spent / nullif(error_budget, 0)
            * business_seconds / nullif(elapsed_business_seconds, 0),
            6
        )::numeric(20, 6) as burn_rate,
        business_seconds,
        elapsed_business_seconds,

        ----------  booleans
        only_qualified,
        is_over,
        is_final,

        ----------  dates
        period_start_date,
        period_end_date,

        ----------  timestamps
        period_start_at,
        period_end_at
    from judged

)

select * from final
