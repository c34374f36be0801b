with

source as (

    select * from {{ source('agreement', 'commitment_segments') }}

),

renamed as (

    select
        ----------  ids
        version,
        commitment_id,
        segment,

        ----------  strings
        dimension,
        value as dimension_value,

        ----------  numerics
        target
    from source

)

select * from renamed
