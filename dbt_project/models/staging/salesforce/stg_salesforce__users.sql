with

known as (

    {{ known_versions(source('salesforce', 'users')) }}

),

renamed as (

    select
        ----------  ids
        user_id,
        system || ':' || user_id as owner_key,

        ----------  strings
        system,
        name as user_name,
        team,
        time_zone,
        kind,

        ----------  booleans
        is_active
    from known

)

select * from renamed
