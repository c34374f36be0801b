with

known as (

    {{ known_versions(source('csv_export', 'campaigns')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || campaign_id as campaign_key,

        ----------  strings
        system,
        name as campaign_name,
        channel,

        ----------  dates
        started as started_date,
        ended as ended_date
    from known

)

select * from renamed
