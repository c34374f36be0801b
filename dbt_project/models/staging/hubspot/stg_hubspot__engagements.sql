with

known as (

    {{ known_versions(source('hubspot', 'engagements')) }}

),

renamed as (

    select
        ----------  ids
        engagement_id,
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        kind,
        direction,
        outcome,

        ----------  lists
        contact_ids::jsonb as contact_ids,

        ----------  timestamps
        happened_at
    from known

)

select * from renamed
