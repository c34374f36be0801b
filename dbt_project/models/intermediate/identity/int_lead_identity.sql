with recursive

records as (

    select * from {{ ref('int_lead_records') }}

),

links as (

    select * from {{ ref('int_identity_links') }}

),

-- the records of one mailbox are one already: they go by the first of them
mailboxes as (

    select
        records.record_key,
        coalesce(links.linked_record_key, records.record_key) as mailbox_key
    from records
    left join links
        on
            records.record_key = links.record_key
            and links.link_kind = 'email'

),

-- so only what the systems say themselves is left to follow, and a chain of it is short
told_steps as (

    select
        mailboxes.mailbox_key,
        linked_mailboxes.mailbox_key as linked_mailbox_key
    from links
    inner join mailboxes
        on links.record_key = mailboxes.record_key
    inner join mailboxes as linked_mailboxes
        on links.linked_record_key = linked_mailboxes.record_key
    where
        links.link_kind in ('merge', 'reference')
        and mailboxes.mailbox_key <> linked_mailboxes.mailbox_key

),

steps as (

    select
        mailbox_key,
        linked_mailbox_key
    from told_steps

    union

    select
        linked_mailbox_key,
        mailbox_key
    from told_steps

),

reached as (

    select
        mailbox_key,
        mailbox_key as reached_mailbox_key
    from steps

    union

    select
        reached.mailbox_key,
        steps.linked_mailbox_key
    from reached
    inner join steps
        on reached.reached_mailbox_key = steps.mailbox_key

),

groups as (

    select
        mailbox_key,
        min(reached_mailbox_key) as group_key
    from reached
    group by 1

),

grouped as (

    select
        records.record_key,
        records.surviving_record_key is null as is_surviving,
        records.system_precedence,
        records.record_created_at,
        coalesce(groups.group_key, mailboxes.mailbox_key) as group_key
    from records
    inner join mailboxes
        on records.record_key = mailboxes.record_key
    left join groups
        on mailboxes.mailbox_key = groups.mailbox_key

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
