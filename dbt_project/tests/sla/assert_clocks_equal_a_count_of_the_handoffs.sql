-- Response, attempts and acceptance once more, as plain counts of fct_handoffs: of those handed over
-- in the period, the share whose clock was met among met and breached. And what sums there are by
-- team, owner, persona, region and channel, with those that have none, equal the whole.

{%- set dimensions = ['team', 'owner_key', 'persona', 'region', 'channel'] %}

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

clocks as (

    select
        'response' as metric,
        response_status as status,
        *
    from {{ ref('fct_handoffs') }}

    union all

    select
        'attempts' as metric,
        attempts_status as status,
        *
    from {{ ref('fct_handoffs') }}

    union all

    select
        'acceptance' as metric,
        acceptance_status as status,
        *
    from {{ ref('fct_handoffs') }}

),

counted as (

    select
        compliance.agreement_version,
        compliance.commitment_id,
        compliance.period_start_date,
        compliance.sample_size,
        compliance.success_count,
        compliance.open_count,
        clocks.status,
        {%- for dimension in dimensions %}
        coalesce(clocks.{{ dimension }}, 'none') as {{ dimension }}{{ ',' if not loop.last }}
        {%- endfor %}
    from compliance
    inner join clocks
        on
            compliance.metric = clocks.metric
            and compliance.period_start_at <= clocks.handed_off_at
            and compliance.period_end_at > clocks.handed_off_at
    inner join leads
        on clocks.lead_id = leads.lead_id
    where coalesce(leads.deleted_at >= compliance.period_end_at, true)

),

{% for dimension in dimensions %}
by_{{ dimension }} as (

    select
        agreement_version,
        commitment_id,
        period_start_date,
        {{ dimension }},
        count(*) filter (where status in ('met', 'breached')) as sample_size,
        count(*) filter (where status = 'met') as success_count,
        count(*) filter (where status = 'open') as open_count
    from counted
    group by 1, 2, 3, 4

),

{% endfor %}

summed as (

    {% for dimension in dimensions %}
    select
        '{{ dimension }}' as dimension,
        agreement_version,
        commitment_id,
        period_start_date,
        sum(sample_size) as sample_size,
        sum(success_count) as success_count,
        sum(open_count) as open_count
    from by_{{ dimension }}
    group by 1, 2, 3, 4
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    compliance.agreement_version,
    compliance.commitment_id,
    compliance.period_start_date,
    dimensions.dimension
from compliance
cross join (
    {%- for dimension in dimensions %}
    select '{{ dimension }}' as dimension {{ 'union all' if not loop.last }}
    {%- endfor %}
) as dimensions
left join summed
    on
        compliance.agreement_version = summed.agreement_version
        and compliance.commitment_id = summed.commitment_id
        and compliance.period_start_date = summed.period_start_date
        and dimensions.dimension = summed.dimension
where
    compliance.sample_size <> coalesce(summed.sample_size, 0)
    or compliance.success_count <> coalesce(summed.success_count, 0)
    or compliance.open_count <> coalesce(summed.open_count, 0)
    or compliance.actual is distinct from
    round(summed.success_count / nullif(summed.sample_size, 0), 6)
