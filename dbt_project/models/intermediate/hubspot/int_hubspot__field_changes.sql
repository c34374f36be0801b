-- What HubSpot tells of the fields that rules may ask for. A property without a value when the
-- record was made has no history until it gets one: before that it was empty. The record that comes
-- of a merge tells both histories as one; what either of the two stood at before is theirs to tell,
-- where we have seen them, and it begins with where the merge left it.

with

history as (

    select
        system || ':' || record_id as record_key,
        system,
        property as field,
        value,
        changed_at
    from {{ ref('stg_hubspot__property_history') }}
    where
        kind = 'contacts'
        and property in (
            {%- for name in lead_fields() %}
                '{{ name }}',
            {%- endfor %}
            'second_email'
        )

),

contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

-- of a chain, the last merge; of those that we never saw before it, nobody else can tell
merged_contacts as (

    select
        record_merges.surviving_record_key as record_key,
        max(record_merges.merged_at) as born_at
    from {{ ref('int_hubspot__merges') }} as record_merges
    inner join contacts
        on record_merges.merged_record_key = contacts.record_key
    group by record_merges.surviving_record_key

),

-- all that was told before the merge is one row: what the record began with
told as (

    select distinct on (
        history.record_key, history.field, greatest(history.changed_at, merged_contacts.born_at)
    )
        history.record_key,
        history.system,
        history.field,
        history.value,
        greatest(history.changed_at, merged_contacts.born_at) as changed_at
    from history
    left join merged_contacts
        on history.record_key = merged_contacts.record_key
    order by
        history.record_key asc,
        history.field asc,
        greatest(history.changed_at, merged_contacts.born_at),
        history.changed_at desc

),

first_told as (

    select
        record_key,
        system,
        field,
        min(changed_at) as changed_at,
        count(*) as change_count
    from told
    group by
        record_key,
        system,
        field

),

-- HubSpot keeps the last 45 values: of a property that has had as many, nobody knows the first
empty_at_creation as (

    select
        first_told.record_key,
        first_told.system,
        first_told.field,
        null::text as value,
        contacts.created_at as changed_at
    from first_told
    inner join contacts
        on first_told.record_key = contacts.record_key
    left join merged_contacts
        on first_told.record_key = merged_contacts.record_key
    where
        merged_contacts.record_key is null
        and contacts.created_at < first_told.changed_at
        and first_told.change_count < 45

),

field_changes as (

    select * from told

    union all

    select * from empty_at_creation

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
