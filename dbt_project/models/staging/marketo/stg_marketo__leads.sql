with

known as (

    {{ known_versions(source('marketo', 'leads')) }}

),

renamed as (

    select
        ----------  ids
        lead_id,
        system || ':' || lead_id as record_key,
        system || ':' || program_id as campaign_key,
        sfdc_lead_id,
        sfdc_contact_id,

        ----------  strings
        system,
        email,
        phone,
        company,
        country,
        region,
        persona,
        channel,
        lifecycle_stage,

        ----------  numerics
        score,

        ----------  documents
        custom::jsonb as custom,

        ----------  dates
        arrived_on,

        ----------  timestamps
        created_at,
        _known_from as known_from
    from known

)

select * from renamed
