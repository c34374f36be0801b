-- A failure means that no version of the agreement holds on the night (it lies before the first
-- one), or that two do: then nobody knows in whose words the people of the night are read.
select count(*) as versions_in_force
from {{ ref('int_agreement_eras') }}
where is_current
having count(*) <> 1
