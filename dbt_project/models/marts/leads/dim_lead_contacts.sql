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
    -- who is gone is not to be called, nor who was erased, of whom only counts are left
    where
        not is_deleted
        and strpos(lead_id, ':erased-') = 0

)

select * from final
