with

known as (

    {{ known_versions(source('salesforce', 'deletions')) }}

),

renamed as (

    select
        ----------  ids
        record_id,
        system || ':' || record_id as record_key,

        ----------  strings
        system,
        object,
        how,

        ----------  timestamps
        deleted_at,
        _known_from as known_from
    from known

)

select * from renamed
