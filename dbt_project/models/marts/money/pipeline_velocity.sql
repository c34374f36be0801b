with

opportunities as (

    select * from {{ ref('fct_opportunities') }}

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

deals as (

    select
        opportunities.*,
        leads.deleted_at,
        coalesce(opportunities.opened_at, opportunities.closed_at, {{ as_of() }}) as known_at
    from opportunities
    inner join leads
        on opportunities.lead_id = leads.lead_id

),

-- from the first deal to the night, in every currency
periods as (

    select
        bounds.currency,
        period_kinds.period_kind,
        starts.local_start::date as period_start_date,
        starts.local_start at time zone current_era.zone as period_start_at,
        (starts.local_start + {{ period_length('period_kinds.period_kind') }})
        at time zone current_era.zone as period_end_at
    from (
        select
            currency,
            min(known_at) as first_known_at
        from deals
        group by 1
    ) as bounds
    cross join period_kinds
    cross join current_era
    cross join
        lateral generate_series(
            date_trunc(
                period_kinds.period_kind, bounds.first_known_at at time zone current_era.zone
            ),
            {{ as_of() }} at time zone current_era.zone,
            {{ period_length('period_kinds.period_kind') }}
        ) as starts (local_start)
    where starts.local_start at time zone current_era.zone < {{ as_of() }}

),

measured as (

    select
        periods.period_kind,
        periods.period_start_date,
        periods.currency,
        periods.period_end_at,
        count(*) filter (
            where deals.closed_at is null or deals.closed_at >= periods.period_end_at
        ) as open_count,
        count(*) filter (
            where deals.is_closed and deals.closed_at < periods.period_end_at
        ) as closed_count,
        count(*) filter (
            where deals.is_won and deals.closed_at < periods.period_end_at
        ) as won_count,
        avg(deals.amount) filter (
            where deals.is_won and deals.closed_at < periods.period_end_at
        ) as average_won_amount,
        avg(deals.days_to_close) filter (
            where deals.is_won and deals.closed_at < periods.period_end_at
        ) as average_days_to_win
    from periods
    left join deals
        on
            periods.currency = deals.currency
            and periods.period_end_at > deals.known_at
            and coalesce(periods.period_start_at <= deals.closed_at, true)
            and coalesce(periods.period_end_at <= deals.deleted_at, true)
    group by 1, 2, 3, 4

),

final as (

    select
        ----------  strings
        period_kind,
        currency,

        ----------  numerics
        open_count::integer as open_count,
        closed_count::integer as closed_count,
        won_count::integer as won_count,
        round(won_count::numeric / nullif(closed_count, 0), 6)::numeric(9, 6) as win_rate,
        round(average_won_amount, 2)::numeric(18, 2) as average_won_amount,
        round(average_days_to_win, 6)::numeric(12, 6) as average_days_to_win,
        round(
            open_count * (won_count::numeric / nullif(closed_count, 0)) * average_won_amount
            / nullif(average_days_to_win, 0),
            2
        )::numeric(18, 2) as amount_per_day,

        ----------  booleans
        period_end_at <= {{ as_of() }} as is_over,

        ----------  dates
        period_start_date
    from measured

)

select * from final
