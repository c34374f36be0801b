-- A failure means that a record and the one that it names in another system are two people.
select
    links.record_key,
    links.linked_record_key
from {{ ref('int_identity_links') }} as links
inner join {{ ref('int_lead_identity') }} as naming
    on links.record_key = naming.record_key
inner join {{ ref('int_lead_identity') }} as named
    on links.linked_record_key = named.record_key
where
    links.link_kind = 'cross_reference'
    and naming.lead_id <> named.lead_id
