with

contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

leads as (

    select
        ----------  ids
        record_key,
        campaign_key,
        owner_key,

        ----------  strings
        system,
        -- an address is one contact's alone: of a duplicate it stands in another property
        coalesce(email, second_email) as email,
        phone,
        company,
        country,
        region,
        persona,
        channel,

        ----------  numerics
        round(score)::bigint as score,

        ----------  dates
        arrived_on as created_on,

        ----------  timestamps
        -- somebody typed them in later than they arrived, and only the day of that is known
        case when arrived_on is null then created_at end as created_at,
        known_from
    from contacts

)

select * from leads
