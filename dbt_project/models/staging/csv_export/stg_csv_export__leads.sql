with

known as (

    {{ known_versions(source('csv_export', 'leads')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,
        system || ':' || campaign_id as campaign_key,
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        email,
        phone,
        company,
        country,
        region,
        persona,
        channel,

        ----------  numerics
        score,

        ----------  dates
        created_on,

        ----------  timestamps
        created_at,
        _known_from as known_from
    from known

)

select * from renamed
