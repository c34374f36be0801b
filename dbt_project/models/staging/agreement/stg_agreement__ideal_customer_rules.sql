with

source as (

    select * from {{ source('agreement', 'ideal_customer_rules') }}

),

renamed as (

    select
        version,
        rule
    from source

)

select * from renamed
