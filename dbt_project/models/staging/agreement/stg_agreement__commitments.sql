with

source as (

    select * from {{ source('agreement', 'commitments') }}

),

renamed as (

    select
        ----------  ids
        version,
        commitment_id,

        ----------  strings
        party,
        owner as accountable,
        statement,
        metric,
        stage,
        from_stage,
        to_stage,
        statistic,
        direction,
        unit,
        period as period_kind,

        ----------  numerics
        within_days,
        minimum_sample,
        position
    from source

)

select * from renamed
