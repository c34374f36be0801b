{{ config(grants={'select': ['smarketing_contact_reader']}) }}

with

leads as (

    select * from {{ ref('int_leads') }}

),

final as (

    select
        ----------  ids
        lead_id,

        ----------  strings
        email,
        phone,
        company
    from leads
    -- of who is gone nobody is to be called
    where not is_deleted

)

select * from final
