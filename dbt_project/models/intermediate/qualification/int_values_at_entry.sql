-- Who a lead was on entering a stage that the agreement guards or gives a value to: each field that
-- it asks for there, as it stood at that moment.

{%- set text_fields = lead_fields() | reject('equalto', 'score') | list %}

with

rules as (

    select * from {{ ref('int_qualification_rules') }}

),

lead_values as (

    select * from {{ ref('stg_agreement__lead_values') }}

),

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}
    where not is_inferred

),

records as (

    select * from {{ ref('int_lead_records') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

lead_versions as (

    select * from {{ ref('int_source_lead_versions') }}

),

field_changes as (

    select * from {{ ref('int_source_field_changes') }}

),

asked_fields as (

    select
        rules.version,
        rules.stage,
        fields.field
    from rules
    cross join lateral unnest(rules.fields) as fields (field)

    union

    -- what a lead is worth depends on the persona
    select
        version,
        stage,
        'persona' as field
    from lead_values

),

asked_stages as (

    select distinct
        version,
        stage
    from asked_fields

),

-- an address may stand in two places
told_fields as (

    select * from asked_fields

    union all

    select
        version,
        stage,
        'second_email' as field
    from asked_fields
    where field = 'email'

),

entries as (

    select
        cycle_stages.*,
        cycle_stages.lead_id || '/' || cycle_stages.cycle_number || '/' || cycle_stages.stage
            as entry_key,
        -- whoever is known to have entered on a day is judged by the end of that day: before it,
        -- nothing may have been known at all
        case
            when cycle_stages.is_date_only
                then
                    (
                        (cycle_stages.entered_at at time zone cycle_stages.zone)::date + 1
                    )::timestamp at time zone cycle_stages.zone
                    - interval '1 microsecond'
            else cycle_stages.entered_at
        end as judged_at
    from cycle_stages
    inner join asked_stages
        on
            cycle_stages.version = asked_stages.version
            and cycle_stages.stage = asked_stages.stage

),

-- the records that were the person's then: created, and neither merged away nor deleted by then.
-- Where none was, what came later is all that there is to go by
entry_records as (

    select
        entries.entry_key,
        entries.version,
        entries.stage,
        entries.judged_at,
        records.record_key,
        records.system_precedence,
        records.record_created_at,
        identity.is_surviving,
        coalesce(records.record_created_at <= entries.judged_at, true)
        and coalesce(records.record_merged_at > entries.judged_at, true)
        and coalesce(records.record_deleted_at > entries.judged_at, true) as was_there
    from entries
    inner join identity
        on entries.lead_id = identity.lead_id
    inner join records
        on identity.record_key = records.record_key

),

own_records as (

    select *
    from (
        select
            *,
            bool_or(was_there) over (partition by entry_key) as is_any_there
        from entry_records
    ) as all_records
    where was_there or not is_any_there

),

-- of each record, the version known at entry, else the first one seen after it
record_versions as (

    select distinct on (own_records.entry_key, own_records.record_key)
        own_records.entry_key,
        own_records.version,
        own_records.stage,
        own_records.record_key,
        own_records.system_precedence,
        own_records.is_surviving,
        own_records.record_created_at,
        lead_versions.known_from <= own_records.judged_at as is_known_at_entry,
        lead_versions.email,
        lead_versions.second_email,
        lead_versions.phone,
        lead_versions.company,
        lead_versions.country,
        lead_versions.region,
        lead_versions.persona,
        lead_versions.channel,
        lead_versions.score
    from own_records
    inner join lead_versions
        on own_records.record_key = lead_versions.record_key
    order by
        own_records.entry_key asc,
        own_records.record_key asc,
        lead_versions.known_from <= own_records.judged_at desc,
        abs(extract(epoch from lead_versions.known_from - own_records.judged_at)) asc

),

-- of each field, what it had become by the entry, else what the source first told of it after
record_changes as (

    select distinct on (own_records.entry_key, own_records.record_key, field_changes.field)
        own_records.entry_key,
        own_records.record_key,
        own_records.system_precedence,
        own_records.is_surviving,
        own_records.record_created_at,
        field_changes.field,
        field_changes.value,
        field_changes.changed_at <= own_records.judged_at as is_known_at_entry
    from own_records
    inner join told_fields
        on
            own_records.version = told_fields.version
            and own_records.stage = told_fields.stage
    inner join field_changes
        on
            own_records.record_key = field_changes.record_key
            and told_fields.field = field_changes.field
    order by
        own_records.entry_key asc,
        own_records.record_key asc,
        field_changes.field asc,
        field_changes.changed_at <= own_records.judged_at desc,
        abs(extract(epoch from field_changes.changed_at - own_records.judged_at)) asc

),

-- how we know, the best first: 1 history, 2 the version known at entry, 3 what was seen after it
told as (

    select
        record_versions.entry_key,
        record_versions.record_key,
        record_versions.system_precedence,
        record_versions.is_surviving,
        record_versions.record_created_at,
        told_fields.field,
        case when record_versions.is_known_at_entry then 2 else 3 end as basis,
        2 as told_by,
        {{ field_value(
            lead_fields() + ['second_email'], 'told_fields.field', 'record_versions'
        ) }} as value
    from record_versions
    inner join told_fields
        on
            record_versions.version = told_fields.version
            and record_versions.stage = told_fields.stage

    union all

    select
        entry_key,
        record_key,
        system_precedence,
        is_surviving,
        record_created_at,
        field,
        case when is_known_at_entry then 1 else 3 end as basis,
        1 as told_by,
        value
    from record_changes

),

best_told as (

    select distinct on (entry_key, record_key, field) *
    from told
    order by
        entry_key,
        record_key,
        field,
        basis,
        told_by

),

-- the address of a record: the second one where it has no first
addressed as (

    select
        entry_key,
        record_key,
        system_precedence,
        is_surviving,
        record_created_at,
        field,
        basis,
        case
            when field = 'email'
                then
                    coalesce(
                        value,
                        max(case when field = 'second_email' then value end)
                            over (partition by entry_key, record_key)
                    )
            else value
        end as value
    from best_told

),

known as (

    select
        entry_key,
        record_key,
        system_precedence,
        is_surviving,
        record_created_at,
        field,
        basis,
        case
            when field = 'email'
                then
                    -- "none" and "n/a" are no address
                    case
                        when {{ spelled('value') }} ~ '^[^@\s]+@[^@\s]+$'
                            then {{ spelled('value') }}
                    end
            when field = 'score'
                then
                    case
                        when value ~ '^\s*-?\d+(\.\d+)?\s*$' then round(value::numeric)::text
                    end
            else nullif({{ trimmed('value') }}, '')
        end as value
    from addressed
    where field <> 'second_email'

),

-- a person's attribute: in the first system that has one, what was known at entry before what was
-- seen later, the surviving record's before another's
attributes as (

    select
        entry_key,
        field,
        {{ first_known('value', '''order by
            system_precedence nulls last,
            basis,
            is_surviving desc,
            record_created_at nulls last,
            record_key''') }} as value,
        {{ first_known('basis', '''order by
            value is null,
            case when value is null then -basis end,
            system_precedence nulls last,
            basis''') }} as basis
    from known
    group by
        entry_key,
        field

),

leads as (

    select
        entry_key,
        {%- for field in text_fields %}
            max(value) filter (where field = '{{ field }}') as {{ field }},
        {%- endfor %}
        max(value) filter (where field = 'score')::bigint as score,
        {%- for field in lead_fields() %}
            max(basis) filter (where field = '{{ field }}') as {{ field }}_basis,
        {%- endfor %}
        array_agg(field) filter (where value is not null) as known_fields
    from attributes
    group by entry_key

),

final as (

    select
        ----------  ids
        entries.lead_id,
        entries.version,

        ----------  strings
        entries.stage,
        {%- for field in text_fields %}
            leads.{{ field }},
        {%- endfor %}
        coalesce(leads.known_fields, '{}') as known_fields,

        ----------  numerics
        entries.cycle_number,
        leads.score,
        {%- for field in lead_fields() %}
            leads.{{ field }}_basis,
        {%- endfor %}

        ----------  booleans
        entries.is_date_only,
        leads.entry_key is not null as is_anything_known,

        ----------  timestamps
        entries.entered_at,
        entries.judged_at
    from entries
    left join leads
        on entries.entry_key = leads.entry_key

)

select * from final
