-- Leads and contacts, as each reading told them. A contact has no company of its own: it is its
-- account's, by the name that the account has now.

with

lead_versions as (

    select * from {{ ref('stg_salesforce__lead_versions') }}

),

contact_versions as (

    select * from {{ ref('stg_salesforce__contact_versions') }}

),

accounts as (

    select * from {{ ref('stg_salesforce__accounts') }}

),

record_versions as (

    select
        record_key,
        system,
        email,
        second_email,
        phone,
        company,
        country,
        region,
        persona,
        channel,
        score,
        known_from
    from lead_versions

    union all

    select
        contact_versions.record_key,
        contact_versions.system,
        contact_versions.email,
        contact_versions.second_email,
        contact_versions.phone,
        accounts.account_name as company,
        contact_versions.country,
        contact_versions.region,
        contact_versions.persona,
        contact_versions.channel,
        contact_versions.score,
        contact_versions.known_from
    from contact_versions
    left join accounts
        on
            contact_versions.system = accounts.system
            and contact_versions.account_id = accounts.account_id

)

select * from record_versions
