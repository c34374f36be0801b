with

deals as (

    select * from {{ ref('stg_hubspot__deals') }}

),

stages as (

    select * from {{ ref('stg_hubspot__stages') }}
    where kind = 'deals'

),

contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

deletions as (

    select * from {{ ref('stg_hubspot__deletions') }}
    where
        kind = 'deals'
        and coalesce(deleted_at, known_from) <= {{ as_of() }}

),

-- a deal of several contacts came from the one who was there first
leads_of_deals as (

    select distinct on (deals.opportunity_key)
        deals.opportunity_key,
        deals.system || ':' || associated.contact_id as record_key
    from deals
    cross join lateral jsonb_array_elements_text(deals.contact_ids) as associated (contact_id)
    left join contacts
        on
            deals.system = contacts.system
            and associated.contact_id = contacts.contact_id
    order by
        deals.opportunity_key,
        contacts.created_at,
        associated.contact_id

),

opportunities as (

    select
        ----------  ids
        deals.opportunity_key,
        leads_of_deals.record_key,
        deals.owner_key,

        ----------  strings
        deals.system,
        case
            when not stages.is_closed then 'open'
            when stages.probability = 1 then 'won'
            when stages.probability = 0 then 'lost'
            else coalesce(stages.label, deals.stage_id)
        end as source_status,
        deals.currency,

        ----------  numerics
        deals.amount,

        ----------  dates
        null::date as opened_on,
        null::date as closed_on,

        ----------  timestamps
        deals.created_at as opened_at,
        -- of an open deal it is the day that somebody hopes for
        case when stages.is_closed then deals.closed_at end as closed_at
    from deals
    left join stages
        on
            deals.system = stages.system
            and deals.pipeline_id = stages.pipeline_id
            and deals.stage_id = stages.stage_id
    left join leads_of_deals
        on deals.opportunity_key = leads_of_deals.opportunity_key
    left join deletions
        on
            deals.system = deletions.system
            and deals.deal_id = deletions.record_id
    where deletions.record_id is null

)

select * from opportunities
