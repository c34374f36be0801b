with

eras as (

    select * from {{ ref('int_agreement_eras') }}

),

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

clocks as (

    select * from {{ ref('stg_agreement__handoff_clocks') }}

),

teams as (

    select * from {{ ref('stg_agreement__teams') }}
    where party = 'sales'

),

regions as (

    select * from {{ ref('stg_agreement__regions') }}

),

owners as (

    select * from {{ ref('int_source_owners') }}

),

owner_spells as (

    select * from {{ ref('int_owner_spells') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

business_clocks as (

    select * from {{ ref('int_business_clocks') }}

),

business_days as (

    select * from {{ ref('int_business_days') }}

),

-- a clock is judged by the version in force when it starts. A lead is handed over once in a cycle,
-- also where a later version hands over at a later stage
handoffs as (

    select distinct on (cycle_stages.lead_id, cycle_stages.cycle_number)
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.is_date_only,
        cycle_stages.entered_at as handed_off_at,
        eras.version
    from {{ ref('int_cycle_stages') }} as cycle_stages
    inner join eras
        on
            cycle_stages.stage_rank = eras.handoff_rank
            and cycle_stages.entered_at >= eras.starts_at
            and cycle_stages.entered_at < eras.ends_at
    where not cycle_stages.is_inferred
    order by
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.entered_at,
        cycle_stages.stage_rank

),

-- the calendar of the team of the sales owner at the handoff, else of the region, else of everybody
placed as (

    select
        handoffs.*,
        coalesce(teams.calendar, regions.calendar, versions.default_calendar) as calendar
    from handoffs
    inner join versions
        on handoffs.version = versions.version
    inner join leads
        on handoffs.lead_id = leads.lead_id
    left join owner_spells
        on
            handoffs.lead_id = owner_spells.lead_id
            and handoffs.handed_off_at >= owner_spells.held_from
            and coalesce(handoffs.handed_off_at < owner_spells.held_until, true)
    left join owners
        on owner_spells.owner_key = owners.owner_key
    left join teams
        on
            handoffs.version = teams.version
            and {{ spelled('owners.team') }} = {{ spelled('teams.team') }}
    left join regions
        on
            handoffs.version = regions.version
            and {{ spelled('leads.region') }} = {{ spelled('regions.region') }}

),

due as (

    select
        ----------  ids
        placed.lead_id,
        placed.cycle_number,
        clocks.clock,
        placed.version,

        ----------  strings
        placed.calendar,

        ----------  numerics
        clocks.touches_due,

        ----------  booleans
        placed.is_date_only,

        ----------  timestamps
        placed.handed_off_at,
        case
            -- of a day nobody knows when its clock started
            when placed.is_date_only then null
            when clocks.clock_kind = 'clock_time'
                then placed.handed_off_at + make_interval(secs => clocks.target_seconds)
            when clocks.clock_kind = 'business_days' then business_days.ends_at
            else
                {{ due_at(
                    'placed.handed_off_at', 'start_day', 'clocks.target_seconds',
                    ref('int_business_windows')
                ) }}
        end as due_at
    from placed
    inner join clocks
        on placed.version = clocks.version
    left join business_clocks as start_day
        on
            placed.version = start_day.version
            and placed.calendar = start_day.calendar
            and {{ utc_day('placed.handed_off_at') }} = start_day.utc_day
    left join business_days
        on
            placed.version = business_days.version
            and placed.calendar = business_days.calendar
            and business_days.business_day
            = {{ business_day('placed.handed_off_at', 'start_day') }} + clocks.target_business_days

)

select * from due
