with

known as (

    {{ known_versions(source('hubspot', 'deals')) }}

),

renamed as (

    select
        ----------  ids
        deal_id,
        system || ':' || deal_id as opportunity_key,
        system || ':' || owner_id as owner_key,
        pipeline as pipeline_id,
        stage as stage_id,

        ----------  strings
        system,
        currency,

        ----------  numerics
        amount,

        ----------  lists
        contact_ids::jsonb as contact_ids,

        ----------  timestamps
        created_at,
        closed_at
    from known

)

select * from renamed
