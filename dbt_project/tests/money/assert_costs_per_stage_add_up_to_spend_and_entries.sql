-- A failure means that cost_per_stage counts somebody, or some money, twice or not at all: its
-- campaigns or its channels do not add up to the whole, or the whole is not what was spent.
with

summed as (

    select
        period_kind,
        period_start_date,
        stage,
        currency,
        sum(entry_count) filter (where dimension is null) as entry_count,
        sum(entry_count) filter (where dimension = 'campaign') as by_campaign,
        sum(entry_count) filter (where dimension = 'channel') as by_channel,
        sum(spent_amount) filter (where dimension is null) as spent_amount,
        sum(spent_amount) filter (where dimension = 'campaign') as spent_by_campaign,
        sum(spent_amount) filter (where dimension = 'channel') as spent_by_channel
    from {{ ref('cost_per_stage') }}
    group by 1, 2, 3, 4

),

spent as (

    select
        date_trunc('month', spent_date::timestamp)::date as period_start_date,
        currency,
        sum(spent_amount) as spent_amount
    from {{ ref('fct_campaign_spend') }}
    group by 1, 2

)

select summed.*
from summed
left join spent
    on
        summed.period_kind = 'month'
        and summed.period_start_date = spent.period_start_date
        and summed.currency = spent.currency
where
    summed.entry_count is distinct from summed.by_campaign
    or summed.entry_count is distinct from summed.by_channel
    or summed.spent_amount is distinct from summed.spent_by_campaign
    or summed.spent_amount is distinct from summed.spent_by_channel
    or summed.period_kind = 'month'
    and summed.spent_amount <> coalesce(spent.spent_amount, 0)
