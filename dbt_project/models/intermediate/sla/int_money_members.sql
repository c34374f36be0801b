-- Who is counted where what is promised is money.

with

periods as (

    select
        periods.*,
        -- a return has no currency: its sums are in that of the version's other promises
        coalesce(periods.currency, eras.currency, 'XXX') as counted_currency
    from {{ ref('int_commitment_periods') }} as periods
    inner join {{ ref('int_agreement_eras') }} as eras
        on periods.version = eras.version
    where periods.metric in ('revenue', 'pipeline', 'roi')

),

opportunities as (

    select
        opportunities.*,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at
    from {{ ref('int_opportunities') }} as opportunities
    inner join {{ ref('int_leads') }} as leads
        on opportunities.lead_id = leads.lead_id

),

campaign_spend as (

    select * from {{ ref('int_campaign_spend') }}

),

period_kinds as (

    select distinct
        period_kind,
        zone
    from periods

),

happenings as (

    select
        *,
        false as is_winning,
        opened_at as happened_at,
        is_opened_date_only as is_date_only
    from opportunities
    where opened_at is not null

    union all

    select
        *,
        true as is_winning,
        closed_at as happened_at,
        is_closed_date_only as is_date_only
    from opportunities
    where is_won

),

-- the period of each kind in which it happened, to be joined by equality
dated as (

    select
        happenings.*,
        period_kinds.period_kind,
        period_kinds.zone as period_zone,
        date_trunc(
            period_kinds.period_kind, happenings.happened_at at time zone period_kinds.zone
        )::date as period_start_date
    from happenings
    cross join period_kinds

),

deals as (

    select
        periods.version,
        periods.commitment_id,
        periods.segment,
        periods.period_start_date,
        dated.opportunity_key as member_key,
        dated.lead_id,
        coalesce(dated.amount, 0) as amount,
        null::numeric as spend,
        dated.is_date_only,
        dated.happened_at
    from periods
    inner join dated
        on
            -- the pipeline is what was opened, all else what was won
            (periods.metric <> 'pipeline') = dated.is_winning
            and periods.counted_currency = dated.currency
            and periods.period_kind = dated.period_kind
            and periods.zone = dated.period_zone
            and periods.period_start_date = dated.period_start_date
    where
        -- deleted before the period was over: not of its population
        coalesce(dated.deleted_at >= periods.period_end_at, true)
        and {{ in_segment('periods', {
            'persona': 'dated.persona', 'region': 'dated.region', 'channel': 'dated.channel'
        }) }}

),

bookings as (

    select
        periods.version,
        periods.commitment_id,
        periods.segment,
        periods.period_start_date,
        campaign_spend.campaign_key || '/' || campaign_spend.spent_date as member_key,
        null::text as lead_id,
        null::numeric as amount,
        campaign_spend.spent_amount as spend,
        true as is_date_only,
        campaign_spend.spent_date::timestamp at time zone periods.zone as happened_at
    from periods
    inner join campaign_spend
        on
            periods.counted_currency = campaign_spend.currency
            and periods.period_start_date
            = date_trunc(periods.period_kind, campaign_spend.spent_date::timestamp)::date
    where
        periods.metric = 'roi'
        and {{ in_segment('periods', {'channel': 'campaign_spend.channel'}) }}

),

members as (

    select * from deals

    union all

    select * from bookings

),

final as (

    select
        ----------  ids
        version,
        commitment_id,
        segment,
        member_key,
        lead_id,

        ----------  numerics
        null::bigint as cycle_number,
        null::numeric as days,
        amount,
        spend,

        ----------  booleans
        true as is_success,
        true as is_final,
        is_date_only as is_occurred_date_only,

        ----------  dates
        period_start_date,

        ----------  timestamps
        happened_at as occurred_at
    from members

)

select * from final
