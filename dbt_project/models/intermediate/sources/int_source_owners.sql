with

told as (

    select * from {{ ref('stg_csv_export__owners') }}

    union all

    select * from {{ ref('stg_hubspot__owners') }}

    union all

    select * from {{ ref('int_salesforce__owners') }}

),

final as (

    select
        ----------  ids
        owner_key,

        ----------  strings
        system,
        owner_name,
        team,
        time_zone,

        ----------  booleans
        is_active
    from told

)

select * from final
