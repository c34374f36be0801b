with

known as (

    {{ known_versions(source('salesforce', 'opportunity_contact_roles')) }}

),

renamed as (

    select
        ----------  ids
        role_id,
        opportunity_id,
        system || ':' || contact_id as record_key,

        ----------  strings
        system,

        ----------  booleans
        is_primary,

        ----------  timestamps
        created_at
    from known

)

select * from renamed
