with

promises as (

    select
        promises.*,
        versions.zone,
        versions.default_calendar
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

spans as (

    select distinct
        agreement_version,
        period_kind,
        period_start_date,
        period_end_date,
        period_start_at,
        zone,
        default_calendar
    from promises

),

-- every local day that has begun, up to its end or to as_of
days as (

    select
        spans.*,
        begun.local_day::date as date_day,
        least(
            (begun.local_day + interval '1 day') at time zone spans.zone, {{ as_of() }}
        ) as reached_at
    from spans
    cross join
        lateral generate_series(
            spans.period_start_date::timestamp,
            spans.period_end_date - interval '1 day',
            interval '1 day'
        ) as begun (local_day)
    where begun.local_day at time zone spans.zone < {{ as_of() }}

),

timed_days as (

    select
        days.agreement_version,
        days.period_kind,
        days.period_start_date,
        days.date_day,
        coalesce(
            {{ business_seconds('days.period_start_at', 'starts', 'days.reached_at', 'reached') }},
            0
        )::bigint as elapsed_business_seconds,
        days.date_day = max(days.date_day) over (
            partition by days.agreement_version, days.period_kind, days.period_start_date
        ) as is_latest_day
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
        members.*,
        promises.unit,
        least(
            (members.occurred_at at time zone promises.zone)::date, latest_days.date_day
        ) as date_day
    from members
    inner join promises
        on
            members.version = promises.agreement_version
            and members.commitment_id = promises.commitment_id
            and members.segment = promises.segment
            and members.period_start_date = promises.period_start_date
    inner join timed_days as latest_days
        on
            promises.agreement_version = latest_days.agreement_version
            and promises.period_kind = latest_days.period_kind
            and promises.period_start_date = latest_days.period_start_date
            and latest_days.is_latest_day

),

daily as (

    select
        version,
        commitment_id,
        segment,
        period_start_date,
        date_day,
        count(is_success) as sample_size,
        count(*) filter (where is_success) as success_count,
        sum(amount) as amount,
        sum(spend) as spend
    from placed
    group by 1, 2, 3, 4, 5

),

promised_days as (

    select
        promises.*,
        timed_days.date_day,
        timed_days.is_latest_day,
        timed_days.elapsed_business_seconds as elapsed_business_seconds_to_date
    from promises
    inner join timed_days
        on
            promises.agreement_version = timed_days.agreement_version
            and promises.period_kind = timed_days.period_kind
            and promises.period_start_date = timed_days.period_start_date

),

-- a percentile does not add up: it is taken anew each day, of all members until then
durations as (

    select
        placed.version,
        placed.commitment_id,
        placed.segment,
        placed.period_start_date,
        promised_days.date_day,
        percentile_cont(0.5) within group (order by placed.days) as median_days,
        percentile_cont(0.9) within group (order by placed.days) as p90_days
    from placed
    inner join promised_days
        on
            placed.version = promised_days.agreement_version
            and placed.commitment_id = promised_days.commitment_id
            and placed.segment = promised_days.segment
            and placed.period_start_date = promised_days.period_start_date
            and placed.date_day <= promised_days.date_day
    where placed.unit = 'days'
    group by 1, 2, 3, 4, 5

),

to_date as (

    select
        promised_days.agreement_version,
        promised_days.commitment_id,
        promised_days.segment,
        promised_days.period_start_date,
        promised_days.date_day,
        coalesce(sum(daily.sample_size) over until_day, 0) as sample_size,
        coalesce(sum(daily.success_count) over until_day, 0) as success_count,
        sum(daily.amount) over until_day as amount,
        sum(daily.spend) over until_day as spend,
        durations.median_days,
        durations.p90_days
    from promised_days
    left join daily
        on
            promised_days.agreement_version = daily.version
            and promised_days.commitment_id = daily.commitment_id
            and promised_days.segment = daily.segment
            and promised_days.period_start_date = daily.period_start_date
            and promised_days.date_day = daily.date_day
    left join durations
        on
            promised_days.agreement_version = durations.version
            and promised_days.commitment_id = durations.commitment_id
            and promised_days.segment = durations.segment
            and promised_days.period_start_date = durations.period_start_date
            and promised_days.date_day = durations.date_day
    window until_day as (
        partition by
            promised_days.agreement_version,
            promised_days.commitment_id,
            promised_days.segment,
            promised_days.period_start_date
        order by promised_days.date_day
    )

),

final as (

    select
        ----------  ids
        promised_days.agreement_version,
        promised_days.commitment_id,
        promised_days.segment,

        ----------  strings
        promised_days.party,
        promised_days.metric,
        promised_days.direction,
        promised_days.unit,
        promised_days.currency,
        promised_days.period_kind,

        ----------  numerics
        promised_days.target,
        round(
            case
                when promised_days.status = 'undetermined' then null
                when promised_days.unit in ('leads', 'money')
                    then
                        promised_days.target * promised_days.elapsed_business_seconds_to_date
                        / nullif(promised_days.business_seconds, 0)
                else promised_days.target
            end,
            6
        )::numeric(20, 6) as expected_to_date,
        round(
            case
                when promised_days.status <> 'undetermined'
                    then {{ promised_actual('promised_days', 'to_date') }}
            end,
            6
        )::numeric(20, 6) as actual_to_date,
        to_date.sample_size::integer as sample_size_to_date,
        to_date.success_count::integer as success_count_to_date,
        promised_days.business_seconds,
        promised_days.elapsed_business_seconds_to_date,

        ----------  booleans
        promised_days.is_over,
        promised_days.is_latest_day,

        ----------  dates
        promised_days.period_start_date,
        promised_days.period_end_date,
        promised_days.date_day
    from promised_days
    inner join to_date
        on
            promised_days.agreement_version = to_date.agreement_version
            and promised_days.commitment_id = to_date.commitment_id
            and promised_days.segment = to_date.segment
            and promised_days.period_start_date = to_date.period_start_date
            and promised_days.date_day = to_date.date_day

)

select * from final
