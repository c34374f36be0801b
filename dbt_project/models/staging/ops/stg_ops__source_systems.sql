with

source as (

    select * from {{ source('ops', 'source_systems') }}

),

renamed as (

    select
        ----------  ids
        source,
        system,

        ----------  strings
        record_link
    from source

)

select * from renamed
