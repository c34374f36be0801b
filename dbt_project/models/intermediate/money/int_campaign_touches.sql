with

campaign_touches as (

    select * from {{ ref('int_source_campaign_touches') }}

),

campaigns as (

    select * from {{ ref('int_source_campaigns') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

dated as (

    select
        identity.lead_id,
        campaign_touches.campaign_key,
        campaign_touches.touch_kind,
        current_era.zone,
        campaign_touches.occurred_at is null as is_date_only,
        {{ moment(
            'campaign_touches.occurred_at', 'campaign_touches.occurred_on', 'current_era.zone'
        ) }} as touched_at
    from campaign_touches
    inner join identity
        on campaign_touches.record_key = identity.record_key
    cross join current_era

),

-- several records of one person, in one system or two, tell of one touch
first_touches as (

    select distinct on (lead_id, campaign_key, touch_kind) *
    from dated
    where touched_at <= {{ as_of() }}
    order by
        lead_id,
        campaign_key,
        touch_kind,
        touched_at,
        is_date_only

),

touches as (

    select
        ----------  ids
        first_touches.lead_id,
        first_touches.campaign_key,

        ----------  strings
        first_touches.zone,
        first_touches.touch_kind,
        campaigns.channel,

        ----------  booleans
        first_touches.is_date_only,

        ----------  timestamps
        first_touches.touched_at
    from first_touches
    left join campaigns
        on first_touches.campaign_key = campaigns.campaign_key

)

select * from touches
