with

stage_changes as (

    select * from {{ ref('int_source_stage_changes') }}

),

records as (

    select * from {{ ref('int_lead_records') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

eras as (

    select * from {{ ref('int_agreement_eras') }}

),

mappings as (

    select * from {{ ref('stg_agreement__stage_mappings') }}

),

stages as (

    select * from {{ ref('stg_agreement__stages') }}

),

-- in the words of the version in force when it was seen
observed as (

    select
        stage_changes.record_key,
        stage_changes.system,
        stage_changes.source_stage,
        {{ spelled('stage_changes.source_stage') }} as spelled_stage,
        stage_changes.reason,
        stage_changes.occurred_at is null as is_date_only,
        eras.version,
        eras.zone,
        eras.handoff_rank,
        {{ moment('stage_changes.occurred_at', 'stage_changes.occurred_on', 'eras.zone') }}
            as observed_at
    from stage_changes
    -- a day belongs to the version of that day, whatever instant it begins at in its zone
    inner join eras
        on
            (
                stage_changes.occurred_at >= eras.starts_at
                and stage_changes.occurred_at < eras.ends_at
            )
            or (
                stage_changes.occurred_at is null
                and stage_changes.occurred_on >= eras.starts_on
                and stage_changes.occurred_on < eras.ends_on
            )

),

understood as (

    select
        ----------  ids
        identity.lead_id,
        observed.record_key,

        ----------  strings
        observed.version,
        observed.zone,
        observed.system,
        observed.source_stage,
        -- a reason to leave may still stand there when the lead is back on the path
        case when stages.stage_rank is null then observed.reason end as reason,
        stages.stage,

        ----------  numerics
        records.system_precedence,
        stages.stage_rank,
        observed.handoff_rank,
        identity.record_count,

        ----------  booleans
        observed.is_date_only,

        ----------  timestamps
        observed.observed_at,
        -- a record that was merged away or deleted stands nowhere any more
        least(records.record_merged_at, records.record_deleted_at) as record_ended_at
    from observed
    left join mappings
        on
            observed.version = mappings.version
            and observed.system = mappings.system
            and observed.spelled_stage = mappings.source_value
    left join stages
        on
            mappings.version = stages.version
            and mappings.stage = stages.stage
    left join identity
        on observed.record_key = identity.record_key
    left join records
        on observed.record_key = records.record_key
    where observed.observed_at <= {{ as_of() }}

)

select * from understood
