with

source as (

    select * from {{ source('agreement', 'score_thresholds') }}

),

renamed as (

    select
        version,
        stage,
        kind as points_kind,
        points as points_needed
    from source

)

select * from renamed
