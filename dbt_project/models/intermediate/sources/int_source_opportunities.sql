with

told as (

    select * from {{ ref('stg_csv_export__opportunities') }}

    union all

    select * from {{ ref('int_hubspot__opportunities') }}

    union all

    select * from {{ ref('int_salesforce__opportunities') }}

),

final as (

    select
        ----------  ids
        opportunity_key,
        record_key,
        owner_key,

        ----------  strings
        system,
        source_status,
        currency,

        ----------  numerics
        amount,

        ----------  dates
        opened_on,
        closed_on,

        ----------  timestamps
        opened_at,
        closed_at
    from told

)

select * from final
