with

known as (

    {{ known_versions(source('salesforce', 'contacts')) }}

),

renamed as (

    select
        ----------  ids
        contact_id,
        system || ':' || contact_id as record_key,
        system || ':' || campaign_id as campaign_key,
        owner_id,
        account_id,

        ----------  strings
        system,
        email,
        second_email,
        phone,
        country,
        region,
        persona,
        channel,
        lifecycle_stage,
        reason,

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
