with

spans as (

    select * from {{ ref('stg_ops__source_spans') }}

),

source_systems as (

    select * from {{ ref('stg_ops__source_systems') }}

),

records as (

    select * from {{ ref('int_lead_records') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

unread_systems as (

    select
        source_systems.system,
        -- a source that was never read has told nothing at all
        min(coalesce(spans.missing_from, '-infinity')) as unread_from
    from spans
    inner join source_systems
        on spans.source = source_systems.source
    group by 1

),

unread_leads as (

    select
        ----------  ids
        identity.lead_id,

        ----------  timestamps
        min(unread_systems.unread_from) as unread_from
    from identity
    inner join records
        on identity.record_key = records.record_key
    inner join unread_systems
        on records.system = unread_systems.system
    group by 1

)

select * from unread_leads
