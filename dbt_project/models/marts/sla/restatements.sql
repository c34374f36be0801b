with

reports as (

    select * from {{ ref('stg_ops__reported_periods') }}

),

promises as (

    select * from {{ ref('sla_compliance') }}

),

members as (

    select * from {{ ref('int_commitment_members') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

leads as (

    select * from {{ ref('int_leads') }}

),

-- what was said first is what people remember
first_reports as (

    select distinct on (agreement_version, commitment_id, segment, period_start_date) *
    from reports
    order by
        agreement_version,
        commitment_id,
        segment,
        period_start_date,
        reported_known_at,
        reported_as_of

),

restated as (

    select
        promises.*,
        first_reports.status as reported_status,
        first_reports.actual as reported_actual,
        first_reports.sample_size as reported_sample_size,
        first_reports.success_count as reported_success_count,
        first_reports.members,
        first_reports.reported_as_of,
        first_reports.reported_known_at
    from first_reports
    inner join promises
        on
            first_reports.agreement_version = promises.agreement_version
            and first_reports.commitment_id = promises.commitment_id
            and first_reports.segment = promises.segment
            and first_reports.period_start_date = promises.period_start_date
    where
        first_reports.actual is distinct from promises.actual
        or first_reports.sample_size <> promises.sample_size
        or first_reports.success_count <> promises.success_count

),

-- who stood behind the number, each under the name that the person goes by tonight
reported_members as (

    select
        restated.agreement_version,
        restated.commitment_id,
        restated.segment,
        restated.period_start_date,
        listed.lead as reported_lead_id,
        -- whoever is erased keeps the name
        coalesce(identity.lead_id, listed.lead) as lead_id,
        listed.lead <> identity.lead_id as is_renamed,
        listed.contribution,
        case
            when listed.cycle is null then listed.key
            else coalesce(identity.lead_id, listed.lead) || '/' || listed.cycle
        end as member_key
    from restated
    cross join
        lateral jsonb_to_recordset(restated.members)
            as listed (key text, lead text, cycle integer, contribution text)
    left join identity
        on listed.lead = identity.record_key

),

-- of two that are one person by now, one stands for both
numbered_members as (

    select
        *,
        row_number() over (
            partition by agreement_version, commitment_id, segment, period_start_date, member_key
            order by
                is_renamed nulls last,
                reported_lead_id
        ) as place
    from reported_members

),

-- people who were two when the number was published
merged_leads as (

    select distinct
        agreement_version,
        commitment_id,
        segment,
        period_start_date,
        lead_id
    from reported_members
    where is_renamed

),

members_now as (

    select
        members.version as agreement_version,
        members.commitment_id,
        members.segment,
        members.period_start_date,
        members.lead_id,
        case
            when members.cycle_number is null then members.member_key
            else members.lead_id || '/' || members.cycle_number
        end as member_key,
        members.is_success,
        {{ contribution('members') }} as contribution
    from members
    inner join restated
        on
            members.version = restated.agreement_version
            and members.commitment_id = restated.commitment_id
            and members.segment = restated.segment
            and members.period_start_date = restated.period_start_date

),

compared as (

    select
        coalesce(members_now.agreement_version, told_before.agreement_version) as agreement_version,
        coalesce(members_now.commitment_id, told_before.commitment_id) as commitment_id,
        coalesce(members_now.segment, told_before.segment) as segment,
        coalesce(members_now.period_start_date, told_before.period_start_date) as period_start_date,
        coalesce(members_now.lead_id, told_before.lead_id) as lead_id,
        told_before.is_renamed,
        told_before.place,
        told_before.contribution as reported_contribution,
        members_now.contribution,
        members_now.is_success
    from numbered_members as told_before
    full join members_now
        on
            told_before.agreement_version = members_now.agreement_version
            and told_before.commitment_id = members_now.commitment_id
            and told_before.segment = members_now.segment
            and told_before.period_start_date = members_now.period_start_date
            and told_before.member_key = members_now.member_key
            and told_before.place = 1
    where told_before.contribution is distinct from members_now.contribution

),

caused as (

    select
        compared.*,
        case
            when merged_leads.lead_id is not null or compared.is_renamed or compared.place > 1
                then 'merged'
            when compared.reported_contribution is null then 'late'
            -- gone with all its records, or deleted with a date before the period was over
            when
                compared.contribution is null
                and compared.lead_id is not null
                and coalesce(leads.is_deleted, true)
                then 'deleted'
            when
                compared.is_success
                and split_part(compared.reported_contribution, '/', 1) = 'f'
                then 'late'
            else 'corrected'
        end as cause
    from compared
    left join merged_leads
        on
            compared.agreement_version = merged_leads.agreement_version
            and compared.commitment_id = merged_leads.commitment_id
            and compared.segment = merged_leads.segment
            and compared.period_start_date = merged_leads.period_start_date
            and compared.lead_id = merged_leads.lead_id
    left join leads
        on compared.lead_id = leads.lead_id

),

causes as (

    select
        agreement_version,
        commitment_id,
        segment,
        period_start_date,
        count(*) filter (where cause = 'late') as late_count,
        count(*) filter (where cause = 'merged') as merged_count,
        count(*) filter (where cause = 'deleted') as deleted_count,
        count(*) filter (where cause = 'corrected') as corrected_count,
        array_agg(distinct lead_id order by lead_id) filter (where lead_id is not null)
            as changed_lead_ids
    from caused
    group by
        agreement_version,
        commitment_id,
        segment,
        period_start_date

),

final as (

    select
        ----------  ids
        restated.agreement_version,
        restated.commitment_id,
        restated.segment,

        ----------  strings
        restated.party,
        restated.metric,
        restated.unit,
        restated.currency,
        restated.period_kind,
        restated.reported_status,
        restated.status,
        coalesce(
            nullif(
                concat_ws(
                    ', ',
                    case when causes.late_count > 0 then causes.late_count || ' came late' end,
                    case when causes.merged_count > 0 then causes.merged_count || ' merged' end,
                    case when causes.deleted_count > 0 then causes.deleted_count || ' deleted' end,
                    case
                        when causes.corrected_count > 0
                            then causes.corrected_count || ' corrected'
                    end
                ),
                ''
            ),
            case
                when restated.status = 'undetermined' then 'it cannot be told any more'
                else 'it is computed in another way'
            end
        ) as reason,
        coalesce(causes.changed_lead_ids, '{}') as changed_lead_ids,

        ----------  numerics
        restated.target,
        restated.reported_actual::numeric(20, 6) as reported_actual,
        restated.actual,
        (restated.actual - restated.reported_actual)::numeric(20, 6) as actual_change,
        restated.reported_sample_size,
        restated.sample_size,
        restated.reported_success_count,
        restated.success_count,
        coalesce(causes.late_count, 0)::integer as late_count,
        coalesce(causes.merged_count, 0)::integer as merged_count,
        coalesce(causes.deleted_count, 0)::integer as deleted_count,
        coalesce(causes.corrected_count, 0)::integer as corrected_count,

        ----------  booleans
        restated.reported_status <> restated.status as is_verdict_changed,

        ----------  dates
        restated.period_start_date,
        restated.period_end_date,

        ----------  timestamps
        restated.reported_as_of,
        restated.reported_known_at
    from restated
    left join causes
        on
            restated.agreement_version = causes.agreement_version
            and restated.commitment_id = causes.commitment_id
            and restated.segment = causes.segment
            and restated.period_start_date = causes.period_start_date

)

select * from final
