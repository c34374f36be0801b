with

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}

),

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

stages as (

    select
        stages.stage,
        stages.stage_rank,
        max(stages.stage_rank) over () as last_rank
    from {{ ref('stg_agreement__stages') }} as stages
    inner join current_era
        on stages.version = current_era.version
    where stages.stage_rank is not null

),

-- from each stage of the path to the next one and to the last one
pairs as (

    select
        starts.stage as from_stage,
        starts.stage_rank as from_rank,
        ends.stage as to_stage,
        ends.stage_rank as to_rank
    from stages as starts
    inner join stages as ends
        on
            starts.stage_rank < ends.stage_rank
            and ends.stage_rank in (starts.stage_rank + 1, starts.last_rank)

),

period_kinds as (

    select *
    from (
        values
        ('week', interval '1 week'),
        ('month', interval '1 month'),
        ('quarter', interval '3 months')
    ) as kinds (period_kind, period_length)

),

standings as (

    select
        lead_id,
        cycle_number,
        stage_rank is null as is_off_path
    from entries
    where exited_at is null

),

-- the first entry to the later stage that does not lie before the one to the earlier stage
journeys as (

    select
        starts.lead_id,
        starts.cycle_number,
        pairs.from_stage,
        pairs.to_stage,
        starts.zone,
        starts.is_date_only,
        starts.entered_at,
        min(
            {{ duration_days(
                'starts.entered_at', 'starts.is_date_only',
                'arrivals.entered_at', 'arrivals.is_date_only',
                'starts.zone'
            ) }}
        ) as days
    from cycle_stages as starts
    inner join pairs
        on starts.stage = pairs.from_stage
    left join entries as arrivals
        on
            starts.lead_id = arrivals.lead_id
            and starts.cycle_number = arrivals.cycle_number
            and pairs.to_stage = arrivals.stage
    group by 1, 2, 3, 4, 5, 6, 7

),

members as (

    select
        journeys.from_stage,
        journeys.to_stage,
        journeys.days,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at,
        (journeys.entered_at at time zone journeys.zone)::date as entered_date,
        -- how old the entry is, counted as the days to a later stage are
        case
            when journeys.is_date_only
                then
                    ({{ as_of() }} at time zone journeys.zone)::date
                    - (journeys.entered_at at time zone journeys.zone)::date - 1
            else extract(epoch from {{ as_of() }} - journeys.entered_at) / 86400
        end as age_days,
        -- nothing comes any more of a cycle that is over, that left the path, or of who is gone
        journeys.days is not null
        or journeys.cycle_number < standings.cycle_number
        or standings.is_off_path
        or leads.is_deleted as is_resolved
    from journeys
    inner join leads
        on journeys.lead_id = leads.lead_id
    inner join standings
        on journeys.lead_id = standings.lead_id

),

-- early, before they are laid out by period and segment: how many of a kind entered on a day
entered as (

    select
        from_stage,
        to_stage,
        entered_date,
        persona,
        region,
        channel,
        deleted_at,
        count(*) as entered_count,
        count(*) filter (where is_resolved) as resolved_count,
        count(days) as converted_count,
        {%- for age in (7, 30, 60, 90) %}
        count(*) filter (where days <= {{ age }}) as converted_in_{{ age }}_count,
        bool_and(age_days >= {{ age }}) as is_{{ age }}_days_old{{ "," if not loop.last }}
        {%- endfor %}
    from members
    group by 1, 2, 3, 4, 5, 6, 7

),

arrived as (

    select
        cycle_stages.stage,
        leads.persona,
        leads.region,
        leads.channel,
        leads.deleted_at,
        (cycle_stages.entered_at at time zone cycle_stages.zone)::date as entered_date,
        count(*) as arrived_count
    from cycle_stages
    inner join leads
        on cycle_stages.lead_id = leads.lead_id
    group by 1, 2, 3, 4, 5, 6

),

