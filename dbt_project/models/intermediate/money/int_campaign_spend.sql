with

spend as (

    select * from {{ ref('int_source_spend') }}

),

campaigns as (

    select * from {{ ref('int_source_campaigns') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

booked as (

    select
        spend.campaign_key,
        {{ currency_code('spend.currency', 'current_era.currency') }} as currency,
        spend.amount,
        spend.spent_date
    from spend
    cross join current_era
    where spend.spent_date <= ({{ as_of() }} at time zone current_era.zone)::date

),

daily as (

    select
        campaign_key,
        currency,
        spent_date,
        -- a booking without an amount is one of nothing
        coalesce(sum(amount), 0)::numeric(18, 2) as spent_amount,
        count(*) as booking_count
    from booked
    group by 1, 2, 3

),

final as (

    select
        ----------  ids
        daily.campaign_key,

        ----------  strings
        daily.currency,
        campaigns.channel,

        ----------  numerics
        daily.spent_amount,
        daily.booking_count,

        ----------  dates
        daily.spent_date
    from daily
    left join campaigns
        on daily.campaign_key = campaigns.campaign_key

)

select * from final
