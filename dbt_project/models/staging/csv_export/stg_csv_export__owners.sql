with

known as (

    {{ known_versions(source('csv_export', 'owners')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        name as owner_name,
        team,
        time_zone,

        ----------  booleans
        is_active
    from known

)

select * from renamed
