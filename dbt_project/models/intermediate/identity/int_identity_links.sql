with

records as (

    select * from {{ ref('int_lead_records') }}

),

record_merges as (

    select * from {{ ref('int_source_merges') }}

),

cross_references as (

    select * from {{ ref('int_source_cross_references') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

merge_links as (

    select
        record_key,
        surviving_record_key as linked_record_key,
        'merge' as link_kind
    from records
    where surviving_record_key is not null

),

-- a record that came and went between two nights was never seen, and links those that were
unseen_links as (

    select
        record_merges.merged_record_key as record_key,
        record_merges.surviving_record_key as linked_record_key,
        'merge' as link_kind
    from record_merges
    cross join current_era
    left join records
        on record_merges.merged_record_key = records.record_key
    where
        records.record_key is null
        and {{ moment('record_merges.merged_at', 'record_merges.merged_on', 'current_era.zone') }}
        <= {{ as_of() }}

),

-- of records that were there by the night; what they name may be one that we never saw
reference_links as (

    select
        records.record_key,
        cross_references.linked_record_key,
        'cross_reference' as link_kind
    from records
    inner join cross_references
        on records.record_key = cross_references.record_key

),

-- every record of a mailbox is linked to the first one: a star joins them as well as all pairs
-- would
email_links as (

    select
        record_key,
        min(record_key) over (partition by normal_email) as linked_record_key,
        'email' as link_kind
    from records
    where
        normal_email is not null
        and not is_shared_mailbox

),

links as (

    select * from merge_links

    union all

    select * from unseen_links

    union all

    select * from reference_links

    union all

    select * from email_links
    where record_key <> linked_record_key

)

select * from links
