-- The log tells changes only: the first stage is the old value of the first change, or, where
-- there was none, the present value. Marketo forgets changes after 90 days, and then nobody knows
-- what a lead was created with. After a merge the log of the loser is the winner's, and so may the
-- winner's present value be: of the first stage of a winner nothing is known.

with

leads as (

    select * from {{ ref('stg_marketo__leads') }}

),

record_merges as (

    select * from {{ ref('int_marketo__merges') }}

),

stage_fields as (

    select * from {{ ref('stg_marketo__fields') }}
    where fills = 'lifecycle_stage'

),

-- Change Data Value
value_changes as (

    select * from {{ ref('stg_marketo__activities') }}
    where type_id = 13

),

-- no change since then is missing
complete_since as (

    select
        system,
        min(happened_at) as first_changed_at
    from value_changes
    group by 1

),

stage_values as (

    select
        value_changes.record_key,
        value_changes.system,
        nullif(value_changes.attributes ->> 'Old Value', '') as old_stage,
        nullif(value_changes.attributes ->> 'New Value', '') as new_stage,
        value_changes.happened_at,
        row_number() over story as change_number,
        lag(nullif(value_changes.attributes ->> 'New Value', '')) over story as previous_stage
    from value_changes
    inner join stage_fields
        on
            value_changes.system = stage_fields.system
            and value_changes.primary_attribute_value in (
                stage_fields.label, stage_fields.field_name
            )
    window story as (
        partition by value_changes.record_key
        order by
            value_changes.happened_at,
            value_changes.activity_id
    )

),

winners as (

    select distinct surviving_record_key as record_key
    from record_merges

),

-- a line that does not go on where the one before it ended is that of a loser: it would send the
-- winner back to where it never came from
own_changes as (

    select stage_values.*
    from stage_values
    left join winners
        on stage_values.record_key = winners.record_key
    where
        winners.record_key is null
        or stage_values.change_number = 1
        or stage_values.old_stage is not distinct from stage_values.previous_stage

),

at_creation as (

    select
        leads.record_key,
        leads.system,
        case
            when first_changes.record_key is not null then first_changes.old_stage
            -- the log of a loser may have gone to its winner
            when losers.merged_record_key is null then leads.lifecycle_stage
        end as source_stage,
        leads.created_at as entered_at
    from leads
    inner join complete_since
        on
            leads.system = complete_since.system
            and leads.created_at >= complete_since.first_changed_at
    left join stage_values as first_changes
        on
            leads.record_key = first_changes.record_key
            and first_changes.change_number = 1
    left join winners
        on leads.record_key = winners.record_key
    left join record_merges as losers
        on leads.record_key = losers.merged_record_key
    where winners.record_key is null

),

entered as (

    select * from at_creation

    union all

    select
        record_key,
        system,
        new_stage as source_stage,
        happened_at as entered_at
    from own_changes

),

dated as (

    select
        entered.*,
        -- whoever typed the lead in later than it arrived knew the day of that, and no more
        case when entered.entered_at = leads.created_at then leads.arrived_on end as entered_on
    from entered
    left join leads
        on entered.record_key = leads.record_key
    where entered.source_stage is not null

),

stage_changes as (

    select distinct
        ----------  ids
        record_key,

        ----------  strings
        system,
        source_stage,
        null::text as reason,

        ----------  dates
        entered_on as occurred_on,

        ----------  timestamps
        case when entered_on is null then entered_at end as occurred_at
    from dated

)

select * from stage_changes
