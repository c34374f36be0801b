with

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

commitments as (

    select * from {{ ref('stg_agreement__commitments') }}

),

segments as (

    select * from {{ ref('stg_agreement__commitment_segments') }}

),

opening_windows as (

    select * from {{ ref('stg_agreement__opening_windows') }}

),

period_kinds as (

    select distinct
        version,
        period_kind,
        case period_kind
            when 'week' then interval '1 week'
            when 'month' then interval '1 month'
            when 'quarter' then interval '3 months'
        end as period_length
    from commitments

),

-- a period is judged by the version in force at its start
periods as (

    select
        versions.version,
        versions.zone,
        versions.default_calendar,
        period_kinds.period_kind,
        starts.local_start::date as period_start_date,
        (starts.local_start + period_kinds.period_length)::date as period_end_date,
        starts.local_start at time zone versions.zone as period_start_at,
        (starts.local_start + period_kinds.period_length) at time zone versions.zone
            as period_end_at
    from versions
    inner join period_kinds
        on versions.version = period_kinds.version
    cross join
        lateral generate_series(
            date_trunc(period_kinds.period_kind, versions.effective_from::timestamp),
            least(
                coalesce(versions.effective_until::timestamp, 'infinity'::timestamp),
                {{ as_of() }} at time zone versions.zone
            ),
            period_kinds.period_length
        ) as starts (local_start)
    where
        starts.local_start >= versions.effective_from
        and coalesce(starts.local_start < versions.effective_until, true)
        and starts.local_start at time zone versions.zone < {{ as_of() }}

),

-- once: without statistics the planner would work it out again for each promise
business_time as materialized (

    select
        periods.version,
        periods.period_kind,
        periods.period_start_date,
        sum(
            extract(
                epoch from least(opening_windows.closes_at, periods.period_end_at)
                - greatest(opening_windows.opens_at, periods.period_start_at)
            )
        )::bigint as business_seconds,
        sum(
            greatest(
                extract(
                    epoch from least(
                        opening_windows.closes_at, periods.period_end_at, {{ as_of() }}
                    )
                    - greatest(opening_windows.opens_at, periods.period_start_at)
                ),
                0
            )
        )::bigint as elapsed_business_seconds
    from periods
    inner join opening_windows
        on
            periods.version = opening_windows.version
            and periods.default_calendar = opening_windows.calendar
            and periods.period_start_at < opening_windows.closes_at
            and periods.period_end_at > opening_windows.opens_at
    group by 1, 2, 3

),

promised as (

    select
        ----------  ids
        commitments.version,
        commitments.commitment_id,
        segments.segment,

        ----------  strings
        commitments.party,
        commitments.accountable,
        commitments.statement,
        commitments.metric,
        commitments.stage,
        commitments.from_stage,
        commitments.to_stage,
        commitments.statistic,
        commitments.judged_by,
        commitments.direction,
        commitments.unit,
        commitments.currency,
        commitments.period_kind,
        segments.dimension,
        segments.dimension_value,
        periods.zone,

        ----------  numerics
        commitments.position,
        commitments.within_days,
        commitments.minimum_sample,
        segments.target,
        coalesce(business_time.business_seconds, 0) as business_seconds,
        coalesce(business_time.elapsed_business_seconds, 0) as elapsed_business_seconds,

        ----------  booleans
        commitments.only_qualified,
        periods.period_end_at <= {{ as_of() }} as is_over,

        ----------  dates
        periods.period_start_date,
        periods.period_end_date,

        ----------  timestamps
        periods.period_start_at,
        periods.period_end_at
    from commitments
    inner join segments
        on
            commitments.version = segments.version
            and commitments.commitment_id = segments.commitment_id
    inner join periods
        on
            commitments.version = periods.version
            and commitments.period_kind = periods.period_kind
    left join business_time
        on
            periods.version = business_time.version
            and periods.period_kind = business_time.period_kind
            and periods.period_start_date = business_time.period_start_date

)

select * from promised
