with

eras as (

    select * from {{ ref('int_agreement_eras') }}

),

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

regions as (

    select * from {{ ref('stg_agreement__regions') }}

),

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}
    where not is_inferred

),

cycles as (

    select * from {{ ref('int_cycles') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

sales_people as (

    select * from {{ ref('int_sales_people') }}

),

owner_spells as (

    select * from {{ ref('int_owner_spells') }}

),

-- a clock is judged by the version in force when it starts. A lead is handed over once in a cycle,
-- also where a later version hands over at a later stage
handed_over as (

    select distinct on (cycle_stages.lead_id, cycle_stages.cycle_number)
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.entry_number,
        cycle_stages.is_date_only,
        cycle_stages.entered_at as handed_off_at,
        eras.version,
        eras.zone,
        eras.handoff_rank
    from cycle_stages
    inner join eras
        on
            cycle_stages.stage_rank = eras.handoff_rank
            and cycle_stages.entered_at >= eras.starts_at
            and cycle_stages.entered_at < eras.ends_at
    order by
        cycle_stages.lead_id,
        cycle_stages.cycle_number,
        cycle_stages.entered_at,
        cycle_stages.stage_rank

),

ending as (

    select
        handed_over.*,
        cycles.ended_at
    from handed_over
    inner join cycles
        on
            handed_over.lead_id = cycles.lead_id
            and handed_over.cycle_number = cycles.cycle_number

),

-- the first in sales to hold it, from the handoff on; who does not before the next cycle does not
-- answer for this one
assigned as (

    select distinct on (ending.lead_id, ending.cycle_number)
        ending.lead_id,
        ending.cycle_number,
        sales_people.owner_key,
        sales_people.team,
        sales_people.calendar,
        owner_spells.is_date_only,
        greatest(owner_spells.held_from, ending.handed_off_at) as assigned_at,
        coalesce(owner_spells.held_from < ending.ended_at, true) as is_in_cycle
    from ending
    inner join owner_spells
        on
            ending.lead_id = owner_spells.lead_id
            and coalesce(ending.handed_off_at < owner_spells.held_until, true)
    inner join sales_people
        on
            ending.version = sales_people.version
            and owner_spells.owner_key = sales_people.owner_key
    order by
        ending.lead_id,
        ending.cycle_number,
        owner_spells.held_from

),

handoffs as (

    select
        ----------  ids
        ending.lead_id,
        ending.version,
        case when assigned.is_in_cycle then assigned.owner_key end as owner_key,

        ----------  strings
        ending.zone,
        case when assigned.is_in_cycle then assigned.team end as team,
        -- of the team of whoever in sales holds it at the handoff, else of the region, else of all
        coalesce(
            case when assigned.assigned_at = ending.handed_off_at then assigned.calendar end,
            regions.calendar,
            versions.default_calendar
        ) as calendar,

        ----------  numerics
        ending.cycle_number,
        ending.entry_number,
        ending.handoff_rank,

        ----------  booleans
        ending.is_date_only,
        assigned.is_date_only as is_assigned_date_only,

        ----------  timestamps
        ending.handed_off_at,
        assigned.assigned_at,
        ending.ended_at
    from ending
    inner join versions
        on ending.version = versions.version
    inner join leads
        on ending.lead_id = leads.lead_id
    left join assigned
        on
            ending.lead_id = assigned.lead_id
            and ending.cycle_number = assigned.cycle_number
    left join regions
        on
            ending.version = regions.version
            and {{ spelled('leads.region') }} = {{ spelled('regions.region') }}

)

select * from handoffs
