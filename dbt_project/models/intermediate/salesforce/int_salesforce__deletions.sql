with

record_merges as (

    select * from {{ ref('stg_salesforce__merges') }}

),

-- what was merged away lies in the bin as well, and is not gone
deletions as (

    select
        deletions.record_key,
        deletions.system,
        -- where Salesforce does not say when, the night that told of it
        coalesce(deletions.deleted_at, deletions.known_from) as gone_at
    from {{ ref('stg_salesforce__deletions') }} as deletions
    left join record_merges
        on deletions.record_key = record_merges.merged_record_key
    where
        deletions.object in ('Lead', 'Contact')
        and deletions.how <> 'restored'
        and record_merges.merged_record_key is null

),

leads as (

    select * from {{ ref('stg_salesforce__leads') }}

),

-- the lead that a contact came from outlives it, and nobody sees it any more
gone as (

    select * from deletions

    union all

    select
        leads.record_key,
        deletions.system,
        deletions.gone_at
    from leads
    inner join deletions
        on leads.contact_key = deletions.record_key

),

final as (

    select
        ----------  ids
        record_key,

        ----------  strings
        system,

        ----------  dates
        null::date as deleted_on,

        ----------  timestamps
        min(gone_at) as deleted_at
    from gone
    group by
        record_key,
        system

)

select * from final
