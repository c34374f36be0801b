with

known as (

    {{ known_versions(source('salesforce', 'campaigns')) }}

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
        started_on as started_date,
        ended_on as ended_date
    from known

)

select * from renamed
