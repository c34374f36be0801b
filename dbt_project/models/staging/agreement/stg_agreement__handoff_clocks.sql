with

source as (

    select * from {{ source('agreement', 'handoff_clocks') }}

),

renamed as (

    select
        ----------  ids
        version,
        clock,

        ----------  strings
        kind as clock_kind,

        ----------  numerics
        touches as touches_due,
        seconds as target_seconds,
        business_days as target_business_days
    from source

)

select * from renamed
