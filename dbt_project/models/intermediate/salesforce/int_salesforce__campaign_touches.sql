with

leads as (

    select * from {{ ref('int_salesforce__leads') }}

),

members as (

    select * from {{ ref('stg_salesforce__campaign_members') }}

),

deletions as (

    select * from {{ ref('stg_salesforce__deletions') }}
    where
        how <> 'restored'
        and coalesce(deleted_at, known_from) <= {{ as_of() }}

),

-- taken out of the campaign it never was in it; a member that went with its person stays
standing_members as (

    select members.*
    from members
    left join deletions
        on
            members.system = deletions.system
            and deletions.object = 'CampaignMember'
            and members.member_id = deletions.record_id
    left join deletions as deleted_records
        on members.record_key = deleted_records.record_key
    where
        deletions.record_id is null
        or deleted_records.record_id is not null

),

touches as (

    select
        ----------  ids
        record_key,
        campaign_key,

        ----------  strings
        system,
        'joined' as touch_kind,

        ----------  dates
        created_on as occurred_on,

        ----------  timestamps
        created_at as occurred_at
    from leads
    where campaign_key is not null

    union all

    select
        ----------  ids
        record_key,
        campaign_key,

        ----------  strings
        system,
        'joined' as touch_kind,

        ----------  dates
        null::date as occurred_on,

        ----------  timestamps
        created_at as occurred_at
    from standing_members
    where campaign_key is not null

)

select * from touches
