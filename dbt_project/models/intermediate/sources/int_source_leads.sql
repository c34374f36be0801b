select * from {{ ref('stg_csv_export__leads') }}

union all

select * from {{ ref('int_salesforce__leads') }}

union all

select * from {{ ref('int_marketo__leads') }}
