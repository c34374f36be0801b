-- Response, attempts and acceptance once more, plainly counted from fct_handoffs: of those handed
-- over in the period, the share whose clock was met among met and breached. The parts by team,
-- owner, persona, region and channel (with those that have none) are counted apart; they add up.

with

compliance as (

    select * from {{ ref('sla_compliance') }}
    where
        metric in ('response', 'attempts', 'acceptance')
        and segment = 'all'
        and status <> 'pending'

),

leads as (

    select * from {{ ref('dim_leads') }}

),

handoffs as (

    select * from {{ ref('fct_handoffs') }}

),

clocks as (

    select
        handoffs.lead_id,
        handoffs.handed_off_at,
        clocks.metric,
        clocks.status,
        parts.dimension,
        parts.part
    from handoffs
    cross join
        lateral (
            values
            ('response', handoffs.response_status),
            ('attempts', handoffs.attempts_status),
            ('acceptance', handoffs.acceptance_status)
        ) as clocks (metric, status)
    cross join
        lateral (
            values
            ('team', handoffs.team),
            ('owner', handoffs.owner_key),
            ('persona', handoffs.persona),
            ('region', handoffs.region),
            ('channel', handoffs.channel)
        ) as parts (dimension, part)

),

parts as (

    select
        compliance.agreement_version,
        compliance.commitment_id,
        compliance.period_start_date,
        clocks.dimension,
        clocks.part,
        count(*) filter (where clocks.status in ('met', 'breached')) as sample_size,
        count(*) filter (where clocks.status = 'met') as success_count,
        count(*) filter (where clocks.status = 'open') as open_count
    from compliance
    inner join clocks
        on
            compliance.metric = clocks.metric
            and compliance.period_start_at <= clocks.handed_off_at
            and compliance.period_end_at > clocks.handed_off_at
    inner join leads
        on clocks.lead_id = leads.lead_id
    where coalesce(leads.deleted_at >= compliance.period_end_at, true)
    group by 1, 2, 3, 4, 5

),

wholes as (

    select
        agreement_version,
        commitment_id,
        period_start_date,
        dimension,
        sum(sample_size) as sample_size,
        sum(success_count) as success_count,
        sum(open_count) as open_count
    from parts
    group by 1, 2, 3, 4

)

select
    compliance.agreement_version,
    compliance.commitment_id,
    compliance.period_start_date,
    wholes.dimension
from compliance
left join wholes
    on
        compliance.agreement_version = wholes.agreement_version
        and compliance.commitment_id = wholes.commitment_id
        and compliance.period_start_date = wholes.period_start_date
where
    compliance.sample_size <> coalesce(wholes.sample_size, 0)
    or compliance.success_count <> coalesce(wholes.success_count, 0)
    or compliance.open_count <> coalesce(wholes.open_count, 0)
    or compliance.actual is distinct from
    round(wholes.success_count / nullif(wholes.sample_size, 0), 6)
