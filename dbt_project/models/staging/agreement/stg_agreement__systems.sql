with

source as (

    select * from {{ source('agreement', 'systems') }}

),

renamed as (

    select
        version,
        system,
        precedence
    from source

)

select * from renamed
