with

known as (

    {{ known_versions(source('marketo', 'deletions')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,

        ----------  strings
        system,

        ----------  timestamps
        deleted_at,
        _known_from as known_from
    from known

)

select * from renamed
