with

source as (

    select * from {{ source('agreement', 'qualification_rules') }}

),

renamed as (

    select
        ----------  ids
        version,
        rule,

        ----------  strings
        stage,
        test,
        field,
        operands,
        severity,
        statement,

        ----------  numerics
        share_allowed,
        position
    from source

)

select * from renamed
