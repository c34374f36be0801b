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
        judged_by,
        direction,
        unit,
        currency,
        period as period_kind,

        ----------  numerics
        within_days,
        minimum_sample,
        position,

        ----------  booleans
        only_qualified
    from source

)

select * from renamed
