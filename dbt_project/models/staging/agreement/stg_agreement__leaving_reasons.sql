with

source as (

    select * from {{ source('agreement', 'leaving_reasons') }}

),

renamed as (

    select
        ----------  ids
        version,
        reason,

        ----------  booleans
        is_excuse
    from source

)

select * from renamed
