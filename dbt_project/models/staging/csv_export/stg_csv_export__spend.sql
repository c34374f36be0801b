with

known as (

    {{ known_versions(source('csv_export', 'spend')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || campaign_id as campaign_key,

        ----------  strings
        system,
        currency,

        ----------  numerics
        amount,

        ----------  dates
        spent as spent_date
    from known

)

select * from renamed
