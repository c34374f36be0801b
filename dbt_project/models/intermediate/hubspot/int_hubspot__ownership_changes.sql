with

history as (

    select * from {{ ref('int_hubspot__contact_history') }}
    where property = 'owner_id'

),

ownership_changes as (

    select
        ----------  ids
        record_key,
        -- cleared: nobody's
        system || ':' || value as owner_key,

        ----------  strings
        system,

        ----------  dates
        null::date as occurred_on,

        ----------  timestamps
        changed_at as occurred_at
    from history

)

select * from ownership_changes
