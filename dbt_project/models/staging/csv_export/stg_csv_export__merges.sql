with

known as (

    {{ known_versions(source('csv_export', 'merges')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || merged_lead_id as merged_record_key,
        system || ':' || surviving_lead_id as surviving_record_key,

        ----------  strings
        system,

        ----------  dates
        merged_on,

        ----------  timestamps
        merged_at
    from known

)

select * from renamed
