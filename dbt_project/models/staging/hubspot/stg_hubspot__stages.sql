with

known as (

    {{ known_versions(source('hubspot', 'stages')) }}

),

renamed as (

    select
        ----------  ids
        pipeline as pipeline_id,
        stage as stage_id,

        ----------  strings
        system,
        kind,
        label,

        ----------  numerics
        probability,

        ----------  booleans
        is_closed
    from known

)

select * from renamed
