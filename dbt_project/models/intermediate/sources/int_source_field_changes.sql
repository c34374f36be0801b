with

told as (

    select * from {{ ref('int_hubspot__field_changes') }}

    union all

    select * from {{ ref('int_salesforce__field_changes') }}

    union all

    select * from {{ ref('int_marketo__field_changes') }}

),

final as (

    select
        ----------  ids
        record_key,

        ----------  strings
        system,
        field,
        value,

        ----------  timestamps
        changed_at
    from told

)

select * from final
