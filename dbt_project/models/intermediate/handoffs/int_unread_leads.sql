with

spans as (

    select * from {{ ref('stg_ops__source_spans') }}

),

systems as (

    select * from {{ ref('stg_ops__systems') }}

),

records as (

    select * from {{ ref('int_lead_records') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

unread_systems as (

    select
        systems.system,
        min(spans.missing_from) as unread_from
    from spans
    inner join systems
        on spans.source = systems.source
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
