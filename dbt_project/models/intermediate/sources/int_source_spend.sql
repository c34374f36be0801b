select * from {{ ref('stg_csv_export__spend') }}

union all

select * from {{ ref('int_salesforce__spend') }}
