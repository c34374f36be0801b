with recursive

records as (

    select * from {{ ref('int_lead_records') }}

),

links as (

    select * from {{ ref('int_identity_links') }}

),

steps as (

    select
        record_key,
        linked_record_key
    from links

    union

    select
        linked_record_key,
        record_key
    from links

),

-- every record that can be reached from a linked one: people have few records, so this stays small
reached as (

    select
        record_key,
        record_key as reached_record_key
    from steps

    union

    select
        reached.record_key,
        steps.linked_record_key
    from reached
    inner join steps
        on reached.reached_record_key = steps.record_key

),

groups as (

    select
        record_key,
        min(reached_record_key) as group_key
    from reached
    group by 1

),

grouped as (

    select
        records.record_key,
        records.surviving_record_key is null as is_surviving,
        records.system_precedence,
        records.record_created_at,
        coalesce(groups.group_key, records.record_key) as group_key
    from records
    left join groups
        on records.record_key = groups.record_key

),

-- where nobody survives (merged into a record that we never saw, or in a ring), all of them stand:
-- nobody is lost
standing as (

    select
        record_key,
        system_precedence,
        record_created_at,
        group_key,
        is_surviving
        or not bool_or(is_surviving) over (partition by group_key) as is_surviving
    from grouped

),

identified as (

    select
        record_key,
        -- a person goes by the key of the surviving record in the most trusted system, the oldest
        -- first
        first_value(record_key) over (
            partition by group_key
            order by
                is_surviving desc,
                system_precedence asc nulls last,
                record_created_at asc nulls last,
                record_key asc
        ) as lead_id,
        count(*) over (partition by group_key) as record_count,
        is_surviving
    from standing

)

select * from identified
