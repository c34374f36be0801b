with

-- latest_date: the last day of the period that has begun. A period has a number here, by which days
-- are gathered: joined by all that names it, the planner would expect next to no rows, and crawl
promises as (

    select
        promises.*,
        versions.zone,
        versions.default_calendar,
        -- what cannot be told tonight cannot be told of any day
        promises.actual is not null or promises.expected_to_date is not null as is_told,
        row_number() over (
            order by
                promises.agreement_version,
                promises.commitment_id,
                promises.segment,
                promises.period_start_date
        ) as period_number,
        (
            (least(promises.period_end_at, {{ as_of() }}) - interval '1 microsecond')
            at time zone versions.zone
        )::date as latest_date
    from {{ ref('sla_compliance') }} as promises
    inner join {{ ref('stg_agreement__versions') }} as versions
        on promises.agreement_version = versions.version

),

members as (

    select * from {{ ref('int_commitment_members') }}

),

clocks as (

    select * from {{ ref('int_business_clocks') }}

),

-- every local day of a period, up to its end or to as_of
days as (

    select
        promises.period_number,
        promises.agreement_version,
        promises.default_calendar,
        promises.period_start_at,
        begun.local_day::date as date_day,
        least(
            (begun.local_day + interval '1 day') at time zone promises.zone, {{ as_of() }}
        ) as reached_at
    from promises
    cross join
        lateral generate_series(
            promises.period_start_date::timestamp,
            promises.latest_date::timestamp,
            interval '1 day'
        ) as begun (local_day)

),

timed_days as (

    select
        days.period_number,
        days.date_day,
        coalesce(
            {{ business_seconds('days.period_start_at', 'starts', 'days.reached_at', 'reached') }},
            0
        )::bigint as elapsed_business_seconds
    from days
    left join clocks as starts
        on
            days.agreement_version = starts.version
            and days.default_calendar = starts.calendar
            and {{ utc_day('days.period_start_at') }} = starts.utc_day
    left join clocks as reached
        on
            days.agreement_version = reached.version
            and days.default_calendar = reached.calendar
            and {{ utc_day('days.reached_at') }} = reached.utc_day

),

-- members on the day that places them; what happens at as_of itself exists, and counts on the
-- latest day also where that ends at as_of
placed as (

    select
        promises.period_number,
        promises.unit,
        promises.latest_date,
        least(
            (members.occurred_at at time zone promises.zone)::date, promises.latest_date
        ) as date_day,
        members.is_success,
        members.days,
        members.amount,
        members.spend
    from members
    inner join promises
        on
            members.version = promises.agreement_version
            and members.commitment_id = promises.commitment_id
            and members.segment = promises.segment
            and members.period_start_date = promises.period_start_date

),

-- what a day adds, what its members until then have for percentiles (which do not add up, and are
-- taken anew each day), and the day itself, on which nothing may have happened: to be laid over
-- each other
told as (

    select
        period_number,
        date_day,
        null::bigint as elapsed_business_seconds,
        count(is_success) as sample_size,
        count(*) filter (where is_success) as success_count,
        sum(amount) as amount,
        sum(spend) as spend,
        null::double precision as median_days,
        null::double precision as p90_days
    from placed
    group by 1, 2

    union all

    select
        placed.period_number,
        counting.local_day::date as date_day,
        null as elapsed_business_seconds,
        null as sample_size,
        null as success_count,
        null as amount,
        null as spend,
        percentile_cont(0.5) within group (order by placed.days) as median_days,
        percentile_cont(0.9) within group (order by placed.days) as p90_days
    from placed
    cross join
        lateral generate_series(
            placed.date_day::timestamp, placed.latest_date::timestamp, interval '1 day'
        ) as counting (local_day)
    where placed.unit = 'days'
    group by 1, 2

    union all

    select
        period_number,
        date_day,
        elapsed_business_seconds,
        null as sample_size,
        null as success_count,
        null as amount,
        null as spend,
        null as median_days,
        null as p90_days
    from timed_days

),

day_by_day as (

    select
        period_number,
        date_day,
        max(elapsed_business_seconds) as elapsed_business_seconds,
        sum(sample_size) as sample_size,
        sum(success_count) as success_count,
        sum(amount) as amount,
        sum(spend) as spend,
        max(median_days) as median_days,
        max(p90_days) as p90_days
    from told
    group by 1, 2

),

to_date as (

    select
        period_number,
        date_day,
        elapsed_business_seconds,
        coalesce(sum(sample_size) over until_day, 0) as sample_size,
        coalesce(sum(success_count) over until_day, 0) as success_count,
        sum(amount) over until_day as amount,
        sum(spend) over until_day as spend,
        median_days,
        p90_days
    from day_by_day
    window until_day as (
        partition by period_number
        order by date_day
    )

),

final as (

    select
        ----------  ids
        promises.agreement_version,
        promises.commitment_id,
        promises.segment,

        ----------  strings
        promises.party,
        promises.metric,
        promises.direction,
        promises.unit,
        promises.currency,
        promises.period_kind,

        ----------  numerics
        promises.target,
        round(
            case
                when not promises.is_told then null
                when promises.unit in ('leads', 'money')
                    then
                        promises.target * to_date.elapsed_business_seconds
                        / nullif(promises.business_seconds, 0)
                else promises.target
            end,
            6
        )::numeric(20, 6) as expected_to_date,
        round(
            case
                when promises.is_told
                    then {{ promised_actual('promises', 'to_date') }}
            end,
            6
        )::numeric(20, 6) as actual_to_date,
        to_date.sample_size::integer as sample_size_to_date,
        to_date.success_count::integer as success_count_to_date,
        promises.business_seconds,
        to_date.elapsed_business_seconds as elapsed_business_seconds_to_date,

        ----------  booleans
        promises.is_over,
        to_date.date_day = promises.latest_date as is_latest_day,

        ----------  dates
        promises.period_start_date,
        promises.period_end_date,
        to_date.date_day
    from to_date
    inner join promises
        on to_date.period_number = promises.period_number

)

select * from final
