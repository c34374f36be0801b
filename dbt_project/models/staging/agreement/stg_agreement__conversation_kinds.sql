with

source as (

    select * from {{ source('agreement', 'conversation_kinds') }}

),

renamed as (

    select
        ----------  ids
        version,
        kind,

        ----------  arrays
        outcomes
    from source

)

select * from renamed
