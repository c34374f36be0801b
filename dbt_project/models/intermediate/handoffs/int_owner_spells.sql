with

ownership_changes as (

    select * from {{ ref('int_source_ownership_changes') }}

),

records as (

    select * from {{ ref('int_lead_records') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

-- the changes of all records of a person tell one story
changes as (

    select
        identity.lead_id,
        ownership_changes.owner_key,
        records.system_precedence,
        ownership_changes.record_key,
        ownership_changes.occurred_at is null as is_date_only,
        {{ moment(
            'ownership_changes.occurred_at', 'ownership_changes.occurred_on', 'current_era.zone'
        ) }} as held_from
    from ownership_changes
    inner join identity
        on ownership_changes.record_key = identity.record_key
    inner join records
        on ownership_changes.record_key = records.record_key
    cross join current_era

),

spells as (

    select
        ----------  ids
        lead_id,
        owner_key,

        ----------  booleans
        is_date_only,

        ----------  timestamps
        held_from,
        lead(held_from) over (
            partition by lead_id
            -- of two changes at one instant that of the more trusted system stands; of two of one
            -- record the same one every night
            order by
                held_from asc, system_precedence desc nulls first, record_key desc,
                owner_key asc nulls first
        ) as held_until
    from changes
    where held_from <= {{ as_of() }}

)

-- a spell without an instant in it was nobody's
select * from spells
where held_until is null or held_until > held_from
