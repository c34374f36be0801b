with

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

handoff_stages as (

    select * from {{ ref('stg_agreement__stages') }}

),

-- all sums of a version are in one currency: the agreement's check sees to that
currencies as (

    select
        version,
        min(currency) as currency
    from {{ ref('stg_agreement__commitments') }}
    group by 1

),

eras as (

    select
        versions.version,
        versions.zone,
        currencies.currency,
        handoff_stages.stage_rank as handoff_rank,
        versions.in_force_from <= {{ as_of() }}
        and coalesce(versions.in_force_until > {{ as_of() }}, true) as is_current,
        -- what happened before the first version is read in its words
        case
            when lag(versions.version) over (order by versions.in_force_from) is null
                then '-infinity'::date
            else versions.effective_from
        end as starts_on,
        coalesce(versions.effective_until, 'infinity'::date) as ends_on,
        case
            when lag(versions.version) over (order by versions.in_force_from) is null
                then '-infinity'::timestamptz
            else versions.in_force_from
        end as starts_at,
        coalesce(versions.in_force_until, 'infinity'::timestamptz) as ends_at
    from versions
    inner join handoff_stages
        on
            versions.version = handoff_stages.version
            and versions.handoff_stage = handoff_stages.stage
    left join currencies
        on versions.version = currencies.version

)

select * from eras
