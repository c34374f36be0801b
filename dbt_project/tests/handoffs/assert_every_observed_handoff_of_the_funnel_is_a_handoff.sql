-- The first observed entry of a cycle to the stage at which the version then in force hands over,
-- counted in the published funnel, in plain words: one handoff each, at that instant, and no other.

with

handoff_stages as (

    select
        version,
        handoff_stage
    from {{ ref('stg_agreement__versions') }}

),

told as (

    select
        stages.lead_id,
        stages.cycle_number,
        min(stages.entered_at) as handed_off_at
    from {{ ref('fct_funnel_stages') }} as stages
    inner join handoff_stages
        on
            stages.agreement_version = handoff_stages.version
            and stages.stage = handoff_stages.handoff_stage
    where not stages.is_inferred
    group by 1, 2

),

found as (

    select
        lead_id,
        cycle_number,
        handed_off_at
    from {{ ref('fct_handoffs') }}

)

(
    select * from told
    except
    select * from found
)

union all

(
    select * from found
    except
    select * from told
)
