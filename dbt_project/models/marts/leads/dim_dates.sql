with

eras as (

    select * from {{ ref('int_agreement_eras') }}

),

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

calendar_days as (

    select * from {{ ref('int_business_days') }}

),

-- whole years: from the first thing that happened, or was agreed, to the year after as_of
bounds as (

    select
        date_trunc(
            'year',
            least(
                (select min(entered_at) from entries) at time zone 'UTC',
                (select min(effective_from) from versions)::timestamp
            )
        ) as first_day,
        date_trunc('year', {{ as_of() }} at time zone 'UTC')
        + interval '2 years - 1 day' as last_day

),

business_days as (

    select
        calendar_days.local_date,
        calendar_days.business_seconds
    from calendar_days
    inner join versions
        on
            calendar_days.version = versions.version
            and calendar_days.calendar = versions.default_calendar
    inner join eras
        on versions.version = eras.version
    where
        calendar_days.local_date >= eras.starts_on
        and calendar_days.local_date < eras.ends_on

),

final as (

    select
        ----------  strings
        to_char(days.day, 'FMDay') as day_name,
        to_char(days.day, 'IYYY-"W"IW') as iso_week,

        ----------  numerics
        extract(isodow from days.day)::integer as iso_day_of_week,
        coalesce(business_days.business_seconds, 0) as business_seconds,

        ----------  booleans
        business_days.local_date is not null as is_business_day,

        ----------  dates
        days.day::date as date_day,
        date_trunc('week', days.day)::date as week_start_date,
        date_trunc('month', days.day)::date as month_start_date,
        date_trunc('quarter', days.day)::date as quarter_start_date,
        date_trunc('year', days.day)::date as year_start_date
    from bounds
    cross join
        lateral generate_series(bounds.first_day, bounds.last_day, interval '1 day') as days (day)
    left join business_days
        on days.day::date = business_days.local_date

)

select * from final
