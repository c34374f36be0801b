with

known as (

    {{ known_versions(source('salesforce', 'field_history')) }}

),

renamed as (

    select
        ----------  ids
        history_id,
        record_id,
        system || ':' || record_id as record_key,

        ----------  strings
        system,
        object,
        field,
        old as old_value,
        new as new_value,

        ----------  timestamps
        changed_at
    from known

)

select * from renamed
