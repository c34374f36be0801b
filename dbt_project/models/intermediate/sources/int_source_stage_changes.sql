with

told as (

    select * from {{ ref('stg_csv_export__stage_changes') }}

    union all

    select * from {{ ref('int_hubspot__stage_changes') }}

    union all

    select * from {{ ref('int_salesforce__stage_changes') }}

    union all

    select * from {{ ref('int_marketo__stage_changes') }}

),

final as (

    select
        ----------  ids
        record_key,

        ----------  strings
        system,
        source_stage,
        reason,

        ----------  dates
        occurred_on,

        ----------  timestamps
        occurred_at
    from told

)

select * from final
