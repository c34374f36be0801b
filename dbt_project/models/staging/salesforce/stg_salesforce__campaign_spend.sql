with

known as (

    {{ known_versions(source('salesforce', 'campaign_spend')) }}

),

renamed as (

    select
        ----------  ids
        spend_id,
        system || ':' || campaign_id as campaign_key,

        ----------  strings
        system,
        currency,

        ----------  numerics
        amount,

        ----------  dates
        day as spent_date
    from known

)

select * from renamed
