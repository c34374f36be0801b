with

told as (

    select * from {{ ref('stg_csv_export__touches') }}

    union all

    select * from {{ ref('int_hubspot__touches') }}

    union all

    select * from {{ ref('int_salesforce__touches') }}

    union all

    select * from {{ ref('int_marketo__touches') }}

),

final as (

    select
        ----------  ids
        touch_key,
        record_key,
        owner_key,

        ----------  strings
        system,
        kind,
        direction,
        outcome,

        ----------  booleans
        is_automated,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from told

)

select * from final
