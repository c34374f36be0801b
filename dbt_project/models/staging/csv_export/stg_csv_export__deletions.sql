with

known as (

    {{ known_versions(source('csv_export', 'deletions')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,

        ----------  strings
        system,

        ----------  dates
        deleted_on,

        ----------  timestamps
        deleted_at
    from known

)

select * from renamed
