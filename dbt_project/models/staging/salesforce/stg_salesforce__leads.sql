with

known as (

    {{ known_versions(source('salesforce', 'leads')) }}

),

renamed as (

    select
        ----------  ids
        lead_id,
        system || ':' || lead_id as record_key,
        system || ':' || campaign_id as campaign_key,
        owner_id,
        system || ':' || converted_contact_id as contact_key,
        converted_opportunity_id,

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
        status,
        reason,

        ----------  numerics
        score,

        ----------  booleans
        is_converted,

        ----------  documents
        custom::jsonb as custom,

        ----------  dates
        arrived_on,
        converted_on,

        ----------  timestamps
        created_at,
        _known_from as known_from
    from known

)

select * from renamed
