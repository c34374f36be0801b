with

opportunities as (

    select * from {{ ref('stg_salesforce__opportunities') }}

),

opportunity_history as (

    select * from {{ ref('stg_salesforce__opportunity_history') }}

),

roles as (

    select * from {{ ref('stg_salesforce__opportunity_contact_roles') }}
    where record_key is not null

),

leads as (

    select * from {{ ref('stg_salesforce__leads') }}
    where converted_opportunity_id is not null

),

owners as (

    select * from {{ ref('int_salesforce__owners') }}

),

deletions as (

    select * from {{ ref('stg_salesforce__deletions') }}
    where
        how <> 'restored'
        and coalesce(deleted_at, known_from) <= {{ as_of() }}

),

-- a part that was taken away counts where no other is left: it went with its contact
contacts_of_deals as (

    select distinct on (roles.system, roles.opportunity_id)
        roles.system,
        roles.opportunity_id,
        roles.record_key
    from roles
    left join deletions
        on
            roles.system = deletions.system
            and deletions.object = 'OpportunityContactRole'
            and roles.role_id = deletions.record_id
    order by
        roles.system asc,
        roles.opportunity_id asc,
        deletions.record_id is not null asc,
        coalesce(roles.is_primary, false) desc,
        roles.created_at asc,
        roles.role_id asc

),

leads_of_deals as (

    select
        system,
        converted_opportunity_id as opportunity_id,
        min(record_key) as record_key
    from leads
    group by
        system,
        converted_opportunity_id

),

-- the last time that it came to stand where it stands
shown as (

    select
        *,
        lag(stage) over (
            partition by system, opportunity_id
            order by
                changed_at,
                history_id
        ) as previous_stage
    from opportunity_history

),

entered as (

    select
        system,
        opportunity_id,
        stage,
        max(changed_at) as entered_at
    from shown
    where stage is distinct from previous_stage
    group by
        system,
        opportunity_id,
        stage

),

final as (

    select
        ----------  ids
        opportunities.opportunity_key,
        coalesce(contacts_of_deals.record_key, leads_of_deals.record_key) as record_key,
        owners.owner_key,

        ----------  strings
        opportunities.system,
        case
            when opportunities.is_won then 'won'
            when opportunities.is_closed then 'lost'
            else 'open'
        end as source_status,
        opportunities.currency,

        ----------  numerics
        opportunities.amount,

        ----------  dates
        null::date as opened_on,
        -- of an open deal it is the day that somebody hopes for
        case
            when opportunities.is_closed and entered.entered_at is null
                then opportunities.close_on
        end as closed_on,

        ----------  timestamps
        opportunities.created_at as opened_at,
        case when opportunities.is_closed then entered.entered_at end as closed_at
    from opportunities
    left join contacts_of_deals
        on
            opportunities.system = contacts_of_deals.system
            and opportunities.opportunity_id = contacts_of_deals.opportunity_id
    left join leads_of_deals
        on
            opportunities.system = leads_of_deals.system
            and opportunities.opportunity_id = leads_of_deals.opportunity_id
    left join entered
        on
            opportunities.system = entered.system
            and opportunities.opportunity_id = entered.opportunity_id
            and opportunities.stage = entered.stage
    left join owners
        on opportunities.system || ':' || opportunities.owner_id = owners.owner_key
    left join deletions
        on
            opportunities.system = deletions.system
            and deletions.object = 'Opportunity'
            and opportunities.opportunity_id = deletions.record_id
    where deletions.record_id is null

)

select * from final
