with

source as (

    select * from {{ source('ops', 'reported_periods') }}

),

renamed as (

    select
        ----------  ids
        agreement_version,
        commitment_id,
        segment,

        ----------  strings
        status,

        ----------  numerics
        actual,
        sample_size,
        success_count,

        ----------  documents
        members,

        ----------  dates
        period_start_date,

        ----------  timestamps
        as_of as reported_as_of,
        known_at as reported_known_at
    from source
    where
        as_of <= {{ as_of() }}
        and known_at <= {{ known_at() }}
        and (as_of <> {{ as_of() }} or known_at <> {{ known_at() }})

)

select * from renamed
