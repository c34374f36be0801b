-- What Marketo's log tells of the fields that rules may ask for: changes of values and of scores.
-- It tells changes only: what a field held before is the old value of its first change, or, where
-- there was none, the present value; and Marketo forgets changes after 90 days. After a merge the
-- log of the loser is the winner's: a line that does not go on where the one before it ended is a
-- loser's, and of what a winner or a loser began with nothing is known.

with

leads as (

    select * from {{ ref('stg_marketo__leads') }}

),

record_merges as (

    select * from {{ ref('int_marketo__merges') }}

),

fields as (

    select * from {{ ref('stg_marketo__fields') }}
    where
        fills in (
            {%- for name in lead_fields() %}
                '{{ name }}' {{- ',' if not loop.last }}
            {%- endfor %}
        )

),

-- Change Data Value, Change Score
value_changes as (

    select * from {{ ref('stg_marketo__activities') }}
    where type_id in (13, 22)

),

changes as (

    select
        value_changes.record_key,
        value_changes.system,
        fields.fills as field,
        nullif(value_changes.attributes ->> 'Old Value', '') as old_value,
        nullif(value_changes.attributes ->> 'New Value', '') as new_value,
        value_changes.happened_at as changed_at,
        row_number() over story as change_number,
        lag(nullif(value_changes.attributes ->> 'New Value', '')) over story as previous_value,
        row_number() over (
            partition by value_changes.record_key, fields.fills, value_changes.happened_at
            order by value_changes.activity_id desc
        ) = 1 as is_last_of_its_instant
    from value_changes
    inner join fields
        on
            value_changes.system = fields.system
            and value_changes.primary_attribute_value in (fields.label, fields.field_name)
    window story as (
        partition by value_changes.record_key, fields.fills
        order by
            value_changes.happened_at,
            value_changes.activity_id
    )

),

-- no change since then is missing
complete_since as (

    select
        system,
        min(happened_at) as first_changed_at
    from value_changes
    group by 1

),

merged_leads as (

    select surviving_record_key as record_key
    from record_merges

    union

    select merged_record_key
    from record_merges

),

first_changes as (

    select * from changes
    where change_number = 1

),

-- a field that fills a column of ours and of which the log has told
logged_fields as (

    select distinct
        system,
        field
    from changes

),

-- what stood there right before the first change is known, however far back the log reaches
at_the_beginning as (

    select
        leads.record_key,
        leads.system,
        logged_fields.field,
        case
            when first_changes.record_key is not null then first_changes.old_value
            else {{ field_value(lead_fields(), 'logged_fields.field', 'leads') }}
        end as value,
        least(
            greatest(leads.created_at, complete_since.first_changed_at),
            first_changes.changed_at - interval '1 microsecond'
        ) as changed_at
    from leads
    inner join complete_since
        on leads.system = complete_since.system
    inner join logged_fields
        on leads.system = logged_fields.system
    left join first_changes
        on
            leads.record_key = first_changes.record_key
            and logged_fields.field = first_changes.field
    left join merged_leads
        on leads.record_key = merged_leads.record_key
    where
        merged_leads.record_key is null
        and coalesce(first_changes.changed_at > leads.created_at, true)

),

own_changes as (

    select changes.*
    from changes
    left join merged_leads
        on changes.record_key = merged_leads.record_key
    where
        changes.is_last_of_its_instant
        and (
            merged_leads.record_key is null
            or changes.change_number = 1
            or changes.old_value is not distinct from changes.previous_value
        )

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
    from own_changes

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
