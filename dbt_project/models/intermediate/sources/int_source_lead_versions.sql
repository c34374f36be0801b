with

told as (

    select * from {{ ref('stg_csv_export__lead_versions') }}

    union all

    select * from {{ ref('stg_hubspot__contact_versions') }}

    union all

    select * from {{ ref('int_salesforce__record_versions') }}

    union all

    select * from {{ ref('stg_marketo__lead_versions') }}

),

final as (

    select
        ----------  ids
        record_key,

        ----------  strings
        system,
        email,
        second_email,
        phone,
        company,
        country,
        region,
        persona,
        channel,

        ----------  numerics
        score,

        ----------  timestamps
        known_from
    from told

)

select * from final
