with

source as (

    select * from {{ source('agreement', 'rule_points') }}

),

renamed as (

    select
        version,
        rule,
        kind as points_kind,
        points
    from source

)

select * from renamed
