with

leads as (

    select * from {{ ref('int_source_leads') }}

),

record_merges as (

    select * from {{ ref('int_source_merges') }}

),

deletions as (

    select * from {{ ref('int_source_deletions') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

systems as (

    select systems.*
    from {{ ref('stg_agreement__systems') }} as systems
    inner join current_era
        on systems.version = current_era.version

),

shared_mailboxes as (

    select shared_mailboxes.*
    from {{ ref('stg_agreement__shared_mailboxes') }} as shared_mailboxes
    inner join current_era
        on shared_mailboxes.version = current_era.version

),

dated as (

    select
        leads.*,
        systems.precedence as system_precedence,
        -- "none" and "n/a" are no address, and must not make one person of all who have them
        case
            when {{ spelled('leads.email') }} ~ '^[^@\s]+@[^@\s]+$'
                then {{ spelled('leads.email') }}
        end as normal_email,
        {{ moment('leads.created_at', 'leads.created_on', 'current_era.zone') }}
            as record_created_at,
        record_merges.surviving_record_key,
        {{ moment('record_merges.merged_at', 'record_merges.merged_on', 'current_era.zone') }}
            as record_merged_at,
        {{ moment('deletions.deleted_at', 'deletions.deleted_on', 'current_era.zone') }}
            as record_deleted_at
    from leads
    cross join current_era
    left join systems
        on leads.system = systems.system
    left join record_merges
        on leads.record_key = record_merges.merged_record_key
    left join deletions
        on leads.record_key = deletions.record_key

),

as_of_the_night as (

    select
        ----------  ids
        dated.record_key,
        dated.campaign_key,
        dated.owner_key,
        case
            when dated.record_merged_at <= {{ as_of() }} then dated.surviving_record_key
        end as surviving_record_key,

        ----------  strings
        dated.system,
        dated.normal_email,
        dated.phone,
        dated.company,
        dated.country,
        dated.region,
        dated.persona,
        dated.channel,

        ----------  numerics
        dated.system_precedence,
        dated.score,

        ----------  booleans
        shared_mailboxes.local_part is not null as is_shared_mailbox,

        ----------  timestamps
        dated.record_created_at,
        case
            when dated.record_merged_at <= {{ as_of() }} then dated.record_merged_at
        end as record_merged_at,
        case
            when dated.record_deleted_at <= {{ as_of() }} then dated.record_deleted_at
        end as record_deleted_at
    from dated
    left join shared_mailboxes
        on split_part(dated.normal_email, '@', 1) = shared_mailboxes.local_part
    where coalesce(dated.record_created_at <= {{ as_of() }}, true)

)

select * from as_of_the_night
