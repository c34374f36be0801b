with

opening_windows as (

    select * from {{ ref('stg_agreement__opening_windows') }}

),

business_days as (

    select
        ----------  ids
        version,
        calendar,
        business_day,

        ----------  numerics
        sum(extract(epoch from closes_at - opens_at))::integer as business_seconds,

        ----------  dates
        min(local_date) as local_date,

        ----------  timestamps
        max(closes_at) as ends_at
    from opening_windows
    group by 1, 2, 3

)

select * from business_days
