-- A failure means that a breakdown counts somebody twice or not at all.
with

conversions as (

    select
        period_kind,
        period_start_date,
        from_stage,
        to_stage,
        measure,
        coalesce(dimension, 'all') as dimension,
        sum(entered_count) as entered_count,
        sum(base_count) as base_count,
        sum(success_count) as success_count
    from {{ ref('funnel_conversion') }}
    group by 1, 2, 3, 4, 5, 6

)

select
    parts.*,
    wholes.entered_count as whole_entered_count,
    wholes.base_count as whole_base_count,
    wholes.success_count as whole_success_count
from conversions as wholes
cross join (values ('persona'), ('region'), ('channel')) as dimensions (dimension)
left join conversions as parts
    on
        wholes.period_kind = parts.period_kind
        and wholes.period_start_date = parts.period_start_date
        and wholes.from_stage = parts.from_stage
        and wholes.to_stage = parts.to_stage
        and wholes.measure = parts.measure
        and dimensions.dimension = parts.dimension
where
    wholes.dimension = 'all'
    and (
        wholes.entered_count is distinct from parts.entered_count
        or wholes.base_count is distinct from parts.base_count
        or wholes.success_count is distinct from parts.success_count
    )
