-- HubSpot's forms name no campaign: of a contact it tells the one that brought it.

with

contacts as (

    select * from {{ ref('int_hubspot__leads') }}

),

touches as (

    select
        ----------  ids
        record_key,
        campaign_key,

        ----------  strings
        system,
        'joined' as touch_kind,

        ----------  dates
        created_on as occurred_on,

        ----------  timestamps
        created_at as occurred_at
    from contacts
    where campaign_key is not null

)

select * from touches
