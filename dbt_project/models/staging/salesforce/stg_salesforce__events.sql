with

known as (

    {{ known_versions(source('salesforce', 'events')) }}

),

renamed as (

    select
        ----------  ids
        event_id,
        system || ':' || event_id as touch_key,
        system || ':' || who_id as record_key,
        owner_id,

        ----------  strings
        system,
        direction,
        outcome,

        ----------  timestamps
        starts_at
    from known

)

select * from renamed
