with

known as (

    {{ known_versions(source('hubspot', 'spend')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || campaign_id as campaign_key,
        item_id,

        ----------  strings
        system,
        name as item_name,
        currency,

        ----------  numerics
        amount,

        ----------  timestamps
        booked_at
    from known

)

select * from renamed
