with

known as (

    {{ known_versions(source('csv_export', 'ownership_changes')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,
        system || ':' || owner_id as owner_key,

        ----------  strings
        system,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from known

)

select * from renamed
