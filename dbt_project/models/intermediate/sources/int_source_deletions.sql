select * from {{ ref('stg_csv_export__deletions') }}
