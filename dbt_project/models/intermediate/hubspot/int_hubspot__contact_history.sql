-- What each contact told itself. A merge makes a third record, whose history joins those of the
-- others. What we know from a record that was merged away is its own, and is left out at those that
-- came of it: or a person would seem to go back and forth within one record, where two records told
-- two things. What came of a merge begins with where that left it, just before the others ended: a
-- merge is no news of the person, and puts nobody aside whom another record holds on the path.

with recursive

history as (

    select
        system || ':' || record_id as record_key,
        system,
        property,
        value,
        source_type,
        changed_at
    from {{ ref('stg_hubspot__property_history') }}
    where
        kind = 'contacts'
        and property in ('lifecycle_stage', 'reason', 'owner_id')

),

record_merges as (

    select * from {{ ref('int_hubspot__merges') }}

),

-- merges followed to their end
successors as (

    select
        merged_record_key,
        surviving_record_key,
        merged_at
    from record_merges

    union

    select
        successors.merged_record_key,
        record_merges.surviving_record_key,
        successors.merged_at
    from successors
    inner join record_merges
        on successors.surviving_record_key = record_merges.merged_record_key

),

survivors as (

    select successors.*
    from successors
    left join record_merges
        on successors.surviving_record_key = record_merges.merged_record_key
    where record_merges.merged_record_key is null

),

-- the records that are one in the end, and when each of them ended
families as (

    select
        merged_record_key as record_key,
        surviving_record_key as family_key,
        merged_at as ended_at
    from survivors

    union

    select
        surviving_record_key as record_key,
        surviving_record_key as family_key,
        timestamptz 'infinity' as ended_at
    from survivors

),

-- of those who tell the same, it happened to the one that ended first
told_in_families as (

    select
        history.*,
        families.family_key,
        families.ended_at,
        min(families.ended_at) over (
            partition by
                families.family_key, history.property, history.value, history.changed_at
        ) as first_ended_at
    from families
    inner join history
        on families.record_key = history.record_key

),

born as (

    select
        *,
        first_ended_at < ended_at as is_inherited,
        max(first_ended_at) filter (where first_ended_at < ended_at) over (
            partition by record_key
        ) as born_at
    from told_in_families

),

-- the last that was told by the time the merge made the record, the merge included
at_birth as (

    select distinct on (record_key, property) *
    from born
    where
        changed_at <= born_at
        or (born_at is not null and source_type = 'MERGE_OBJECTS')
    order by
        record_key asc,
        property asc,
        changed_at desc

),

own_history as (

    select history.*
    from history
    left join families
        on history.record_key = families.record_key
    where families.record_key is null

    union all

    select
        record_key,
        system,
        property,
        value,
        source_type,
        changed_at
    from born
    where
        not is_inherited
        and (born_at is null or source_type is distinct from 'MERGE_OBJECTS')

    union all

    select
        record_key,
        system,
        property,
        value,
        'MERGE_OBJECTS' as source_type,
        born_at - interval '1 microsecond' as changed_at
    from at_birth
    where
        is_inherited
        or source_type = 'MERGE_OBJECTS'

)

select * from own_history
