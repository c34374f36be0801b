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

-- what the systems say beyond that: which mailbox is the same person as which. A record that we
-- never saw stands for itself, and joins those that name it
told as (

    select distinct
        links.link_kind,
        coalesce(naming.mailbox_key, links.record_key) as mailbox_key,
        coalesce(named.mailbox_key, links.linked_record_key) as named_mailbox_key
    from links
    left join mailboxes as naming
        on links.record_key = naming.record_key
    left join mailboxes as named
        on links.linked_record_key = named.record_key
    where
        links.link_kind in ('merge', 'cross_reference')
        and coalesce(naming.mailbox_key, links.record_key)
        <> coalesce(named.mailbox_key, links.linked_record_key)

),

-- whoever names another goes by the one that it names, if nobody names it: so that millions of
-- references, nearly all of one step, need no following
hubs as (

    select
        naming.mailbox_key,
        min(naming.named_mailbox_key) as hub_key
    from told as naming
    left join told as named
        on
            naming.mailbox_key = named.named_mailbox_key
            and named.link_kind = 'cross_reference'
    where
        naming.link_kind = 'cross_reference'
        and named.named_mailbox_key is null
    group by 1

),

-- what is left to follow: merges, which are few, references to two records, references to one that
-- has some of its own. A chain of them is short
hub_steps as (

    select
        coalesce(naming.hub_key, told.mailbox_key) as hub_key,
        coalesce(named.hub_key, told.named_mailbox_key) as linked_hub_key
    from told
    left join hubs as naming
        on told.mailbox_key = naming.mailbox_key
    left join hubs as named
        on told.named_mailbox_key = named.mailbox_key
    where
        coalesce(naming.hub_key, told.mailbox_key)
        <> coalesce(named.hub_key, told.named_mailbox_key)

),

steps as (

    select
        hub_key,
        linked_hub_key
    from hub_steps

    union

    select
        linked_hub_key,
        hub_key
    from hub_steps

),

reached as (

    select
        hub_key,
        hub_key as reached_hub_key
    from steps

    union

    select
        reached.hub_key,
        steps.linked_hub_key
    from reached
    inner join steps
        on reached.reached_hub_key = steps.hub_key

),

groups as (

    select
        hub_key,
        min(reached_hub_key) as group_key
    from reached
    group by 1

),

grouped as (

    select
        records.record_key,
        records.surviving_record_key is null as is_surviving,
        records.system_precedence,
        records.record_created_at,
        coalesce(groups.group_key, hubs.hub_key, mailboxes.mailbox_key) as group_key
    from records
    inner join mailboxes
        on records.record_key = mailboxes.record_key
    left join hubs
        on mailboxes.mailbox_key = hubs.mailbox_key
    left join groups
        on coalesce(hubs.hub_key, mailboxes.mailbox_key) = groups.hub_key

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
