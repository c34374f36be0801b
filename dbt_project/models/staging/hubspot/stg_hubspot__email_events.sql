with

known as (

    {{ known_versions(source('hubspot', 'email_events')) }}

),

renamed as (

    select
        ----------  ids
        event_id,

        ----------  strings
        system,
        type as event_type,
        recipient,

        ----------  timestamps
        happened_at
    from known

)

select * from renamed
