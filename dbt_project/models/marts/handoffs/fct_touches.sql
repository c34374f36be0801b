with

touches as (

    select * from {{ ref('int_touches') }}

),

owners as (

    select * from {{ ref('int_source_owners') }}

),

systems as (

    select * from {{ ref('stg_ops__systems') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

final as (

    select
        ----------  ids
        touches.touch_key,
        touches.lead_id,
        touches.record_key,
        owners.owner_key,
        touches.version as agreement_version,

        ----------  strings
        touches.system,
        {{ spelled('touches.kind') }} as kind,
        {{ spelled('touches.direction') }} as direction,
        {{ spelled('touches.outcome') }} as outcome,
        owners.team,
        {{ record_url('touches.record_key', 'systems.record_link') }} as record_url,

        ----------  numerics
        touches.cycle_number::integer as cycle_number,

        ----------  booleans
        touches.is_automated,
        touches.is_counted,
        touches.is_conversation,
        touches.is_date_only,

        ----------  dates
        (touches.touched_at at time zone current_era.zone)::date as touched_date,

        ----------  timestamps
        touches.touched_at
    from touches
    cross join current_era
    left join owners
        on touches.owner_key = owners.owner_key
    left join systems
        on touches.system = systems.system

)

select * from final
