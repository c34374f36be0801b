with

known as (

    {{ known_versions(source('csv_export', 'touches')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || touch_id as touch_key,
        system || ':' || lead_id as record_key,
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,
        kind,
        direction,
        outcome,

        ----------  booleans
        is_automated,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from known

)

select * from renamed
