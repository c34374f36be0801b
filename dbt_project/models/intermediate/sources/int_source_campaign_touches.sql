with

told as (

    select * from {{ ref('stg_csv_export__campaign_touches') }}

    union all

    select * from {{ ref('int_hubspot__campaign_touches') }}

    union all

    select * from {{ ref('int_salesforce__campaign_touches') }}

    union all

    select * from {{ ref('int_marketo__campaign_touches') }}

),

final as (

    select
        ----------  ids
        record_key,
        campaign_key,

        ----------  strings
        system,
        touch_kind,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from told

)

select * from final
