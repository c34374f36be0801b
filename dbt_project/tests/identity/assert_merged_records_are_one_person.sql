-- A failure means that a record and the one that it was merged into are counted as two people.
select
    merged.record_key,
    merged.surviving_record_key
from {{ ref('int_lead_records') }} as merged
inner join {{ ref('int_lead_identity') }} as merged_identity
    on merged.record_key = merged_identity.record_key
inner join {{ ref('int_lead_identity') }} as surviving_identity
    on merged.surviving_record_key = surviving_identity.record_key
where merged_identity.lead_id <> surviving_identity.lead_id
