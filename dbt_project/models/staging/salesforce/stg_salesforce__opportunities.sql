with

known as (

    {{ known_versions(source('salesforce', 'opportunities')) }}

),

renamed as (

    select
        ----------  ids
        opportunity_id,
        system || ':' || opportunity_id as opportunity_key,
        owner_id,

        ----------  strings
        system,
        stage,
        currency,

        ----------  numerics
        amount,

        ----------  booleans
        is_closed,
        is_won,

        ----------  dates
        close_on,

        ----------  timestamps
        created_at
    from known

)

select * from renamed
