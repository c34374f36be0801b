-- Of all that the log tells, what somebody sent or filled in: whoever opens a letter, clicks or
-- looks at a page is interested, and nobody has spoken with them.

with

activities as (

    select * from {{ ref('stg_marketo__activities') }}

),

touches as (

    select
        ----------  ids
        touch_key,
        record_key,
        null::text as owner_key,

        ----------  strings
        system,
        -- Fill Out Form, Send Email, Email Bounced
        case when type_id = 2 then 'form' else 'email' end as kind,
        case when type_id = 2 then 'inbound' else 'outbound' end as direction,
        case when type_id = 8 then 'bounced' end as outcome,

        ----------  booleans
        type_id <> 2 as is_automated,

        ----------  dates
        null::date as occurred_on,

        ----------  timestamps
        happened_at as occurred_at
    from activities
    where type_id in (2, 6, 8)

)

select * from touches
