with

known as (

    {{ known_versions(source('hubspot', 'property_history')) }}

),

renamed as (

    select
        ----------  ids
        record_id,

        ----------  strings
        system,
        kind,
        property,
        value,
        source_type,

        ----------  timestamps
        changed_at
    from known

)

select * from renamed
