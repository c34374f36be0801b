with

source as (

    select * from {{ source('agreement', 'opening_windows') }}

),

renamed as (

    select
        version,
        calendar,
        business_day,
        seconds_before,
        local_date,
        opens_at,
        closes_at
    from source

)

select * from renamed
