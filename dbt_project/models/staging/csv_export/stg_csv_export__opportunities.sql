with

known as (

    {{ known_versions(source('csv_export', 'opportunities')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || opportunity_id as opportunity_key,
        system || ':' || lead_id as record_key,
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        status as source_status,
        currency,

        ----------  numerics
        amount,

        ----------  dates
        opened_on,
        closed_on,

        ----------  timestamps
        opened_at,
        closed_at
    from known

)

select * from renamed
