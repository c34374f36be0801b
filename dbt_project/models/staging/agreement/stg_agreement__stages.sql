with

source as (

    select * from {{ source('agreement', 'stages') }}

),

renamed as (

    select
        version,
        stage,
        kind as stage_kind,
        label as stage_label,
        definition as stage_definition,
        rank as stage_rank
    from source

)

select * from renamed
