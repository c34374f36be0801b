with

known as (

    {{ known_versions(source('marketo', 'activities')) }}

),

renamed as (

    select
        ----------  ids
        activity_id,
        system || ':' || activity_id as touch_key,
        system || ':' || lead_id as record_key,
        type_id,

        ----------  strings
        system,
        primary_attribute_value,

        ----------  documents
        attributes::jsonb as attributes,

        ----------  timestamps
        happened_at
    from known

)

select * from renamed
