with

opportunities as (

    select * from {{ ref('int_source_opportunities') }}

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
        opportunities.opportunity_key,
        opportunities.owner_key,
        opportunities.amount::numeric(18, 2) as amount,
        identity.lead_id,
        current_era.zone,
        {{ spelled('opportunities.source_status') }} as status,
        {{ currency_code('opportunities.currency', 'current_era.currency') }} as currency,
        opportunities.opened_at is null as is_opened_date_only,
        opportunities.closed_at is null as is_closed_date_only,
        {{ moment('opportunities.opened_at', 'opportunities.opened_on', 'current_era.zone') }}
            as opened_at,
        {{ moment('opportunities.closed_at', 'opportunities.closed_on', 'current_era.zone') }}
            as closed_at
    from opportunities
    inner join identity
        on opportunities.record_key = identity.record_key
    cross join current_era

),

-- what happens after as_of has not happened: a deal closed later is still open. So is one that was
-- reopened, and one whose closing is only hoped for, whatever day its source has for it
as_of_the_night as (

    select
        *,
        coalesce(closed_at <= {{ as_of() }} and status <> 'open', false) as is_closed
    from dated
    where coalesce(opened_at, closed_at, {{ as_of() }}) <= {{ as_of() }}

),

final as (

    select
        ----------  ids
        opportunity_key,
        lead_id,
        owner_key,

        ----------  strings
        zone,
        case when is_closed then status else 'open' end as status,
        currency,

        ----------  numerics
        amount,

        ----------  booleans
        is_closed and status = 'won' as is_won,
        is_closed,
        is_opened_date_only,
        is_closed_date_only,

        ----------  timestamps
        opened_at,
        case when is_closed then closed_at end as closed_at
    from as_of_the_night

)

select * from final
