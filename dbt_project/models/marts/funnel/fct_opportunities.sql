with

opportunities as (

    select * from {{ ref('int_opportunities') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

final as (

    select
        ----------  ids
        opportunities.opportunity_key,
        opportunities.lead_id,
        opportunities.owner_key,

        ----------  strings
        opportunities.status,
        opportunities.currency,

        ----------  numerics
        opportunities.amount,
        round(
            {{ duration_days(
                'opportunities.opened_at', 'opportunities.is_opened_date_only',
                'opportunities.closed_at', 'opportunities.is_closed_date_only',
                'opportunities.zone'
            ) }},
            6
        )::numeric(12, 6) as days_to_close,

        ----------  booleans
        opportunities.is_won,
        opportunities.is_closed,
        leads.is_deleted,

        ----------  dates
        (opportunities.opened_at at time zone opportunities.zone)::date as opened_date,
        (opportunities.closed_at at time zone opportunities.zone)::date as closed_date,

        ----------  timestamps
        opportunities.opened_at,
        opportunities.closed_at
    from opportunities
    inner join leads
        on opportunities.lead_id = leads.lead_id

)

select * from final
