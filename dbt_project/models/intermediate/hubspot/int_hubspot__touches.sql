with

engagements as (

    select * from {{ ref('stg_hubspot__engagements') }}

),

submissions as (

    select * from {{ ref('stg_hubspot__form_submissions') }}

),

email_events as (

    select * from {{ ref('stg_hubspot__email_events') }}
    where event_type in ('SENT', 'BOUNCE')

),

contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

deletions as (

    select * from {{ ref('stg_hubspot__deletions') }}
    where coalesce(deleted_at, known_from) <= {{ as_of() }}

),

record_merges as (

    select * from {{ ref('int_hubspot__merges') }}

),

-- an activity on two contacts touched both
logged as (

    select
        engagements.system || ':' || engagements.kind || '/' || engagements.engagement_id
            as touch_key,
        engagements.system || ':' || associated.contact_id as record_key,
        engagements.owner_key,
        engagements.system,
        case engagements.kind
            when 'calls' then 'call'
            when 'emails' then 'email'
            when 'meetings' then 'meeting'
            when 'communications' then 'message'
            when 'tasks' then 'task'
            when 'notes' then 'note'
        end as kind,
        case
            when engagements.direction in ('OUTBOUND', 'EMAIL') then 'outbound'
            when engagements.direction in ('INBOUND', 'INCOMING_EMAIL', 'FORWARDED_EMAIL')
                then 'inbound'
            -- these have no direction in HubSpot: users log what they did
            when engagements.kind in ('meetings', 'communications') then 'outbound'
        end as direction,
        case
            -- the ids of the outcomes that every account has
            when engagements.outcome = 'f240bbac-87c9-4f6e-bf70-924b57d47db7' then 'connected'
            when
                engagements.outcome in (
                    '73a0d17f-1163-4015-bdd5-ec830791da20',
                    '9d9162e7-6cf3-4944-bf63-4dff82258764',
                    'a4c4c377-d246-4b32-a13b-75a56a4cd0ff',
                    'b2cf5968-551e-4856-9783-52b3da59a7d0',
                    '17b47fee-58de-441e-a44c-c6300d46f273'
                )
                then 'no answer'
            when engagements.kind = 'meetings' and engagements.outcome = 'COMPLETED' then 'held'
            when engagements.kind = 'meetings' and engagements.outcome = 'NO_SHOW' then 'no show'
            when engagements.kind = 'emails' and engagements.outcome in ('BOUNCED', 'FAILED')
                then 'bounced'
            when engagements.direction = 'INCOMING_EMAIL' then 'replied'
        end as outcome,
        false as is_automated,
        engagements.happened_at as occurred_at
    from engagements
    cross join
        lateral jsonb_array_elements_text(engagements.contact_ids) as associated (contact_id)
    left join deletions
        on
            engagements.system = deletions.system
            and engagements.kind = deletions.kind
            and engagements.engagement_id = deletions.record_id
    where deletions.record_id is null

),

addresses as (

    select
        system,
        record_key,
        contact_id,
        created_at,
        email as address,
        true as is_own
    from contacts

    union all

    select
        system,
        record_key,
        contact_id,
        created_at,
        second_email as address,
        false as is_own
    from contacts

),

-- forms and mailings name an address and no record. Of several contacts it means one that stands,
-- then the one whose own address it is, then the oldest
readers as (

    select distinct on (addresses.system, {{ spelled('addresses.address') }})
        addresses.system,
        {{ spelled('addresses.address') }} as address,
        addresses.record_key
    from addresses
    left join record_merges
        on addresses.record_key = record_merges.merged_record_key
    left join deletions
        on
            addresses.system = deletions.system
            and deletions.kind = 'contacts'
            and addresses.contact_id = deletions.record_id
    where addresses.address is not null
    order by
        addresses.system asc,
        {{ spelled('addresses.address') }} asc,
        record_merges.merged_record_key is null and deletions.record_id is null desc,
        addresses.is_own desc,
        addresses.created_at asc,
        addresses.record_key asc

),

filled_in as (

    select
        submissions.system || ':forms/' || submissions.form_id || '/' || submissions.submission_id
            as touch_key,
        readers.record_key,
        null::text as owner_key,
        submissions.system,
        'form' as kind,
        'inbound' as direction,
        null::text as outcome,
        false as is_automated,
        submissions.submitted_at as occurred_at
    from submissions
    inner join readers
        on
            submissions.system = readers.system
            and {{ spelled('submissions.email') }} = readers.address

),

mailed as (

    select
        email_events.system || ':email_events/' || email_events.event_id as touch_key,
        readers.record_key,
        null::text as owner_key,
        email_events.system,
        'email' as kind,
        'outbound' as direction,
        case email_events.event_type when 'BOUNCE' then 'bounced' end as outcome,
        true as is_automated,
        email_events.happened_at as occurred_at
    from email_events
    inner join readers
        on
            email_events.system = readers.system
            and {{ spelled('email_events.recipient') }} = readers.address

),

touches as (

    select * from logged

    union all

    select * from filled_in

    union all

    select * from mailed

),

final as (

    select
        ----------  ids
        touch_key,
        record_key,
        owner_key,

        ----------  strings
        system,
        kind,
        direction,
        outcome,

        ----------  booleans
        is_automated,

        ----------  dates
        null::date as occurred_on,

        ----------  timestamps
        occurred_at
    from touches

)

select * from final
