with

records as (

    select * from {{ ref('int_salesforce__records') }}

),

owners as (

    select * from {{ ref('int_salesforce__owners') }}

),

leads as (

    select
        ----------  ids
        records.record_key,
        records.campaign_key,
        owners.owner_key,

        ----------  strings
        records.system,
        coalesce(records.email, records.second_email) as email,
        records.phone,
        records.company,
        records.country,
        records.region,
        records.persona,
        records.channel,

        ----------  numerics
        round(records.score)::bigint as score,

        ----------  dates
        records.arrived_on as created_on,

        ----------  timestamps
        case when records.arrived_on is null then records.created_at end as created_at,
        records.known_from
    from records
    left join owners
        on records.system || ':' || records.owner_id = owners.owner_key

)

select * from leads
