with

spend as (

    select * from {{ ref('int_campaign_spend') }}

),

final as (

    select
        ----------  ids
        campaign_key,

        ----------  strings
        currency,
        channel,

        ----------  numerics
        spent_amount,
        booking_count::integer as booking_count,

        ----------  dates
        spent_date
    from spend

)

select * from final
