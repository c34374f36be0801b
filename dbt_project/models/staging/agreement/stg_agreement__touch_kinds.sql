with

source as (

    select * from {{ source('agreement', 'touch_kinds') }}

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
