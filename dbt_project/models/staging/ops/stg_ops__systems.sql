with

source as (

    select * from {{ source('ops', 'systems') }}

),

renamed as (

    select
        ----------  ids
        system,
        source,

        ----------  strings
        record_link
    from source

)

select * from renamed
