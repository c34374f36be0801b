with

history as (

    select * from {{ ref('int_salesforce__record_history') }}
    where property = 'owner_id'

),

owners as (

    select * from {{ ref('int_salesforce__owners') }}

),

ownership_changes as (

    select
        ----------  ids
        history.record_key,
        -- every record has an owner; a queue or an integration is nobody
        owners.owner_key,

        ----------  strings
        history.system,

        ----------  dates
        null::date as occurred_on,

        ----------  timestamps
        history.changed_at as occurred_at
    from history
    left join owners
        on history.system || ':' || history.held_value = owners.owner_key

)

select * from ownership_changes
