with

told as (

    select * from {{ ref('stg_csv_export__merges') }}

    union all

    select * from {{ ref('int_hubspot__merges') }}

    union all

    select * from {{ ref('int_salesforce__merges') }}

    union all

    select * from {{ ref('int_marketo__merges') }}

),

final as (

    select
        ----------  ids
        merged_record_key,
        surviving_record_key,

        ----------  strings
        system,

        ----------  dates
        merged_on,

        ----------  timestamps
        merged_at
    from told

)

select * from final
