select * from {{ ref('stg_csv_export__owners') }}

union all

select * from {{ ref('int_salesforce__owners') }}
