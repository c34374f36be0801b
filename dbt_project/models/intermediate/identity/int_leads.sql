{%- set best_first -%}
    order by
        records.system_precedence nulls last,
        records.record_created_at nulls last,
        records.record_key
{%- endset -%}

with

records as (

    select * from {{ ref('int_lead_records') }}

),

identity as (

    select * from {{ ref('int_lead_identity') }}

),

-- a person is known since their first record, whatever became of it
first_records as (

    select
        identity.lead_id,
        min(records.record_created_at) as lead_created_at
    from identity
    inner join records
        on identity.record_key = records.record_key
    group by 1

),

-- a person's attribute: the surviving record's, in the first system that has one
leads as (

    select
        ----------  ids
        identity.lead_id,
        {{ first_known('records.campaign_key', best_first) }} as campaign_key,
        {{ first_known('records.owner_key', best_first) }} as owner_key,

        ----------  strings
        {{ first_known('records.normal_email', best_first) }} as email,
        {{ first_known("nullif(trim(records.phone), '')", best_first) }} as phone,
        {{ first_known("nullif(trim(records.company), '')", best_first) }} as company,
        {{ first_known('records.country', best_first) }} as country,
        {{ first_known('records.region', best_first) }} as region,
        {{ first_known('records.persona', best_first) }} as persona,
        {{ first_known('records.channel', best_first) }} as channel,

        ----------  numerics
        {{ first_known('records.score', best_first) }} as score,
        max(identity.record_count) as record_count,

        ----------  booleans
        bool_and(records.record_deleted_at is not null) as is_deleted,

        ----------  timestamps
        min(first_records.lead_created_at) as lead_created_at,
        -- a person is gone when the last of their records is
        case
            when bool_and(records.record_deleted_at is not null)
                then max(records.record_deleted_at)
        end as deleted_at
    from identity
    inner join records
        on identity.record_key = records.record_key
    inner join first_records
        on identity.lead_id = first_records.lead_id
    where identity.is_surviving
    group by 1

)

select * from leads
