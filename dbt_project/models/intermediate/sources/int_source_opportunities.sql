select * from {{ ref('stg_csv_export__opportunities') }}

union all

select * from {{ ref('int_salesforce__opportunities') }}
