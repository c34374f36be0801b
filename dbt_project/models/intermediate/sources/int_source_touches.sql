select * from {{ ref('stg_csv_export__touches') }}

union all

select * from {{ ref('int_salesforce__touches') }}

union all

select * from {{ ref('int_marketo__touches') }}
