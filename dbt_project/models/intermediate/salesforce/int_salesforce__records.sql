-- A person is a lead, and once it is converted a contact. Both are records of ours.

with

leads as (

    select * from {{ ref('stg_salesforce__leads') }}

),

contacts as (

    select * from {{ ref('stg_salesforce__contacts') }}

),

accounts as (

    select * from {{ ref('stg_salesforce__accounts') }}

),

conversions as (

    select distinct record_key
    from {{ ref('stg_salesforce__field_history') }}
    where field = 'contactCreatedFromLead'

),

-- a contact has no company of its own
employed as (

    select
        contacts.*,
        accounts.account_name,
        conversions.record_key is not null as is_converted_lead
    from contacts
    left join accounts
        on
            contacts.system = accounts.system
            and contacts.account_id = accounts.account_id
    left join conversions
        on contacts.record_key = conversions.record_key

),

records as (

    select
        ----------  ids
        record_key,
        campaign_key,
        owner_id,

        ----------  strings
        system,
        'Lead' as record_kind,
        email,
        second_email,
        phone,
        company,
        country,
        region,
        persona,
        channel,
        status as source_stage,
        reason,

        ----------  numerics
        score,

        ----------  booleans
        false as is_converted_lead,

        ----------  dates
        arrived_on,

        ----------  timestamps
        created_at,
        known_from
    from leads

    union all

    select
        ----------  ids
        record_key,
        campaign_key,
        owner_id,

        ----------  strings
        system,
        'Contact' as record_kind,
        email,
        second_email,
        phone,
        account_name as company,
        country,
        region,
        persona,
        channel,
        lifecycle_stage as source_stage,
        reason,

        ----------  numerics
        score,

        ----------  booleans
        is_converted_lead,

        ----------  dates
        -- the conversion copies the day of the lead, and has a time itself
        case when not is_converted_lead then arrived_on end as arrived_on,

        ----------  timestamps
        created_at,
        known_from
    from employed

)

select * from records
