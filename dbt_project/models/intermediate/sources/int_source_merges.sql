select * from {{ ref('stg_csv_export__merges') }}

union all

select * from {{ ref('int_salesforce__merges') }}

union all

select * from {{ ref('int_marketo__merges') }}
