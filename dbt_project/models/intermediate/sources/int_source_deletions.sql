select * from {{ ref('stg_csv_export__deletions') }}

union all

select * from {{ ref('int_salesforce__deletions') }}

union all

select * from {{ ref('int_marketo__deletions') }}
