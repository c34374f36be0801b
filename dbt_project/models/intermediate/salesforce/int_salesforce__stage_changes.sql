with

history as (

    select * from {{ ref('int_salesforce__record_history') }}

),

records as (

    select * from {{ ref('int_salesforce__records') }}

),

reasons_given as (

    select
        record_key,
        changed_at,
        max(held_value) as reason
    from history
    where property = 'reason'
    group by
        record_key,
        changed_at

),

-- whoever leaves again for the reason that still stands there leaves no trace of giving it
reasons as (

    select
        *,
        lead(changed_at) over (
            partition by record_key
            order by changed_at
        ) as replaced_at
    from reasons_given

),

entered as (

    select
        history.*,
        reasons.reason,
        -- whoever typed the lead in later than it arrived knew the day of that, and no more
        case when history.changed_at = records.created_at then records.arrived_on end as entered_on
    from history
    left join records
        on history.record_key = records.record_key
    left join reasons
        on
            history.record_key = reasons.record_key
            and history.changed_at >= reasons.changed_at
            and coalesce(history.changed_at < reasons.replaced_at, true)
    where
        history.property = 'stage'
        and history.held_value is not null

),

-- back and forth within a second is one stage
stage_changes as (

    select distinct
        ----------  ids
        record_key,

        ----------  strings
        system,
        held_value as source_stage,
        reason,

        ----------  dates
        entered_on as occurred_on,

        ----------  timestamps
        case when entered_on is null then changed_at end as occurred_at
    from entered

)

select * from stage_changes
