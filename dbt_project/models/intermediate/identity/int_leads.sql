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

-- a person's attribute: the surviving record's, in the first system that has one
leads as (

    select
        ----------  ids
        identity.lead_id,
        (
            array_agg(records.campaign_key {{ best_first }})
            filter (where records.campaign_key is not null)
        )[1] as campaign_key,
        (
            array_agg(records.owner_key {{ best_first }})
            filter (where records.owner_key is not null)
        )[1] as owner_key,

        ----------  strings
        (
            array_agg(records.country {{ best_first }})
            filter (where records.country is not null)
        )[1] as country,
        (
            array_agg(records.region {{ best_first }})
            filter (where records.region is not null)
        )[1] as region,
        (
            array_agg(records.persona {{ best_first }})
            filter (where records.persona is not null)
        )[1] as persona,
        (
            array_agg(records.channel {{ best_first }})
            filter (where records.channel is not null)
        )[1] as channel,

        ----------  numerics
        (
            array_agg(records.score {{ best_first }})
            filter (where records.score is not null)
        )[1] as score,
        max(identity.record_count) as record_count,

        ----------  booleans
        bool_or(records.normal_email is not null) as has_email,
        bool_or(nullif(trim(records.phone), '') is not null) as has_phone,
        bool_and(records.record_deleted_at is not null) as is_deleted,

        ----------  timestamps
        min(records.record_created_at) as lead_created_at,
        -- a person is gone when the last of their records is
        case
            when bool_and(records.record_deleted_at is not null)
                then max(records.record_deleted_at)
        end as deleted_at
    from identity
    inner join records
        on identity.record_key = records.record_key
    where identity.is_surviving
    group by 1

)

select * from leads
