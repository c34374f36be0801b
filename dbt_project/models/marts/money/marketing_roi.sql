with

opportunities as (

    select * from {{ ref('fct_opportunities') }}

),

attribution as (

    select * from {{ ref('fct_attribution') }}

),

spend as (

    select * from {{ ref('fct_campaign_spend') }}

),

leads as (

    select * from {{ ref('dim_leads') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

period_kinds as (

    select *
    from (
        values ('month'), ('quarter')
    ) as kinds (period_kind)

),

attribution_models as (

    select *
    from (
        values ('first'), ('last'), ('linear'), ('position_based')
    ) as models (attribution_model)

),

-- a person is a new customer with the first deal that they win
deals as (

    select
        opportunities.*,
        opportunities.is_won
        and row_number() over (
            partition by opportunities.lead_id, opportunities.is_won
            order by
                opportunities.closed_at,
                opportunities.opportunity_key
        ) = 1 as is_new_customer,
        leads.deleted_at
    from opportunities
    inner join leads
        on opportunities.lead_id = leads.lead_id

),

-- a deal counts in the period in which it was opened, and in the one in which it was won
happenings as (

    select
        *,
        'opened' as happening,
        opened_date as happened_date
    from deals
    where opened_date is not null

    union all

    select
        *,
        'won' as happening,
        closed_date as happened_date
    from deals
    where is_won

),

placed as (

    select
        happenings.*,
        period_kinds.period_kind,
        date_trunc(period_kinds.period_kind, happenings.happened_date::timestamp)::date
            as period_start_date
    from happenings
    cross join period_kinds
    cross join current_era
    where
        -- deleted before the period was over: not of its population
        coalesce(
            happenings.deleted_at
            >= {{ period_end_at(
                'happenings.happened_date', 'period_kinds.period_kind', 'current_era.zone'
            ) }},
            true
        )

),

-- each deal in each part of the whole that has earned some of it
parts as (

    select
        placed.opportunity_key,
        placed.happening,
        placed.period_kind,
        placed.period_start_date,
        placed.currency,
        placed.amount,
        placed.is_new_customer,
        attribution.attribution_model,
        attribution.is_attributed,
        attribution.credit,
        attribution.credited_amount,
        segments.segment,
        segments.dimension,
        segments.dimension_value
    from placed
    inner join attribution
        on placed.opportunity_key = attribution.opportunity_key
    cross join
        {{ segments({
            'channel': 'attribution.channel', 'campaign': 'attribution.campaign_key'
        }) }}

),

credited as (

    select
        period_kind,
        period_start_date,
        currency,
        segment,
        dimension,
        dimension_value,
        attribution_model,
        sum(credited_amount) filter (where happening = 'opened') as attributed_pipeline,
        sum(credited_amount) filter (where happening = 'won') as attributed_revenue,
        sum(credit) filter (where happening = 'won') as won_count,
        sum(credit) filter (where happening = 'won' and is_new_customer) as new_customer_count
    from parts
    group by 1, 2, 3, 4, 5, 6, 7

),

-- whole, and once, however many touches of the part there were
influences as (

    select distinct
        period_kind,
        period_start_date,
        currency,
        segment,
        opportunity_key,
        amount
    from parts
    where
        happening = 'won'
        and is_attributed

),

influenced as (

    select
        period_kind,
        period_start_date,
        currency,
        segment,
        sum(amount) as influenced_revenue
    from influences
    group by 1, 2, 3, 4

),

spent as (

    {{ spent_by_segment('spend', 'period_kinds') }}

),

kept as (

    select
        period_kind,
        period_start_date,
        currency,
        segment,
        dimension,
        dimension_value
    from credited

    union

    select
        period_kind,
        period_start_date,
        currency,
        segment,
        dimension,
        dimension_value
    from spent

),

measured as (

    select
        kept.*,
        attribution_models.attribution_model,
        coalesce(spent.spent_amount, 0) as spent_amount,
        coalesce(credited.attributed_pipeline, 0) as attributed_pipeline,
        coalesce(credited.attributed_revenue, 0) as attributed_revenue,
        coalesce(credited.won_count, 0) as won_count,
        coalesce(credited.new_customer_count, 0) as new_customer_count,
        coalesce(originated.attributed_revenue, 0) as originated_revenue,
        coalesce(influenced.influenced_revenue, 0) as influenced_revenue
    from kept
    cross join attribution_models
    left join credited
        on
            kept.period_kind = credited.period_kind
            and kept.period_start_date = credited.period_start_date
            and kept.currency = credited.currency
            and kept.segment = credited.segment
            and attribution_models.attribution_model = credited.attribution_model
    -- whoever touched first brought the deal, whatever model the row is of
    left join credited as originated
        on
            kept.period_kind = originated.period_kind
            and kept.period_start_date = originated.period_start_date
            and kept.currency = originated.currency
            and kept.segment = originated.segment
            and originated.attribution_model = 'first'
    left join influenced
        on
            kept.period_kind = influenced.period_kind
            and kept.period_start_date = influenced.period_start_date
            and kept.currency = influenced.currency
            and kept.segment = influenced.segment
    left join spent
        on
            kept.period_kind = spent.period_kind
            and kept.period_start_date = spent.period_start_date
            and kept.currency = spent.currency
            and kept.segment = spent.segment

),

final as (

    select
        ----------  ids
        segment,

        ----------  strings
        period_kind,
        attribution_model,
        currency,
        dimension,
        dimension_value,

        ----------  numerics
        spent_amount::numeric(18, 2) as spent_amount,
        attributed_pipeline::numeric(18, 2) as attributed_pipeline,
        attributed_revenue::numeric(18, 2) as attributed_revenue,
        originated_revenue::numeric(18, 2) as originated_revenue,
        influenced_revenue::numeric(18, 2) as influenced_revenue,
        won_count::numeric(18, 6) as won_count,
        new_customer_count::numeric(18, 6) as new_customer_count,
        case
            when spent_amount > 0
                then round((attributed_revenue - spent_amount) / spent_amount, 6)
        end::numeric(18, 6) as roi,
        case
            when new_customer_count > 0 then round(spent_amount / new_customer_count, 2)
        end::numeric(18, 2) as customer_acquisition_cost,

        ----------  dates
        period_start_date
    from measured

)

select * from final
