with

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

clocks as (

    select * from {{ ref('stg_agreement__handoff_clocks') }}

),

business_clocks as (

    select * from {{ ref('int_business_clocks') }}

),

business_days as (

    select * from {{ ref('int_business_days') }}

),

due as (

    select
        ----------  ids
        handoffs.lead_id,
        handoffs.cycle_number,
        clocks.clock,
        handoffs.version,

        ----------  strings
        handoffs.calendar,

        ----------  numerics
        clocks.touches_due,

        ----------  booleans
        handoffs.is_date_only,

        ----------  timestamps
        handoffs.handed_off_at,
        case
            -- of a day nobody knows when its clock started
            when handoffs.is_date_only then null
            when clocks.clock_kind = 'clock_time'
                then handoffs.handed_off_at + make_interval(secs => clocks.target_seconds)
            when clocks.clock_kind = 'business_days' then business_days.ends_at
            else
                {{ due_at(
                    'handoffs.handed_off_at', 'start_day', 'clocks.target_seconds',
                    ref('int_business_windows')
                ) }}
        end as due_at
    from handoffs
    inner join clocks
        on handoffs.version = clocks.version
    left join business_clocks as start_day
        on
            handoffs.version = start_day.version
            and handoffs.calendar = start_day.calendar
            and {{ utc_day('handoffs.handed_off_at') }} = start_day.utc_day
    left join business_days
        on
            handoffs.version = business_days.version
            and handoffs.calendar = business_days.calendar
            and business_days.business_day
            = {{ business_day('handoffs.handed_off_at', 'start_day') }}
            + clocks.target_business_days

)

select * from due
