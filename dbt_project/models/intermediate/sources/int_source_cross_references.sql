with

cross_references as (

    select * from {{ ref('int_marketo__cross_references') }}

),

final as (

    select
        record_key,
        linked_record_key
    from cross_references

)

select * from final
