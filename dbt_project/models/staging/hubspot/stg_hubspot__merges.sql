with

known as (

    {{ known_versions(source('hubspot', 'merges')) }}

),

renamed as (

    select
        ----------  ids
        merged_id,
        surviving_id,

        ----------  strings
        system,
        kind,

        ----------  timestamps
        merged_at,
        _known_from as known_from
    from known

)

select * from renamed
