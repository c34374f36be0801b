-- What a record stood at, from its creation on. Salesforce tells changes only: what came with the
-- creation is the old value of the first change, or, where there was none, the present value. It
-- forgets old changes, and then nobody knows how many there were before the first one that we hold.

with

records as (

    select * from {{ ref('int_salesforce__records') }}

),

field_history as (

    select * from {{ ref('stg_salesforce__field_history') }}
    where object in ('Lead', 'Contact')

),

-- no change since then is missing
complete_since as (

    select
        system,
        object,
        min(changed_at) as first_changed_at
    from field_history
    group by
        system,
        object

),

changes as (

    select
        record_key,
        system,
        object,
        case
            when field in ('status', 'lifecycle_stage') then 'stage'
            else field
        end as property,
        old_value,
        new_value,
        changed_at,
        history_id
    from field_history
    where
        field in ('reason', 'owner_id')
        or (object = 'Lead' and field = 'status')
        or (object = 'Contact' and field = 'lifecycle_stage')

),

first_changes as (

    select distinct on (record_key, property) *
    from changes
    order by
        record_key,
        property,
        changed_at,
        history_id

),

at_creation as (

    select
        records.record_key,
        records.system,
        properties.property,
        case
            when first_changes.record_key is null then properties.present_value
            else first_changes.old_value
        end as held_value,
        records.created_at as changed_at
    from records
    inner join complete_since
        on
            records.system = complete_since.system
            and records.record_kind = complete_since.object
            and records.created_at >= complete_since.first_changed_at
    cross join
        lateral (
            values
            ('stage', records.source_stage),
            ('reason', records.reason),
            ('owner_id', records.owner_id)
        ) as properties (property, present_value)
    left join first_changes
        on
            records.record_key = first_changes.record_key
            and properties.property = first_changes.property
    -- what a conversion copied from the lead and somebody replaced at once was never so: where two
    -- leads are merged by it, the one would send the other back onto the path
    where
        not records.is_converted_lead
        or coalesce(first_changes.changed_at > records.created_at, true)

),

history as (

    select * from at_creation

    union all

    select
        record_key,
        system,
        property,
        new_value as held_value,
        changed_at
    from changes

)

select * from history
