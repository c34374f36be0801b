with

spans as (

    select * from {{ source('ops', 'source_spans') }}

),

attempts as (

    select * from {{ source('ops', 'nights') }}

),

-- of a night that was run again, the last attempt is the one that counts
this_night as (

    select
        night_id,
        max(attempt) as attempt
    from attempts
    where
        as_of = {{ as_of() }}
        and known_at = {{ known_at() }}
    group by 1

),

renamed as (

    select
        ----------  ids
        spans.source,

        ----------  timestamps
        -- a source that was never read has told nothing at all
        coalesce(spans.missing_from, '-infinity') as missing_from
    from spans
    inner join this_night
        on
            spans.night_id = this_night.night_id
            and spans.attempt = this_night.attempt

)

select * from renamed
