-- Everything that sla_compliance says can be opened down to here.
with

told as (

    select * from {{ ref('int_funnel_members') }}

    union all

    select * from {{ ref('int_qualification_members') }}

    union all

    select * from {{ ref('int_handoff_members') }}

),

final as (

    select
        ----------  ids
        version,
        commitment_id,
        segment,
        member_key,
        lead_id,

        ----------  numerics
        cycle_number,
        days,
        amount,
        spend,

        ----------  booleans
        is_success,
        is_final,
        is_occurred_date_only,

        ----------  dates
        period_start_date,

        ----------  timestamps
        occurred_at
    from told

)

select * from final
