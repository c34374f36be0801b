-- A failure means that two records with the same e-mail address, which is not a shared mailbox, are
-- counted as two people.
select records.normal_email
from {{ ref('int_lead_records') }} as records
inner join {{ ref('int_lead_identity') }} as identity
    on records.record_key = identity.record_key
where
    records.normal_email is not null
    and not records.is_shared_mailbox
group by 1
having count(distinct identity.lead_id) > 1
