with

source as (

    select * from {{ source('agreement', 'stage_mappings') }}

),

renamed as (

    select
        version,
        system,
        source_value,
        stage
    from source

)

select * from renamed
