with

history as (

    select * from {{ ref('int_hubspot__contact_history') }}

),

contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

-- contacts have one pipeline: the id of a stage names it
stages as (

    select * from {{ ref('stg_hubspot__stages') }}
    where kind = 'contacts'

),

reasons as (

    select * from history
    where property = 'reason'

),

-- a stage is cleared before it goes back: that is no stage
entered as (

    select
        history.*,
        -- whoever typed the contact in later than it arrived knew the day of that, and no more
        coalesce(
            history.source_type = 'IMPORT'
            and history.changed_at < contacts.created_at + interval '1 day',
            false
        )
        and contacts.arrived_on is not null as is_date_only,
        contacts.arrived_on
    from history
    left join contacts
        on history.record_key = contacts.record_key
    where
        history.property = 'lifecycle_stage'
        and history.value is not null

),

-- two stages typed in for one day may be one word of ours
stage_changes as (

    select distinct
        ----------  ids
        entered.record_key,

        ----------  strings
        entered.system,
        -- a stage without a label goes by its id, which no agreement knows: a finding
        coalesce(stages.label, entered.value) as source_stage,
        reasons.value as reason,

        ----------  dates
        case when entered.is_date_only then entered.arrived_on end as occurred_on,

        ----------  timestamps
        case when not entered.is_date_only then entered.changed_at end as occurred_at
    from entered
    left join stages
        on
            entered.system = stages.system
            and entered.value = stages.stage_id
    left join reasons
        on
            entered.record_key = reasons.record_key
            and entered.changed_at = reasons.changed_at

)

select * from stage_changes
