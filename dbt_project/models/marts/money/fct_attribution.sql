with

opportunities as (

    select
        *,
        -- where the opening is not told, a campaign can have played a part until the closing
        coalesce(opened_at, closed_at, {{ as_of() }}) as open_at,
        case
            when opened_at is not null then is_opened_date_only
            when closed_at is not null then is_closed_date_only
            else false
        end as is_open_date_only
    from {{ ref('int_opportunities') }}

),

touches as (

    select * from {{ ref('int_campaign_touches') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

attribution_models as (

    select attribution_model
    from (
        values ('first'), ('last'), ('linear'), ('position_based')
    ) as known_models (attribution_model)

),

-- what came after the deal had been opened did not open it
earlier_touches as (

    select
        opportunities.opportunity_key,
        touches.campaign_key,
        touches.channel,
        touches.touch_kind,
        touches.touched_at,
        row_number() over (
            partition by opportunities.opportunity_key
            order by
                touches.touched_at,
                touches.touch_kind,
                touches.campaign_key
        ) as touch_number,
        count(*) over (partition by opportunities.opportunity_key) as touch_count
    from opportunities
    inner join touches
        on opportunities.lead_id = touches.lead_id
    where
        {{ duration_days(
            'touches.touched_at', 'touches.is_date_only',
            'opportunities.open_at', 'opportunities.is_open_date_only',
            'opportunities.zone'
        ) }} is not null

),

-- what a touch and all before it earn together; of no touch, the deal itself is the one row
shared as (

    select
        opportunities.opportunity_key,
        opportunities.lead_id,
        opportunities.currency,
        opportunities.amount,
        attribution_models.attribution_model,
        earlier_touches.campaign_key,
        earlier_touches.channel,
        earlier_touches.touch_kind,
        earlier_touches.touched_at,
        coalesce(earlier_touches.touch_number, 0) as touch_number,
        coalesce(earlier_touches.touch_count, 0) as touch_count,
        case
            when earlier_touches.touch_number is null then 1
            when attribution_models.attribution_model = 'first' then 1
            when earlier_touches.touch_number = earlier_touches.touch_count then 1
            when attribution_models.attribution_model = 'last' then 0
            when attribution_models.attribution_model = 'linear' or earlier_touches.touch_count = 2
                then earlier_touches.touch_number::numeric / earlier_touches.touch_count
            else
                0.4
                + 0.2 * (earlier_touches.touch_number - 1) / (earlier_touches.touch_count - 2)
        end as share_so_far
    from opportunities
    cross join attribution_models
    left join earlier_touches
        on opportunities.opportunity_key = earlier_touches.opportunity_key

),

-- each credit is what the touch adds, rounded, to what went before: so that no rounding gets lost
credited as (

    select
        *,
        round(share_so_far, 6) - round(lag(share_so_far, 1, 0.0) over deal, 6) as credit,
        round(amount * share_so_far, 2)
        - round(amount * lag(share_so_far, 1, 0.0) over deal, 2) as credited_amount
    from shared
    window deal as (
        partition by opportunity_key, attribution_model
        order by touch_number
    )

),

final as (

    select
        ----------  ids
        credited.opportunity_key,
        credited.lead_id,
        credited.campaign_key,

        ----------  strings
        credited.attribution_model,
        coalesce(credited.channel, leads.channel) as channel,
        credited.touch_kind,
        credited.currency,

        ----------  numerics
        credited.touch_number::integer as touch_number,
        credited.touch_count::integer as touch_count,
        credited.credit::numeric(9, 6) as credit,
        credited.credited_amount::numeric(18, 2) as credited_amount,

        ----------  booleans
        credited.campaign_key is not null as is_attributed,

        ----------  timestamps
        credited.touched_at
    from credited
    inner join leads
        on credited.lead_id = leads.lead_id
    where credited.credit > 0

)

select * from final
