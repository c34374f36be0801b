with

known as (

    {{ known_versions(source('csv_export', 'stage_changes')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,

        ----------  strings
        system,
        stage as source_stage,
        reason,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from known

)

select * from renamed
