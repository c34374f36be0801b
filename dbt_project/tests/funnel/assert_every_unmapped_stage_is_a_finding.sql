-- A failure means that a stage change which the agreement does not understand was dropped in
-- silence.
with

unmapped as (

    select distinct
        record_key,
        source_stage
    from {{ ref('int_stage_observations') }}
    where stage is null

)

select
    (select count(*) from unmapped) as unmapped_count,
    count(*) as finding_count
from {{ ref('fct_findings') }}
where finding = 'unmapped_stage'
having count(*) <> (select count(*) from unmapped)
