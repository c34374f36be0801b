with

known as (

    {{ known_versions(source('hubspot', 'contacts')) }}

),

renamed as (

    select
        ----------  ids
        contact_id,
        system || ':' || contact_id as record_key,
        system || ':' || campaign_id as campaign_key,
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        email,
        second_email,
        phone,
        company,
        country,
        region,
        persona,
        channel,

        ----------  numerics
        score,

        ----------  dates
        arrived_on,

        ----------  timestamps
        created_at,
        _known_from as known_from
    from known

)

select * from renamed
