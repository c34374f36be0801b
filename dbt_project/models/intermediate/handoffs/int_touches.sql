with

touches as (

    select * from {{ ref('int_source_touches') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

cycles as (

    select * from {{ ref('int_cycles') }}

),

handoffs as (

    select * from {{ ref('int_handoffs') }}

),

sales_people as (

    select * from {{ ref('int_sales_people') }}

),

touch_kinds as (

    select * from {{ ref('stg_agreement__touch_kinds') }}

),

conversation_kinds as (

    select * from {{ ref('stg_agreement__conversation_kinds') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

-- one activity on several records of one person touched them once
shared as (

    select
        identity.lead_id,
        touches.touch_key,
        min(touches.record_key) as record_key
    from identity
    inner join touches
        on identity.record_key = touches.record_key
    where identity.record_count > 1
    group by 1, 2
    having count(*) > 1

),

dated as (

    select
        touches.*,
        identity.lead_id,
        touches.occurred_at is null as is_date_only,
        {{ moment('touches.occurred_at', 'touches.occurred_on', 'current_era.zone') }}
            as touched_at,
        -- a day lasts until the next one begins
        coalesce(
            touches.occurred_at,
            {{ moment('null', '(touches.occurred_on + 1)', 'current_era.zone') }}
            - interval '1 microsecond'
        ) as touched_until
    from touches
    inner join identity
        on touches.record_key = identity.record_key
    left join shared
        on
            identity.lead_id = shared.lead_id
            and touches.touch_key = shared.touch_key
    cross join current_era
    where coalesce(touches.record_key = shared.record_key, true)

),

-- what happens from the handoff on is read in the words of the version of the handoff
placed as (

    select
        dated.*,
        cycles.cycle_number,
        handoffs.version,
        handoffs.handed_off_at
    from dated
    left join cycles
        on
            dated.lead_id = cycles.lead_id
            and dated.touched_until >= cycles.started_at
            and coalesce(dated.touched_until < cycles.ended_at, true)
    left join handoffs
        on
            cycles.lead_id = handoffs.lead_id
            and cycles.cycle_number = handoffs.cycle_number
            and dated.touched_until >= handoffs.handed_off_at
    where dated.touched_at <= {{ as_of() }}

),

judged as (

    select
        ----------  ids
        placed.touch_key,
        placed.lead_id,
        placed.record_key,
        placed.owner_key,
        placed.version,

        ----------  strings
        placed.system,
        placed.kind,
        placed.direction,
        placed.outcome,

        ----------  numerics
        placed.cycle_number,

        ----------  booleans
        placed.is_automated,
        placed.is_date_only,
        touch_kinds.kind is not null
        and sales_people.owner_key is not null
        and placed.is_automated is not true
        and coalesce({{ spelled('placed.direction') }} = 'outbound', false) as is_counted,
        -- of a reply it may not be known who received it
        conversation_kinds.kind is not null
        and placed.is_automated is not true
        and (
            sales_people.owner_key is not null
            or (
                placed.owner_key is null
                and coalesce({{ spelled('placed.direction') }} = 'inbound', false)
            )
        ) as is_conversation,

        ----------  timestamps
        placed.touched_at,
        placed.handed_off_at
    from placed
    left join sales_people
        on
            placed.version = sales_people.version
            and placed.owner_key = sales_people.owner_key
    left join touch_kinds
        on
            placed.version = touch_kinds.version
            and {{ spelled('placed.kind') }} = touch_kinds.kind
            and coalesce(
                {{ spelled('placed.outcome') }} = any(touch_kinds.outcomes),
                touch_kinds.outcomes is null
            )
    left join conversation_kinds
        on
            placed.version = conversation_kinds.version
            and {{ spelled('placed.kind') }} = conversation_kinds.kind
            and coalesce(
                {{ spelled('placed.outcome') }} = any(conversation_kinds.outcomes),
                conversation_kinds.outcomes is null
            )

)

select * from judged
