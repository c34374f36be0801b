with

told as (

    select * from {{ ref('stg_csv_export__leads') }}

    union all

    select * from {{ ref('int_hubspot__leads') }}

    union all

    select * from {{ ref('int_salesforce__leads') }}

    union all

    select * from {{ ref('int_marketo__leads') }}

),

final as (

    select
        ----------  ids
        record_key,
        campaign_key,
        owner_key,

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
        score,

        ----------  dates
        created_on,

        ----------  timestamps
        created_at,
        known_from
    from told

)

select * from final
