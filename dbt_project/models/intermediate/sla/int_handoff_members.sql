-- Who is counted where sales promises to work what is handed over, and marketing to hand over what
-- sales accepts.

with

periods as (

    select * from {{ ref('int_commitment_periods') }}
    where coalesce(judged_by = 'acceptance', metric <> 'quality')

),

handoffs as (

    select
        handoffs.lead_id,
        handoffs.cycle_number,
        handoffs.team,
        handoffs.is_date_only,
        handoffs.handed_off_at,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at,
        owners.owner_name
    from {{ ref('int_handoffs') }} as handoffs
    inner join {{ ref('int_leads') }} as leads
        on handoffs.lead_id = leads.lead_id
    left join {{ ref('int_source_owners') }} as owners
        on handoffs.owner_key = owners.owner_key

),

verdicts as (

    select * from {{ ref('int_handoff_verdicts') }}

),

decisions as (

    select * from {{ ref('int_handoff_decisions') }}

),

first_touches as (

    select * from {{ ref('int_handoff_touches') }}
    where is_counted and touch_number = 1

),

period_kinds as (

    select distinct
        metric,
        period_kind,
        zone
    from periods

),

-- excused and undetermined ones are out; open ones wait
clocked as (

    select
        handoffs.*,
        verdicts.clock as metric,
        case verdicts.status
            when 'met' then true
            when 'breached' then false
        end as is_success,
        verdicts.status <> 'open' as is_final,
        handoffs.handed_off_at as occurred_at,
        handoffs.is_date_only as is_occurred_date_only
    from handoffs
    inner join verdicts
        on
            handoffs.lead_id = verdicts.lead_id
            and handoffs.cycle_number = verdicts.cycle_number
    where verdicts.status in ('met', 'breached', 'open')

),

decided as (

    select
        decisions.*,
        decisions.decision is null
        and coalesce(
            verdicts.status = 'open'
            -- decided in time, for all that was read
            or (verdicts.status = 'undetermined' and verdicts.due_at is not null),
            false
        ) as is_open
    from decisions
    left join verdicts
        on
            decisions.lead_id = verdicts.lead_id
            and decisions.cycle_number = verdicts.cycle_number
            and verdicts.clock = 'acceptance'

),

-- whoever may still be decided in time waits; after that, who is not accepted is not
accepted as (

    select
        handoffs.*,
        'quality' as metric,
        case when not decided.is_open then coalesce(decided.decision = 'accepted', false) end
            as is_success,
        not decided.is_open as is_final,
        handoffs.handed_off_at as occurred_at,
        handoffs.is_date_only as is_occurred_date_only
    from handoffs
    inner join decided
        on
            handoffs.lead_id = decided.lead_id
            and handoffs.cycle_number = decided.cycle_number

),

worked as (

    select
        handoffs.*,
        'worked' as metric,
        true as is_success,
        true as is_final,
        first_touches.touched_at as occurred_at,
        first_touches.is_date_only as is_occurred_date_only
    from handoffs
    inner join first_touches
        on
            handoffs.lead_id = first_touches.lead_id
            and handoffs.cycle_number = first_touches.cycle_number

),

told as (

    select * from clocked

    union all

    select * from accepted

    union all

    select * from worked

),

-- the period of each kind in which it counts. Written down, so that it is joined by equality:
-- folded into the join, every period of a metric would be tried on every handoff
dated as materialized (

    select
        told.*,
        period_kinds.period_kind,
        period_kinds.zone as period_zone,
        date_trunc(
            period_kinds.period_kind, told.occurred_at at time zone period_kinds.zone
        )::date as period_start_date
    from told
    inner join period_kinds
        on told.metric = period_kinds.metric

),

final as (

    select
        ----------  ids
        periods.version,
        periods.commitment_id,
        periods.segment,
        dated.lead_id || '/' || dated.cycle_number as member_key,
        dated.lead_id,

        ----------  numerics
        dated.cycle_number,
        null::numeric as days,
        null::numeric as amount,
        null::numeric as spend,

        ----------  booleans
        dated.is_success,
        dated.is_final,
        dated.is_occurred_date_only,

        ----------  dates
        periods.period_start_date,

        ----------  timestamps
        dated.occurred_at
    from periods
    inner join dated
        on
            periods.metric = dated.metric
            and periods.period_kind = dated.period_kind
            and periods.zone = dated.period_zone
            and periods.period_start_date = dated.period_start_date
    where
        -- deleted before the period was over: not of its population
        coalesce(dated.deleted_at >= periods.period_end_at, true)
        and {{ in_segment('periods', {
            'persona': 'dated.persona', 'region': 'dated.region', 'channel': 'dated.channel',
            'team': 'dated.team', 'owner': 'dated.owner_name'
        }) }}

)

select * from final
