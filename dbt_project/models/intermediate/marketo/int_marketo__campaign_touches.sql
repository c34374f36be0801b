-- A program that Marketo shares with Salesforce is called there as it is here, and is one campaign:
-- the CRM's, on which the money is booked. Counted as two it would halve the credit of both.

with

leads as (

    select * from {{ ref('int_marketo__leads') }}

),

members as (

    select * from {{ ref('stg_marketo__program_members') }}

),

programs as (

    select * from {{ ref('stg_marketo__programs') }}

),

-- a name that two campaigns have tells neither of them
shared_campaigns as (

    select
        {{ spelled('campaign_name') }} as spelled_name,
        min(campaign_key) as campaign_key
    from {{ ref('stg_salesforce__campaigns') }}
    group by 1
    having count(*) = 1

),

campaigns as (

    select
        programs.campaign_key as program_key,
        coalesce(shared_campaigns.campaign_key, programs.campaign_key) as campaign_key
    from programs
    left join shared_campaigns
        on {{ spelled('programs.program_name') }} = shared_campaigns.spelled_name

),

told as (

    select
        record_key,
        campaign_key as program_key,
        system,
        'joined' as touch_kind,
        created_on as occurred_on,
        created_at as occurred_at
    from leads
    where campaign_key is not null

    union all

    select
        record_key,
        campaign_key as program_key,
        system,
        'joined' as touch_kind,
        null::date as occurred_on,
        member_since as occurred_at
    from members
    where member_since is not null

    union all

    select
        record_key,
        campaign_key as program_key,
        system,
        'responded' as touch_kind,
        null::date as occurred_on,
        succeeded_at as occurred_at
    from members
    where succeeded_at is not null

),

touches as (

    select
        ----------  ids
        told.record_key,
        coalesce(campaigns.campaign_key, told.program_key) as campaign_key,

        ----------  strings
        told.system,
        told.touch_kind,

        ----------  dates
        told.occurred_on,

        ----------  timestamps
        told.occurred_at
    from told
    left join campaigns
        on told.program_key = campaigns.program_key

)

select * from touches
