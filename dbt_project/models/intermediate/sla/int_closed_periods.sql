with

periods as (

    select * from {{ ref('int_commitment_periods') }}
    where is_over

),

members as (

    select * from {{ ref('int_commitment_members') }}

),

reports as (

    select * from {{ ref('stg_ops__reported_periods') }}

),

unreported as (

    select
        periods.version,
        periods.commitment_id,
        periods.segment,
        periods.period_start_date
    from periods
    left join reports
        on
            periods.version = reports.agreement_version
            and periods.commitment_id = reports.commitment_id
            and periods.segment = reports.segment
            and periods.period_start_date = reports.period_start_date
    where reports.agreement_version is null

),

-- in one order, so that the same night writes the same
with_members as (

    select
        members.version,
        members.commitment_id,
        members.segment,
        members.period_start_date,
        jsonb_agg(
            jsonb_build_object(
                'key', members.member_key,
                'lead', members.lead_id,
                'cycle', members.cycle_number,
                'contribution', {{ contribution('members') }}
            )
            order by members.member_key
        ) as members,
        bool_and(members.is_final) as is_every_member_final
    from members
    inner join unreported
        on
            members.version = unreported.version
            and members.commitment_id = unreported.commitment_id
            and members.segment = unreported.segment
            and members.period_start_date = unreported.period_start_date
    group by 1, 2, 3, 4

),

final as (

    select
        ----------  ids
        unreported.version as agreement_version,
        unreported.commitment_id,
        unreported.segment,

        ----------  documents
        coalesce(with_members.members, '[]') as members,

        ----------  dates
        unreported.period_start_date,

        ----------  timestamps
        {{ as_of() }} as as_of,
        {{ known_at() }} as known_at
    from unreported
    left join with_members
        on
            unreported.version = with_members.version
            and unreported.commitment_id = with_members.commitment_id
            and unreported.segment = with_members.segment
            and unreported.period_start_date = with_members.period_start_date
    where coalesce(with_members.is_every_member_final, true)

)

select * from final
