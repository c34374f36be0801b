with

entries as (

    select * from {{ ref('fct_funnel_stages') }}

),

leads as (

    select * from {{ ref('dim_leads') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

spend as (

    select * from {{ ref('fct_campaign_spend') }}

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

-- each lead and cycle once, at its first observed entry
first_entries as (

    select
        lead_id,
        cycle_number,
        stage,
        min(stage_rank) as stage_rank,
        min(entered_date) as entered_date
    from entries
    where
        stage_rank is not null
        and not is_inferred
    group by 1, 2, 3

),

-- early, before they are laid out by period and segment: how many of a kind entered in a month
entered as (

    select
        first_entries.stage,
        date_trunc('month', first_entries.entered_date::timestamp)::date as entered_month,
        leads.campaign_key,
        coalesce(campaigns.channel, leads.channel) as channel,
        leads.deleted_at,
        min(first_entries.stage_rank) as stage_rank,
        count(*)::integer as entry_count
    from first_entries
    inner join leads
        on first_entries.lead_id = leads.lead_id
    left join campaigns
        on leads.campaign_key = campaigns.campaign_key
    group by 1, 2, 3, 4, 5

),

counted as (

    select
        period_kinds.period_kind,
        date_trunc(period_kinds.period_kind, entered.entered_month::timestamp)::date
            as period_start_date,
        segments.segment,
        segments.dimension,
        segments.dimension_value,
        entered.stage,
        sum(entered.entry_count) as entry_count
    from entered
    cross join period_kinds
    cross join current_era
    cross join
        {{ segments({'channel': 'entered.channel', 'campaign': 'entered.campaign_key'}) }}
    where
        -- deleted before the period was over: not of its population
        coalesce(
            entered.deleted_at
            >= {{ period_end_at(
                'entered.entered_month', 'period_kinds.period_kind', 'current_era.zone'
            ) }},
            true
        )
    group by 1, 2, 3, 4, 5, 6

),

spent as (

    {{ spent_by_segment('spend', 'period_kinds') }}

),

stages as (

    select
        stage,
        min(stage_rank) as stage_rank
    from first_entries
    group by 1

),

currencies as (

    select distinct currency from spend

),

kept as (

    select
        period_kind,
        period_start_date,
        segment,
        dimension,
        dimension_value
    from counted

    union

    select
        period_kind,
        period_start_date,
        segment,
        dimension,
        dimension_value
    from spent

),

measured as (

    select
        kept.*,
        stages.stage,
        stages.stage_rank,
        currencies.currency,
        coalesce(counted.entry_count, 0) as entry_count,
        coalesce(spent.spent_amount, 0) as spent_amount
    from kept
    cross join stages
    cross join currencies
    left join counted
        on
            kept.period_kind = counted.period_kind
            and kept.period_start_date = counted.period_start_date
            and kept.segment = counted.segment
            and stages.stage = counted.stage
    left join spent
        on
            kept.period_kind = spent.period_kind
            and kept.period_start_date = spent.period_start_date
            and kept.segment = spent.segment
            and currencies.currency = spent.currency

),

final as (

    select
        ----------  ids
        segment,

        ----------  strings
        period_kind,
        stage,
        currency,
        dimension,
        dimension_value,

        ----------  numerics
        stage_rank,
        entry_count::integer as entry_count,
        spent_amount::numeric(18, 2) as spent_amount,
        case
            when entry_count > 0 then round(spent_amount / entry_count, 2)
        end::numeric(18, 2) as cost_per_entry,

        ----------  dates
        period_start_date
    from measured

)

select * from final
