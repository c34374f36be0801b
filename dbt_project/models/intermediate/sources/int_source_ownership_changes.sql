with

told as (

    select * from {{ ref('stg_csv_export__ownership_changes') }}

    union all

    select * from {{ ref('int_hubspot__ownership_changes') }}

    union all

    select * from {{ ref('int_salesforce__ownership_changes') }}

),

final as (

    select
        ----------  ids
        record_key,
        owner_key,

        ----------  strings
        system,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from told

)

select * from final
