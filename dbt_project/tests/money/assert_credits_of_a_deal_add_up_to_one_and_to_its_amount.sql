-- A failure means that a deal is shared out to more or less than all of it under some model: money
-- would be made up, or lost, by the way in which it is shared out.
with

opportunities as (

    select * from {{ ref('fct_opportunities') }}

),

attribution_models as (

    select *
    from (
        values ('first'), ('last'), ('linear'), ('position_based')
    ) as models (attribution_model)

),

shared as (

    select
        opportunity_key,
        attribution_model,
        sum(credit) as credit,
        sum(credited_amount) as credited_amount
    from {{ ref('fct_attribution') }}
    group by 1, 2

)

select
    opportunities.opportunity_key,
    attribution_models.attribution_model,
    shared.credit,
    opportunities.amount,
    shared.credited_amount
from opportunities
cross join attribution_models
left join shared
    on
        opportunities.opportunity_key = shared.opportunity_key
        and attribution_models.attribution_model = shared.attribution_model
where
    shared.credit is distinct from 1
    or shared.credited_amount is distinct from opportunities.amount
