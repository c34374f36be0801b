with

told as (

    select * from {{ ref('stg_csv_export__deletions') }}

    union all

    select * from {{ ref('int_hubspot__deletions') }}

    union all

    select * from {{ ref('int_salesforce__deletions') }}

    union all

    select * from {{ ref('int_marketo__deletions') }}

),

final as (

    select
        ----------  ids
        record_key,

        ----------  strings
        system,

        ----------  dates
        deleted_on,

        ----------  timestamps
        deleted_at
    from told

)

select * from final
