-- Duplicates that were merged, and leads that were converted: the lead becomes part of its contact.

with

record_merges as (

    select * from {{ ref('stg_salesforce__merges') }}
    where object in ('Lead', 'Contact')

),

converted_leads as (

    select * from {{ ref('stg_salesforce__leads') }}
    where
        is_converted
        and contact_key is not null

),

conversions as (

    select
        record_key,
        min(changed_at) as converted_at
    from {{ ref('stg_salesforce__field_history') }}
    where
        object = 'Lead'
        and field = 'leadConverted'
    group by 1

),

merged as (

    select
        merged_record_key,
        surviving_record_key,
        system,
        null::date as merged_on,
        -- where Salesforce does not say when, the night that told of it
        coalesce(merged_at, known_from) as merged_at
    from record_merges

    union all

    select
        converted_leads.record_key as merged_record_key,
        converted_leads.contact_key as surviving_record_key,
        converted_leads.system,
        case
            when conversions.record_key is null then converted_leads.converted_on
        end as merged_on,
        conversions.converted_at as merged_at
    from converted_leads
    left join conversions
        on converted_leads.record_key = conversions.record_key
    left join record_merges
        on converted_leads.record_key = record_merges.merged_record_key
    where record_merges.merged_record_key is null

),

final as (

    select
        ----------  ids
        merged_record_key,
        surviving_record_key,

        ----------  strings
        system,

        ----------  dates
        merged_on,

        ----------  timestamps
        merged_at
    from merged

)

select * from final
