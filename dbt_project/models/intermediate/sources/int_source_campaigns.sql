select * from {{ ref('stg_csv_export__campaigns') }}

union all

select * from {{ ref('stg_salesforce__campaigns') }}

union all

select * from {{ ref('int_marketo__campaigns') }}
