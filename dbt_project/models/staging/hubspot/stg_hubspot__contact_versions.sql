with

seen as (

    {{ seen_versions(source('hubspot', 'contacts')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || contact_id as record_key,

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
        round(score)::bigint as score,

        ----------  timestamps
        _known_from as known_from
    from seen

)

select * from renamed
