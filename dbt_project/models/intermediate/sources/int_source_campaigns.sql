with

told as (

    select * from {{ ref('stg_csv_export__campaigns') }}

    union all

    select * from {{ ref('stg_hubspot__campaigns') }}

    union all

    select * from {{ ref('stg_salesforce__campaigns') }}

    union all

    select * from {{ ref('int_marketo__campaigns') }}

),

final as (

    select
        ----------  ids
        campaign_key,

        ----------  strings
        system,
        campaign_name,
        channel,

        ----------  dates
        started_date,
        ended_date
    from told

)

select * from final
