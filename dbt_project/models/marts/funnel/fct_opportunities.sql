with

opportunities as (

    select * from {{ ref('int_source_opportunities') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

dated as (

    select
        opportunities.*,
        identity.lead_id,
        current_era.zone,
        opportunities.opened_at is null as is_opened_date_only,
        opportunities.closed_at is null as is_closed_date_only,
        {{ moment('opportunities.opened_at', 'opportunities.opened_on', 'current_era.zone') }}
            as opened,
        {{ moment('opportunities.closed_at', 'opportunities.closed_on', 'current_era.zone') }}
            as closed
    from opportunities
    inner join identity
        on opportunities.record_key = identity.record_key
    cross join current_era

),

-- what happens after as_of has not happened: a deal closed later is still open
as_of_the_night as (

    select
        *,
        coalesce(closed <= {{ as_of() }}, false) as is_closed
    from dated
    where coalesce(opened, closed, {{ as_of() }}) <= {{ as_of() }}

),

final as (

    select
        ----------  ids
        as_of_the_night.opportunity_key,
        as_of_the_night.lead_id,
        as_of_the_night.owner_key,

        ----------  strings
        case
            when as_of_the_night.is_closed then {{ spelled('as_of_the_night.source_status') }}
            else 'open'
        end as status,
        as_of_the_night.currency,

        ----------  numerics
        as_of_the_night.amount::numeric(18, 2) as amount,
        round(
            case
                when as_of_the_night.is_closed
                    then
                        {{ duration_days(
                            'as_of_the_night.opened', 'as_of_the_night.is_opened_date_only',
                            'as_of_the_night.closed', 'as_of_the_night.is_closed_date_only',
                            'as_of_the_night.zone'
                        ) }}
            end,
            6
        )::numeric(12, 6) as days_to_close,

        ----------  booleans
        as_of_the_night.is_closed
        and {{ spelled('as_of_the_night.source_status') }} = 'won' as is_won,
        as_of_the_night.is_closed,
        leads.is_deleted,

        ----------  dates
        (as_of_the_night.opened at time zone as_of_the_night.zone)::date as opened_date,
        case
            when as_of_the_night.is_closed
                then (as_of_the_night.closed at time zone as_of_the_night.zone)::date
        end as closed_date,

        ----------  timestamps
        as_of_the_night.opened as opened_at,
        case when as_of_the_night.is_closed then as_of_the_night.closed end as closed_at
    from as_of_the_night
    inner join leads
        on as_of_the_night.lead_id = leads.lead_id

)

select * from final
