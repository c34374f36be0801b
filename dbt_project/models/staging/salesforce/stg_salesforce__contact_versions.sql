with

seen as (

    {{ seen_versions(source('salesforce', 'contacts')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || contact_id as record_key,
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

        ----------  numerics
        round(score)::bigint as score,

        ----------  timestamps
        _known_from as known_from
    from seen

)

select * from renamed
