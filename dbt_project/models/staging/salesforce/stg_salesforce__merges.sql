with

known as (

    {{ known_versions(source('salesforce', 'merges')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || merged_id as merged_record_key,
        system || ':' || surviving_id as surviving_record_key,

        ----------  strings
        system,
        object,

        ----------  timestamps
        merged_at,
        _known_from as known_from
    from known

)

select * from renamed