daily as (

    select
        from_stage,
        to_stage,
        entered_date,
        persona,
        region,
        channel,
        deleted_at,
        entered_count,
        resolved_count,
        converted_count,
        0 as arrived_count,
        {%- for age in (7, 30, 60, 90) %}
        converted_in_{{ age }}_count,
        is_{{ age }}_days_old{{ "," if not loop.last }}
        {%- endfor %}
    from entered

    union all

    select
        pairs.from_stage,
        pairs.to_stage,
        arrived.entered_date,
        arrived.persona,
        arrived.region,
        arrived.channel,
        arrived.deleted_at,
        0 as entered_count,
        0 as resolved_count,
        0 as converted_count,
        arrived.arrived_count,
        {%- for age in (7, 30, 60, 90) %}
        0 as converted_in_{{ age }}_count,
        true as is_{{ age }}_days_old{{ "," if not loop.last }}
        {%- endfor %}
    from arrived
    inner join pairs
        on arrived.stage = pairs.to_stage

),

by_period as (

    select
        daily.from_stage,
        daily.to_stage,
        daily.persona,
        daily.region,
        daily.channel,
        period_kinds.period_kind,
        date_trunc(period_kinds.period_kind, daily.entered_date::timestamp) as local_start,
        (
            date_trunc(period_kinds.period_kind, daily.entered_date::timestamp)
            + period_kinds.period_length
        ) at time zone current_era.zone as period_end_at,
        sum(daily.entered_count) as entered_count,
        sum(daily.resolved_count) as resolved_count,
        sum(daily.converted_count) as converted_count,
        sum(daily.arrived_count) as arrived_count,
        {%- for age in (7, 30, 60, 90) %}
        sum(daily.converted_in_{{ age }}_count) as converted_in_{{ age }}_count,
        bool_and(daily.is_{{ age }}_days_old) as is_{{ age }}_days_old{{ "," if not loop.last }}
        {%- endfor %}
    from daily
    cross join period_kinds
    cross join current_era
    where
        -- deleted before the period was over: not of its population
        coalesce(
            daily.deleted_at >= (
                date_trunc(period_kinds.period_kind, daily.entered_date::timestamp)
                + period_kinds.period_length
            ) at time zone current_era.zone,
            true
        )
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

counted as (

    select
        by_period.from_stage,
        by_period.to_stage,
        by_period.period_kind,
        by_period.local_start,
        by_period.period_end_at,
        segments.segment,
        segments.dimension,
        segments.dimension_value,
        sum(by_period.entered_count) as entered_count,
        sum(by_period.resolved_count) as resolved_count,
        sum(by_period.converted_count) as converted_count,
        sum(by_period.arrived_count) as arrived_count,
        {%- for age in (7, 30, 60, 90) %}
        sum(by_period.converted_in_{{ age }}_count) as converted_in_{{ age }}_count,
        bool_and(by_period.is_{{ age }}_days_old)
            as is_{{ age }}_days_old{{ "," if not loop.last }}
        {%- endfor %}
    from by_period
    cross join
        {{ segments({
            'persona': 'by_period.persona',
            'region': 'by_period.region',
            'channel': 'by_period.channel'
        }) }}
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

measured as (

    select
        counted.*,
        measures.measure,
        measures.base_count,
        measures.success_count,
        counted.period_end_at <= {{ as_of() }} as is_over,
        counted.period_end_at <= {{ as_of() }} and measures.is_complete as is_final
    from counted
    cross join
        lateral (
            values
            (
                'cohort_resolved',
                counted.resolved_count,
                counted.converted_count,
                counted.resolved_count = counted.entered_count
            ),
            {%- for age in (7, 30, 60, 90) %}
            (
                'cohort_{{ age }}_days',
                counted.entered_count,
                counted.converted_in_{{ age }}_count,
                counted.is_{{ age }}_days_old
            ),
            {%- endfor %}
            ('period', counted.entered_count, counted.arrived_count, true)
        ) as measures (measure, base_count, success_count, is_complete)

),

final as (

    select
        ----------  ids
        measured.segment,

        ----------  strings
        measured.period_kind,
        measured.from_stage,
        measured.to_stage,
        measured.measure,
        measured.dimension,
        measured.dimension_value,

        ----------  numerics
        pairs.from_rank,
        pairs.to_rank,
        measured.entered_count::integer as entered_count,
        measured.base_count::integer as base_count,
        measured.success_count::integer as success_count,
        round(measured.success_count / nullif(measured.base_count, 0), 6)::numeric(12, 6)
            as conversion_rate,

        ----------  booleans
        measured.is_over,
        measured.is_final,

        ----------  dates
        measured.local_start::date as period_start_date
    from measured
    inner join pairs
        on
            measured.from_stage = pairs.from_stage
            and measured.to_stage = pairs.to_stage

)

select * from final
