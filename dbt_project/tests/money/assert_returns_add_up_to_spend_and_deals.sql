-- The same question put to three marts: what was spent, opened and won in the period? A failure
-- means that marketing_roi does not hold the money of fct_campaign_spend and fct_opportunities,
-- under some model, whole or by campaign or by channel.
with

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

period_kinds as (

    select *
    from (
        values
        ('month', interval '1 month'),
        ('quarter', interval '3 months')
    ) as kinds (period_kind, period_length)

),

money as (

    select
        null::timestamptz as deleted_at,
        spent_date as money_date,
        currency,
        spent_amount,
        0 as opened_amount,
        0 as won_amount
    from {{ ref('fct_campaign_spend') }}

    union all

    select
        leads.deleted_at,
        opportunities.opened_date as money_date,
        opportunities.currency,
        0 as spent_amount,
        opportunities.amount as opened_amount,
        0 as won_amount
    from {{ ref('fct_opportunities') }} as opportunities
    inner join {{ ref('dim_leads') }} as leads
        on opportunities.lead_id = leads.lead_id

    union all

    select
        leads.deleted_at,
        opportunities.closed_date as money_date,
        opportunities.currency,
        0 as spent_amount,
        0 as opened_amount,
        opportunities.amount as won_amount
    from {{ ref('fct_opportunities') }} as opportunities
    inner join {{ ref('dim_leads') }} as leads
        on opportunities.lead_id = leads.lead_id
    where opportunities.is_won

),

placed as (

    select
        money.*,
        period_kinds.period_kind,
        date_trunc(period_kinds.period_kind, money.money_date::timestamp) as local_start,
        date_trunc(period_kinds.period_kind, money.money_date::timestamp)
        + period_kinds.period_length as local_end,
        current_era.zone
    from money
    cross join period_kinds
    cross join current_era
    where money.money_date is not null

),

expected as (

    select
        period_kind,
        local_start::date as period_start_date,
        currency,
        sum(spent_amount) as spent_amount,
        coalesce(sum(opened_amount), 0) as opened_amount,
        coalesce(sum(won_amount), 0) as won_amount
    from placed
    where deleted_at is null or deleted_at >= local_end at time zone zone
    group by 1, 2, 3

),

told as (

    select
        period_kind,
        period_start_date,
        currency,
        attribution_model,
        coalesce(dimension, 'all') as dimension,
        sum(spent_amount) as spent_amount,
        sum(attributed_pipeline) as opened_amount,
        sum(attributed_revenue) as won_amount,
        sum(originated_revenue) as originated_amount
    from {{ ref('marketing_roi') }}
    group by 1, 2, 3, 4, 5

),

ways as (

    select
        models.attribution_model,
        dimensions.dimension
    from (
        values ('first'), ('last'), ('linear'), ('position_based')
    ) as models (attribution_model)
    cross join (values ('all'), ('channel'), ('campaign')) as dimensions (dimension)

)

select
    expected.*,
    ways.attribution_model,
    ways.dimension,
    told.spent_amount as told_spent_amount,
    told.opened_amount as told_opened_amount,
    told.won_amount as told_won_amount
from expected
cross join ways
full outer join told
    on
        expected.period_kind = told.period_kind
        and expected.period_start_date = told.period_start_date
        and expected.currency = told.currency
        and ways.attribution_model = told.attribution_model
        and ways.dimension = told.dimension
where
    expected.spent_amount is distinct from told.spent_amount
    or expected.opened_amount is distinct from told.opened_amount
    or expected.won_amount is distinct from told.won_amount
    or expected.won_amount is distinct from told.originated_amount
