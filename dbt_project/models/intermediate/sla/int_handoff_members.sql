-- Who is counted where sales promises to work what is handed over, and marketing to hand over what
-- sales accepts.

with

periods as (

    select * from {{ ref('int_commitment_periods') }}

),

handoffs as (

    select
        handoffs.*,
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

-- whoever may still be decided in time waits; after that, who is not accepted is not
accepted as (

    select
        handoffs.*,
        'quality' as metric,
        case
            when decisions.decision is not null or verdicts.status is distinct from 'open'
                then coalesce(decisions.decision = 'accepted', false)
        end as is_success,
        decisions.decision is not null or verdicts.status is distinct from 'open' as is_final,
        handoffs.handed_off_at as occurred_at,
        handoffs.is_date_only as is_occurred_date_only
    from handoffs
    inner join decisions
        on
            handoffs.lead_id = decisions.lead_id
            and handoffs.cycle_number = decisions.cycle_number
    left join verdicts
        on
            handoffs.lead_id = verdicts.lead_id
            and handoffs.cycle_number = verdicts.cycle_number
            and verdicts.clock = 'acceptance'

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

-- the period of each kind in which it counts, to be joined by equality
dated as (

    select
        told.*,
        period_kinds.period_kind,
        period_kinds.zone as period_zone,
        date_trunc(
            period_kinds.period_kind, told.occurred_at at time zone period_kinds.zone
        )::date as period_start_date
    from told
    cross join period_kinds

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
        coalesce(periods.judged_by = 'acceptance', periods.metric <> 'quality')
        -- deleted before the period was over: not of its population
        and coalesce(dated.deleted_at >= periods.period_end_at, true)
        and {{ in_segment('periods', {
            'persona': 'dated.persona', 'region': 'dated.region', 'channel': 'dated.channel',
            'team': 'dated.team', 'owner': 'dated.owner_name'
        }) }}

)

select * from final
