with

told as (

    select * from {{ ref('stg_csv_export__spend') }}

    union all

    select * from {{ ref('int_hubspot__spend') }}

    union all

    select * from {{ ref('int_salesforce__spend') }}

),

final as (

    select
        ----------  ids
        campaign_key,

        ----------  strings
        system,
        currency,

        ----------  numerics
        amount,

        ----------  dates
        spent_date
    from told

)

select * from final
