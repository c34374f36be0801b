with

leads as (

    select * from {{ ref('stg_marketo__leads') }}

),

final as (

    select
        ----------  ids
        record_key,
        campaign_key,
        -- the CRM says whose it is
        null::text as owner_key,

        ----------  strings
        system,
        email,
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
    from leads

)

select * from final
