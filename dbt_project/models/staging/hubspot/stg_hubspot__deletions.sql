with

known as (

    {{ known_versions(source('hubspot', 'deletions')) }}

),

renamed as (

    select
        ----------  ids
        record_id,

        ----------  strings
        system,
        kind,

        ----------  timestamps
        deleted_at,
        _known_from as known_from
    from known

)

select * from renamed
