with

entries as (

    select * from {{ ref('int_funnel_entries') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

followed as (

    select
        *,
        -- the move that ended this stay; an inferred row ends with the jump that made it
        case
            when is_inferred then is_date_only
            else
                first_value(is_date_only) over (
                    partition by lead_id
                    order by move_number
                    range between 1 following and 1 following
                )
        end as is_exit_date_only,
        not is_inferred
        and row_number() over (
            partition by lead_id, cycle_number, stage, is_inferred
            order by entry_number
        ) = 1 as is_first_entry
    from entries

),

final as (

    select
        ----------  ids
        followed.lead_id,
        followed.record_key,

        ----------  strings
        followed.stage,
        followed.direction,
        followed.reason,
        followed.version as agreement_version,

        ----------  numerics
        followed.cycle_number::integer as cycle_number,
        followed.entry_number::integer as entry_number,
        followed.stage_rank,
        round(
            {{ duration_days(
                'followed.entered_at', 'followed.is_date_only',
                'followed.exited_at', 'coalesce(followed.is_exit_date_only, false)',
                'followed.zone'
            ) }},
            6
        )::numeric(12, 6) as days_in_stage,

        ----------  booleans
        followed.is_inferred,
        followed.is_first_entry,
        followed.is_date_only,
        leads.is_deleted,

        ----------  dates
        (followed.entered_at at time zone followed.zone)::date as entered_date,

        ----------  timestamps
        followed.entered_at,
        followed.exited_at
    from followed
    inner join leads
        on followed.lead_id = leads.lead_id

)

select * from final
