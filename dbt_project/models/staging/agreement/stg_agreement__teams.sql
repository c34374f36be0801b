with

source as (

    select * from {{ source('agreement', 'teams') }}

),

renamed as (

    select
        version,
        team,
        party,
        calendar
    from source

)

select * from renamed
