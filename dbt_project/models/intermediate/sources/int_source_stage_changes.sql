select * from {{ ref('stg_csv_export__stage_changes') }}

union all

select * from {{ ref('int_salesforce__stage_changes') }}

union all

select * from {{ ref('int_marketo__stage_changes') }}
