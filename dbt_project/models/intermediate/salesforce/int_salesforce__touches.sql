with

tasks as (

    select
        *,
        {{ spelled('task_type') }} as spelled_type
    from {{ ref('stg_salesforce__tasks') }}

),

events as (

    select * from {{ ref('stg_salesforce__events') }}

),

owners as (

    select * from {{ ref('int_salesforce__owners') }}

),

deletions as (

    select
        *,
        coalesce(deleted_at, known_from) as gone_at
    from {{ ref('stg_salesforce__deletions') }}
    where
        how <> 'restored'
        and coalesce(deleted_at, known_from) <= {{ as_of() }}

),

activities as (

    select
        touch_key,
        'Task' as activity_kind,
        task_id as activity_id,
        record_key,
        owner_id,
        system,
        case
            when is_closed is not true then 'task'
            when subtype = 'Call' or spelled_type = 'call' then 'call'
            when subtype in ('Email', 'ListEmail') or spelled_type = 'email' then 'email'
            when subtype = 'LinkedIn' or spelled_type in ('message', 'sms') then 'message'
            when spelled_type = 'meeting' then 'meeting'
            when spelled_type = 'note' then 'note'
            else 'task'
        end as kind,
        direction,
        outcome,
        -- one of a mailing to many
        coalesce(subtype = 'ListEmail', false) as is_automated,
        -- Salesforce says when a task was done since 2020 only; of a call it says the day
        case when is_closed and completed_at is null then due_on end as occurred_on,
        case
            when is_closed and completed_at is not null then completed_at
            when is_closed is not true or due_on is null then created_at
        end as occurred_at
    from tasks

    union all

    select
        touch_key,
        'Event' as activity_kind,
        event_id as activity_id,
        record_key,
        owner_id,
        system,
        'meeting' as kind,
        direction,
        outcome,
        false as is_automated,
        null::date as occurred_on,
        starts_at as occurred_at
    from events

),

-- what is deleted was logged by mistake, unless it went with the person it was about
standing as (

    select activities.*
    from activities
    left join deletions as own
        on
            activities.system = own.system
            and activities.activity_kind = own.object
            and activities.activity_id = own.record_id
    left join deletions as persons
        on activities.record_key = persons.record_key
    where
        own.record_id is null
        or persons.gone_at <= own.gone_at + interval '1 minute'

),

touches as (

    select
        ----------  ids
        standing.touch_key,
        standing.record_key,
        owners.owner_key,

        ----------  strings
        standing.system,
        standing.kind,
        case
            when {{ spelled('standing.direction') }} in ('outbound', 'inbound')
                then {{ spelled('standing.direction') }}
            -- users log what they did; of a letter it is not known who wrote it
            when
                standing.direction is null
                and standing.kind in ('call', 'message', 'meeting')
                then 'outbound'
        end as direction,
        case
            when standing.outcome is not null
                then translate({{ spelled('standing.outcome') }}, '-_', '  ')
            when
                standing.kind = 'email'
                and {{ spelled('standing.direction') }} = 'inbound'
                then 'replied'
        end as outcome,

        ----------  booleans
        standing.is_automated,

        ----------  dates
        standing.occurred_on,

        ----------  timestamps
        standing.occurred_at
    from standing
    left join owners
        on standing.system || ':' || standing.owner_id = owners.owner_key
    -- what concerns a company or a deal alone touches nobody
    where standing.record_key is not null

)

select * from touches
