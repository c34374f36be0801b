with

known as (

    {{ known_versions(source('salesforce', 'tasks')) }}

),

renamed as (

    select
        ----------  ids
        task_id,
        system || ':' || task_id as touch_key,
        system || ':' || who_id as record_key,
        owner_id,

        ----------  strings
        system,
        type as task_type,
        subtype,
        direction,
        outcome,

        ----------  booleans
        is_closed,

        ----------  dates
        due_on,

        ----------  timestamps
        created_at,
        completed_at
    from known

)

select * from renamed
