with

campaigns as (

    select * from {{ ref('int_source_campaigns') }}

),

spend as (

    select * from {{ ref('int_campaign_spend') }}

),

spent as (

    select
        campaign_key,
        -- money of two currencies is no sum
        case when count(distinct currency) = 1 then sum(spent_amount) end as spent_amount,
        case when count(distinct currency) = 1 then min(currency) end as currency
    from spend
    group by 1

),

final as (

    select
        ----------  ids
        campaigns.campaign_key,

        ----------  strings
        campaigns.campaign_name,
        campaigns.channel,
        spent.currency,

        ----------  numerics
        case
            when spent.campaign_key is null then 0
            else spent.spent_amount
        end::numeric(18, 2) as spent_amount,

        ----------  dates
        campaigns.started_date,
        campaigns.ended_date
    from campaigns
    left join spent
        on campaigns.campaign_key = spent.campaign_key

)

select * from final
