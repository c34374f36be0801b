with

source as (

    select * from {{ source('agreement', 'versions') }}

),

renamed as (

    select
        ----------  ids
        version,

        ----------  strings
        name as agreement_name,
        zone,
        handoff_stage,
        default_calendar,

        ----------  dates
        effective_from,
        effective_until,

        ----------  timestamps
        effective_from::timestamp at time zone zone as in_force_from,
        -- a version holds until the next one starts, which may be in another zone
        lead(effective_from::timestamp at time zone zone)
            over (order by effective_from) as in_force_until
    from source

)

select * from renamed
