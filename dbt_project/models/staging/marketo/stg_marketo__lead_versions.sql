with

seen as (

    {{ seen_versions(source('marketo', 'leads')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,

        ----------  strings
        system,
        email,
        null::text as second_email,
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
