select * from {{ ref('stg_csv_export__ownership_changes') }}

union all

select * from {{ ref('int_salesforce__ownership_changes') }}
