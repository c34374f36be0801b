select * from {{ ref('stg_csv_export__stage_changes') }}
