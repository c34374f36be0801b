with

known as (

    {{ known_versions(source('hubspot', 'owners')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        name as owner_name,
        team,
        -- HubSpot does not know where its users work
        null::text as time_zone,

        ----------  booleans
        is_active
    from known

)

select * from renamed
