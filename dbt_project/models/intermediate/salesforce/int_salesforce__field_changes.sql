-- What Salesforce tells of the fields that rules may ask for: those that the org tracks. It tells
-- changes only: what a field held before is the old value of its first change, or, where there was
-- none, the present value. Salesforce forgets old changes: nobody knows what a field held before
-- the first change of that field that we hold of anybody.

with

records as (

    select * from {{ ref('int_salesforce__records') }}

),

changes as (

    select distinct on (record_key, field, changed_at)
        record_key,
        system,
        object,
        field,
        old_value,
        new_value,
        changed_at
    from {{ ref('stg_salesforce__field_history') }}
    where
        object in ('Lead', 'Contact')
        and field in (
            {%- for name in lead_fields() %}
                '{{ name }}',
            {%- endfor %}
            'second_email'
        )
    order by
        record_key asc,
        field asc,
        changed_at asc,
        history_id desc

),

-- no change since then is missing
tracked as (

    select
        system,
        object,
        field,
        min(changed_at) as complete_since
    from changes
    group by
        system,
        object,
        field

),

first_changes as (

    select distinct on (record_key, field) *
    from changes
    order by
        record_key,
        field,
        changed_at

),

-- what stood there right before the first change is known, however far back changes are
at_the_beginning as (

    select
        records.record_key,
        records.system,
        tracked.field,
        case
            when first_changes.record_key is not null then first_changes.old_value
            else {{ field_value(lead_fields() + ['second_email'], 'tracked.field', 'records') }}
        end as value,
        least(
            greatest(records.created_at, tracked.complete_since),
            first_changes.changed_at - interval '1 microsecond'
        ) as changed_at
    from records
    inner join tracked
        on
            records.system = tracked.system
            and records.record_kind = tracked.object
    left join first_changes
        on
            records.record_key = first_changes.record_key
            and tracked.field = first_changes.field
    where coalesce(first_changes.changed_at > records.created_at, true)

),

field_changes as (

    select * from at_the_beginning

    union all

    select
        record_key,
        system,
        field,
        new_value as value,
        changed_at
    from changes

),

final as (

    select
        ----------  ids
        record_key,

        ----------  strings
        system,
        field,
        value,

        ----------  timestamps
        changed_at
    from field_changes

)

select * from final
