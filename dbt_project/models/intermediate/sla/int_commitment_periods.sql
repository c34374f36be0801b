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

clocks as (

    select * from {{ ref('int_business_clocks') }}

),

period_kinds as (

    select distinct
        version,
        period_kind,
        {{ period_length('period_kind') }} as period_length
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
            as period_end_at,
        least(
            (starts.local_start + period_kinds.period_length) at time zone versions.zone,
            {{ as_of() }}
        ) as reached_at
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

timed_periods as (

    select
        periods.*,
        {{ business_seconds('periods.period_start_at', 'starts', 'periods.period_end_at', 'ends') }}
            as business_seconds,
        {{ business_seconds('periods.period_start_at', 'starts', 'periods.reached_at', 'reached') }}
            as elapsed_business_seconds
    from periods
    left join clocks as starts
        on
            periods.version = starts.version
            and periods.default_calendar = starts.calendar
            and {{ utc_day('periods.period_start_at') }} = starts.utc_day
    left join clocks as ends
        on
            periods.version = ends.version
            and periods.default_calendar = ends.calendar
            and {{ utc_day('periods.period_end_at') }} = ends.utc_day
    left join clocks as reached
        on
            periods.version = reached.version
            and periods.default_calendar = reached.calendar
            and {{ utc_day('periods.reached_at') }} = reached.utc_day

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
        timed_periods.zone,

        ----------  numerics
        commitments.position,
        commitments.within_days,
        commitments.minimum_sample,
        segments.target,
        coalesce(timed_periods.business_seconds, 0)::bigint as business_seconds,
        coalesce(timed_periods.elapsed_business_seconds, 0)::bigint as elapsed_business_seconds,

        ----------  booleans
        commitments.only_qualified,
        timed_periods.period_end_at <= {{ as_of() }} as is_over,

        ----------  dates
        timed_periods.period_start_date,
        timed_periods.period_end_date,

        ----------  timestamps
        timed_periods.period_start_at,
        timed_periods.period_end_at
    from commitments
    inner join segments
        on
            commitments.version = segments.version
            and commitments.commitment_id = segments.commitment_id
    inner join timed_periods
        on
            commitments.version = timed_periods.version
            and commitments.period_kind = timed_periods.period_kind

)

select * from promised
