-- A day is 24 hours here and is never added as a day: what that is would depend on the zone of the
-- session.

with

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

business_days as (

    select * from {{ ref('int_business_days') }}

),

windows as (

    select * from {{ ref('int_business_windows') }}

),

-- all calendars of a version reach as far as the one that opens first and the one that closes last:
-- a shop that opens in summer only has winters too
bounds as (

    select
        versions.version,
        versions.in_force_from,
        {{ utc_day('least(versions.in_force_from, min(windows.opens_at))') }} as first_day,
        greatest(
            max(windows.closes_at), {{ as_of() }} + 366 * interval '24 hours'
        ) as last_at
    from versions
    inner join windows
        on versions.version = windows.version
    group by 1, 2

),

calendars as (

    select distinct
        version,
        calendar
    from windows

),

days as (

    select
        calendars.version,
        calendars.calendar,
        days.utc_day
    from calendars
    inner join bounds
        on calendars.version = bounds.version
    cross join
        lateral generate_series(bounds.first_day, bounds.last_at, interval '24 hours')
            as days (utc_day)

),

-- an opening past midnight UTC is one of both days
openings as (

    select
        windows.version,
        windows.calendar,
        days.utc_day,
        windows.closes_at,
        windows.behind,
        row_number() over (
            partition by windows.version, windows.calendar, days.utc_day
            order by windows.opens_at
        ) as position
    from windows
    cross join
        lateral generate_series(
            {{ utc_day('windows.opens_at') }},
            windows.closes_at - interval '1 microsecond',
            interval '24 hours'
        ) as days (utc_day)

),

days_open as (

    select
        version,
        calendar,
        utc_day,
        max(closes_at) filter (where position = 1) as closes_at_1,
        max(behind) filter (where position = 1) as behind_1,
        max(closes_at) filter (where position = 2) as closes_at_2,
        max(behind) filter (where position = 2) as behind_2,
        max(closes_at) filter (where position = 3) as closes_at_3,
        max(behind) filter (where position = 3) as behind_3,
        array_agg(closes_at order by position) filter (where position > 3) as further_closes_at,
        array_agg(behind order by position) filter (where position > 3) as further_behind,
        max(least(closes_at, utc_day + interval '24 hours') - behind) as shows_at_end
    from openings
    group by 1, 2, 3

),

days_ended as (

    select
        version,
        calendar,
        {{ utc_day('ends_at') }} as utc_day,
        array_agg(ends_at order by ends_at) as ends_of_business
    from business_days
    group by 1, 2, 3

),

clocks as (

    select
        ----------  ids
        days.version,
        days.calendar,

        ----------  numerics
        1 + coalesce(
            sum(cardinality(days_ended.ends_of_business)) over days_before, 0
        )::integer as business_day,

        ----------  timestamps
        days.utc_day,
        coalesce(
            max(days_open.shows_at_end) over days_before, timestamptz '1970-01-01 00:00Z'
        ) as shows_at_start,
        days_open.closes_at_1,
        days_open.behind_1,
        days_open.closes_at_2,
        days_open.behind_2,
        days_open.closes_at_3,
        days_open.behind_3,
        days_open.further_closes_at,
        days_open.further_behind,
        coalesce(days_ended.ends_of_business, '{}') as ends_of_business
    from days
    left join days_open
        on
            days.version = days_open.version
            and days.calendar = days_open.calendar
            and days.utc_day = days_open.utc_day
    left join days_ended
        on
            days.version = days_ended.version
            and days.calendar = days_ended.calendar
            and days.utc_day = days_ended.utc_day
    window
        days_before as (
            partition by days.version, days.calendar
            order by days.utc_day
            rows between unbounded preceding and 1 preceding
        )

)

select * from clocks
