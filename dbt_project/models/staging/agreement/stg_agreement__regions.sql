with

source as (

    select * from {{ source('agreement', 'regions') }}

),

renamed as (

    select
        version,
        region,
        calendar
    from source

)

select * from renamed
