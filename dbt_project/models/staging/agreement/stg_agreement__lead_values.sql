with

source as (

    select * from {{ source('agreement', 'lead_values') }}

),

renamed as (

    select
        ----------  ids
        version,

        ----------  strings
        stage,
        persona,
        currency,

        ----------  numerics
        amount
    from source

)

select * from renamed
